"""The plan of a clip: composed for a wish, and around what was heard of a recording."""

import numpy as np
import pytest

from datasets.composers import GENRES
from datasets.plan_of_song import FRAME_BLOCKS
from features.log_mel import FRAMES_PER_S
from models.clip_plan import PLAN_SEEDS, Metre, looped, metre_of, mixed_genres, outline, single_wishes
from models.clip_source import Source
from models.clip_wish import ClipWish
from models.code_stream import FREE
from models.errors import BadWish
from models.plan import frame_blocks, plan_of_wish

N_CODEBOOKS = 3
WISH = ClipWish("rock", 4.0, seed=3, tempo_bpm=120.0, key="A minor")


def planned(wish=WISH, source=None, n_frames=100):
    return outline(wish, source, n_frames=n_frames, n_codebooks=N_CODEBOOKS, genres=GENRES)


@pytest.fixture
def blocks(rng):
    """Heard of 200 frames; the pulse is 60 bpm in bars of 4 that begin at frame 10."""
    heard = {name: rng.uniform(size=(200, width)).astype(np.float32) for name, width in FRAME_BLOCKS.items()}
    beats = (np.arange(200) - 10) / FRAMES_PER_S
    phases = 2 * np.pi * np.stack([beats, beats / 4])
    heard["pulse"] = np.stack([f(phase) for phase in phases for f in (np.sin, np.cos)], axis=1).astype(np.float32)
    del heard["form"]
    return heard


def source(use, blocks, **options):
    codes = np.arange(N_CODEBOOKS * 200).reshape(N_CODEBOOKS, 200) % 16
    span = {"start_frame": 50, "stop_frame": 120} | options
    return Source(use, codes, blocks=blocks, tempo_bpm=60.0, key="C major", **span)


def test_without_a_source_everything_is_made_as_the_composer_plans_it():
    found = planned()
    composed = plan_of_wish(
        "rock",
        seconds=100 / FRAMES_PER_S,
        seed=PLAN_SEEDS + 3,
        frames_per_s=FRAMES_PER_S,
        tempo_bpm=120.0,
        key="A minor",
    )
    np.testing.assert_array_equal(found.mix.leading.frames, composed.frames[:100])
    assert (found.given == FREE).all()
    assert found.made.all()


def test_a_clip_of_less_than_a_second_has_a_plan_too():
    assert planned(n_frames=22).mix.n_frames == 22


def test_plans_are_never_those_of_a_corpus():
    """Composers' seeds of rendered corpora are below 1,000 strides of a million."""
    assert PLAN_SEEDS > 1000 * 1_000_000


def test_what_is_continued_comes_first_and_the_metre_goes_on_in_its_place(blocks):
    """One bar of 4 beats at the wish's tempo: from the place in the bar that the span ends at."""
    found = planned(ClipWish("rock", 4.0, tempo_bpm=60.0), source("continue", blocks), n_frames=172)
    np.testing.assert_array_equal(found.given[:, :70], source("continue", blocks).codes[:, 50:120])
    np.testing.assert_array_equal(found.made, np.arange(172) >= 70)
    told = frame_blocks(found.mix.leading)
    for name, block in blocks.items():
        np.testing.assert_array_equal(told[name][:70], block[50:120])
    bars = np.arctan2(told["pulse"][:, 2], told["pulse"][:, 3])
    steps = np.angle(np.exp(1j * np.diff(bars)))
    np.testing.assert_allclose(steps, 2 * np.pi / (4 * FRAMES_PER_S), atol=0.02)


def test_a_clip_no_longer_than_what_it_continues_is_refused(blocks):
    with pytest.raises(BadWish, match=r"begins with 1\.63 s of the recording"):
        planned(source=source("continue", blocks), n_frames=70)


def test_another_genre_keeps_what_was_heard_of_the_span(blocks):
    found = planned(source=source("restyle", blocks), n_frames=70)
    assert (found.given == FREE).all()
    told = frame_blocks(found.mix.leading)
    for name, block in blocks.items():
        np.testing.assert_array_equal(told[name], block[50:120])


def test_a_span_is_filled_in_and_all_around_it_is_kept(blocks):
    found = planned(source=source("inpaint", blocks), n_frames=200)
    inside = (np.arange(200) >= 50) & (np.arange(200) < 120)
    np.testing.assert_array_equal(found.made, inside)
    np.testing.assert_array_equal(found.given[:, ~inside], source("inpaint", blocks).codes[:, ~inside])
    harmony = frame_blocks(found.mix.leading)["harmony"]
    np.testing.assert_array_equal(harmony[~inside], blocks["harmony"][~inside])
    assert (harmony[inside] != blocks["harmony"][inside]).any()


@pytest.mark.parametrize(("strength", "n_beats"), [(0.0, 0), (0.5, 2), (1.0, 4)])
def test_whole_beats_are_varied_as_many_as_the_strength_says(blocks, strength, n_beats):
    """70 frames of 120 bpm are three beats and a bit; what is begun of the fourth counts as one."""
    wish = ClipWish("rock", 4.0, tempo_bpm=120.0)
    found = planned(wish, source("vary", blocks, strength=strength), n_frames=90)
    beat = (np.arange(70) / (FRAMES_PER_S / 2)).astype(int)
    assert found.made.sum() == sum((beat == each).sum() for each in set(beat[found.made]))
    assert len(set(beat[found.made])) == n_beats


def test_what_the_wish_says_counts_before_what_was_heard(blocks):
    told = planned(source=source("restyle", blocks), n_frames=70).mix.leading.overall
    heard = planned(ClipWish("rock", 4.0), source("restyle", blocks), n_frames=70).mix.leading.overall
    assert told[0] == 0.0  # 120 bpm
    assert heard[0] == -1.0  # 60 bpm
    assert (int(told[1:13].argmax()), told[13]) == (9, 1.0)
    assert (int(heard[1:13].argmax()), heard[13]) == (0, 0.0)


def test_the_plan_of_a_loop_begins_again():
    found = looped(planned(), 60)
    np.testing.assert_array_equal(found.mix.leading.frames[60:], found.mix.leading.frames[:40])


def test_the_metre_is_that_of_the_song():
    assert metre_of(WISH).tempo_bpm == 120.0
    assert metre_of(ClipWish("waltz", 4.0)).beats_per_bar == 3
    assert metre_of(ClipWish({"waltz": 0.6, "rock": 0.4}, 4.0, tempo_bpm=90.0)) == Metre(90.0, 3)


def test_of_a_mix_every_genre_has_its_own_plan_of_one_tempo_and_key():
    mix = planned(ClipWish({"reggae": 0.25, "jazz": 0.75}, 4.0, seed=3)).mix
    first, second = mix.plans
    told = 14  # values of tempo, key and energy, before those of the genres
    np.testing.assert_array_equal(first.overall[:told], second.overall[:told])
    np.testing.assert_array_equal(first.overall[15:29], np.eye(14)[GENRES.index("jazz")])
    np.testing.assert_array_equal(second.overall[15:29], np.eye(14)[GENRES.index("reggae")])
    np.testing.assert_array_equal(frame_blocks(first)["pulse"], frame_blocks(second)["pulse"])
    assert (first.frames != second.frames).any()
    assert mix.leading is first


def test_the_tempo_of_a_mix_goes_from_that_of_one_genre_to_that_of_the_other():
    def tempo(share: float) -> float:
        wishes = single_wishes(ClipWish({"jazz": 1 - share, "reggae": share}, 4.0, seed=3))
        octaves = [planned(wish).mix.leading.overall[0] for wish in wishes.values()]
        assert len(set(octaves)) == 1
        return octaves[0]

    jazz, quarter, half, reggae = (tempo(share) for share in (0.0, 0.25, 0.5, 1.0))
    assert jazz != reggae
    assert quarter == pytest.approx(0.75 * jazz + 0.25 * reggae, abs=0.001)
    assert half == pytest.approx((jazz + reggae) / 2, abs=0.001)


def test_what_a_wish_for_a_mix_says_counts_for_every_genre():
    wishes = single_wishes(ClipWish({"jazz": 1, "metal": 1}, 4.0, tempo_bpm=99.0, key="C minor", energy=0.5))
    assert [(each.tempo_bpm, each.key, each.energy) for each in wishes.values()] == [(99.0, "C minor", 0.5)] * 2


def test_of_many_genres_the_three_largest_shares_are_mixed():
    wish = ClipWish({"blues": 0.1, "jazz": 0.2, "metal": 0.3, "rock": 0.3, "waltz": 0.1}, 4.0)
    assert mixed_genres(wish) == pytest.approx({"jazz": 0.25, "metal": 0.375, "rock": 0.375})
    assert len(planned(wish).mix.plans) == 3


def test_weights_are_nearer_to_each_other_than_shares_and_in_their_order():
    """(1/32) ** 0.4 = 1/4: a share that is 32 times as large has four times the weight."""
    mix = planned(ClipWish({"reggae": 1, "jazz": 32}, 4.0)).mix
    assert mix.weights == pytest.approx((0.8, 0.2))  # in the order of all genres
    assert planned(ClipWish({"reggae": 0.5, "jazz": 0.5}, 4.0)).mix.weights == (0.5, 0.5)
    assert planned(ClipWish("jazz", 4.0)).mix.weights == (1.0,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_frame": 120, "stop_frame": 50}, "expected one within the 4.64 s"),
        ({"stop_frame": 201}, "expected one within"),
        ({"stop_frame": 60}, "span of 0.23 s: expected 0.5 s or more"),
        ({"strength": 1.5}, "strength=1.5: expected 0 to 1"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused(blocks, options, message):
    with pytest.raises(BadWish, match=message):
        source("vary", blocks, **options)


def test_an_unknown_use_is_refused(blocks):
    with pytest.raises(BadWish, match="use='copy': expected one of continue"):
        source("copy", blocks)
