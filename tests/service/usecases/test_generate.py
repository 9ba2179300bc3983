"""Wishes that follow a recording, takes and their ranking, the account of a clip, clips that are made again."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from features.clip_file import read_provenance, write_clip
from features.errors import CorruptAudio, NoProvenance
from models.clip_wish import ClipWish, derived_seed
from models.errors import BadWish
from service.errors import Invalid
from service.usecases.generate import (
    account_of,
    genre_agreement,
    hearing,
    make_takes,
    provenance_of,
    rank_takes,
    reproduce,
    source_account,
    wish_like,
    write_take,
)
from tests.support.stand_in_generator import StandInGenerator

CLASSIFICATION = {
    "genre": "reggae",
    "probabilities": {"reggae": 0.6, "jazz": 0.3, "pop": 0.1, "polka": 0.0},
    "abstained": False,
    "reason": None,
    "attributes": {"tempo_bpm": 74.11, "key": "A minor", "loudness_lufs": -12.0},
}
WISH = ClipWish("jazz", seconds=1.0, seed=7)


@pytest.fixture
def generator() -> StandInGenerator:
    return StandInGenerator()


def takes(generator, wish=WISH, n=1):
    return list(make_takes(generator, wish, n))


def test_what_was_not_given_is_as_in_the_recording():
    wish = wish_like(CLASSIFICATION, given={"seconds": 5.0, "seed": 3, "key": None})
    assert wish.genre == pytest.approx({"reggae": 0.6, "jazz": 0.3, "pop": 0.1})
    assert (wish.tempo_bpm, wish.key, wish.seconds, wish.seed) == (74.1, "A minor", 5.0, 3)


def test_what_was_given_counts():
    wish = wish_like(CLASSIFICATION, given={"genre": {"blues": 1.0}, "tempo_bpm": 120.0, "key": "C major"})
    assert (wish.genre, wish.tempo_bpm, wish.key) == ({"blues": 1.0}, 120.0, "C major")
    assert wish_like(CLASSIFICATION, given={"genre": "waltz"}).genre == {"waltz": 1.0}


def test_like_this_but_half_jazz():
    wish = wish_like(CLASSIFICATION, given={"genre": {"jazz": 0.5}})
    assert wish.genre == pytest.approx({"reggae": 0.3, "jazz": 0.65, "pop": 0.05})


def test_what_was_not_heard_stays_open():
    wish = wish_like({**CLASSIFICATION, "attributes": {"tempo_bpm": 512.0, "key": None}}, given={})
    assert (wish.tempo_bpm, wish.key) == (None, None)


@pytest.mark.parametrize(
    ("changes", "given", "error", "words"),
    [
        ({"genre": None, "reason": "digital silence"}, {}, Invalid, r"\(digital silence\): give a genre"),
        ({"genre": "polka", "probabilities": {"polka": 1.0}}, {}, Invalid, "none of its genres"),
        ({}, {"seconds": 0.0}, BadWish, "seconds=0.0"),
        ({}, {"genre": {"polka": 1.0}}, BadWish, "no genre polka"),
        ({}, {"genre": {"jazz": "x"}}, BadWish, "share of jazz='x'"),
        ({}, {"genre": {"jazz": -1.0}}, BadWish, "share of jazz"),
        ({}, {"sheep": 1}, BadWish, "sheep: no part of a wish"),
    ],
)
def test_wishes_that_cannot_be_met(changes, given, error, words):
    with pytest.raises(error, match=words):
        wish_like({**CLASSIFICATION, **changes}, given=given)


def test_silence_can_be_followed_in_all_but_its_genre():
    wish = wish_like({"genre": None, "probabilities": {}, "reason": "digital silence"}, given={"genre": "rock"})
    assert wish == ClipWish("rock")


def test_takes_have_seeds_of_their_own_and_tell_how_far_they_are(generator):
    shares: list[float] = []
    clips = make_takes(generator, WISH, 3, progress=shares.append)
    assert generator.made == []  # each is made when it is asked for
    assert [clip.wish.seed for clip in clips] == [7, derived_seed(7, 1), derived_seed(7, 2)]
    assert shares == pytest.approx([1 / 3, 2 / 3, 1])


@pytest.mark.parametrize("n", [0, 17, 1.5, True])
def test_too_many_takes(generator, n):
    with pytest.raises(BadWish, match=f"takes={n}: expected a whole number from 1 to 16"):
        make_takes(generator, WISH, n)


def test_what_progress_raises_ends_the_takes(generator):
    def cancel(share):
        raise TimeoutError

    with pytest.raises(TimeoutError):
        list(make_takes(generator, WISH, 2, progress=cancel))
    assert len(generator.made) == 1


@pytest.mark.parametrize(
    ("genre", "probabilities", "expected"),
    [
        ({"jazz": 1.0}, {"jazz": 0.8, "blues": 0.2}, 0.8),
        ({"jazz": 0.5, "blues": 0.5}, {"jazz": 0.5, "blues": 0.5}, 1.0),
        ({"jazz": 0.5, "blues": 0.5}, {"jazz": 1.0, "blues": 0.0}, 0.5),
        ({"jazz": 0.6, "waltz": 0.4}, {"jazz": 0.9, "blues": 0.1}, 0.9),
        ({"jazz": 0.4, "waltz": 0.6}, {"jazz": 0.9, "blues": 0.1}, None),
        ({"waltz": 1.0}, {"jazz": 0.9, "blues": 0.1}, None),
    ],
)
def test_agreement_of_a_classifier_with_a_wish(genre, probabilities, expected):
    assert genre_agreement(genre, probabilities) == expected


def test_the_take_in_which_the_genre_is_heard_best_is_first(generator):
    clips = takes(generator, n=3)
    heard = dict(zip([clip.wish.seed for clip in clips], [0.2, 0.9, 0.5], strict=True))
    ranked = rank_takes(clips, hear=lambda clip: {"jazz": heard[clip.wish.seed], "rock": 0.0})
    assert [(take.index, take.rank, take.genre_agreement) for take in ranked] == [(1, 1, 0.9), (2, 2, 0.5), (0, 3, 0.2)]


def test_without_a_word_of_the_classifier_the_soundest_and_newest_is_first(generator):
    clips = takes(generator, ClipWish("waltz", seconds=1.0), n=3)
    clips[0].report["takes_tried"] = 2
    clips[2].report["originality"]["longest_run_s"] = 0.1
    for hear in (None, lambda clip: {"jazz": 1.0}):
        ranked = rank_takes(clips, hear=hear)
        assert [take.index for take in ranked] == [2, 1, 0]
        assert {take.genre_agreement for take in ranked} == {None}


def test_a_classifier_hears_the_samples_and_gives_no_genre_to_what_is_no_music(generator):
    given = []

    def predict(y, *, sr, attributes):
        given.append((y.shape, sr, attributes))
        return SimpleNamespace(genre=genre, probabilities={"jazz": 0.5, "rock": 0.5})

    clip = takes(generator)[0]
    hear = hearing(SimpleNamespace(predict=predict))
    genre = "jazz"
    assert hear(clip) == {"jazz": 0.5, "rock": 0.5}
    genre = None
    assert hear(clip) == {"jazz": 0.0, "rock": 0.0}
    assert given == [((22050,), 22050, False)] * 2


def test_the_account_is_the_same_for_the_same_clip(generator):
    first, again = (provenance_of(takes(generator)[0], genre_agreement=0.5) for _ in range(2))
    assert first == again
    assert first["generated"] is True
    assert first["software"].startswith("genrelab ")
    assert first["genre_agreement"] == 0.5
    assert "cost" not in first
    assert ClipWish.from_dict(first["wish"]) == WISH


def test_a_clip_made_again_is_the_same(generator, tmp_path):
    take = rank_takes(takes(generator), hear=None)[0]
    for suffix, samples in (("wav", True), ("flac", True), ("ogg", None), ("mp3", None)):
        path = tmp_path / f"clip.{suffix}"
        write_take(path, take)
        found = reproduce(path, account_of(path), StandInGenerator())
        assert (found.same_codes, found.same_samples, found.same) == (True, samples, True)
        assert found.provenance == read_provenance(path)
    file = io.BytesIO()
    write_take(file, take, format="flac")
    assert file.getvalue() == (tmp_path / "clip.flac").read_bytes()


def test_what_was_edited_is_not_the_same(generator, tmp_path):
    clip = takes(generator)[0]
    edited, other = tmp_path / "edited.wav", tmp_path / "other.wav"
    write_clip(edited, [clip.samples()[::-1]], sr=clip.sr, provenance=provenance_of(clip))
    found = reproduce(edited, account_of(edited), generator)
    assert (found.same_codes, found.same_samples, found.same) == (True, False, False)
    write_clip(other, clip.blocks(), sr=clip.sr, provenance={**provenance_of(clip), "codes_sha256": "0" * 64})
    assert not reproduce(other, account_of(other), generator).same


def test_a_clip_that_started_from_a_recording_needs_it_again(generator, tmp_path):
    recording, other = tmp_path / "recording.wav", tmp_path / "other.wav"
    for file, peak in ((recording, 0.5), (other, 0.4)):
        soundfile.write(file, peak * np.sin(np.arange(44100) * 0.1), 22050)
    source = generator.source_of(recording, use="continue", end_s=0.5)
    path = tmp_path / "clip.flac"
    account = source_account(recording, use="continue", start_s=None, end_s=0.5)
    write_take(path, rank_takes(make_takes(generator, WISH, 1, source=source), hear=None)[0], source=account)

    assert reproduce(path, account_of(path), generator, source=recording).same
    again = generator.sources[-1]
    assert (again.use, again.start_frame, again.stop_frame) == ("continue", source.start_frame, source.stop_frame)
    with pytest.raises(Invalid, match="give it as the source"):
        reproduce(path, account_of(path), generator)
    with pytest.raises(Invalid, match="the recording that"):
        reproduce(path, account_of(path), generator, source=other)
    plain = tmp_path / "plain.flac"
    write_take(plain, rank_takes(takes(generator), hear=None)[0])
    with pytest.raises(Invalid, match="nothing but a wish"):
        reproduce(plain, account_of(plain), generator, source=recording)


def test_another_generator_cannot_make_it_again(generator, tmp_path):
    path = tmp_path / "clip.wav"
    write_take(path, rank_takes(takes(generator), hear=None)[0])
    with pytest.raises(Invalid, match="made by stand-in-generator-1, here is generator-2"):
        reproduce(path, account_of(path), StandInGenerator(name="generator-2"))
    retrained = StandInGenerator()
    retrained.sha256 = "f" * 64
    with pytest.raises(Invalid, match="those here are ffffffffffff"):
        reproduce(path, account_of(path), retrained)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"wish": None}, CorruptAudio, "lacks wish"),
        ({"source": "a.wav"}, CorruptAudio, "lacks source"),
        ({"source": {"use": "vary"}}, CorruptAudio, "lacks source"),
        ({"wish": {"genre": {"polka": 1}}}, BadWish, "no genre polka"),
        (None, NoProvenance, "no clip that was made here"),
    ],
)
def test_accounts_from_which_nothing_can_be_made(generator, tmp_path, changes, error, words):
    path, clip = tmp_path / "clip.wav", takes(generator)[0]
    if changes is None:
        soundfile.write(path, clip.samples(), clip.sr)
    else:
        write_clip(path, clip.blocks(), sr=clip.sr, provenance={**provenance_of(clip), **changes})
    with pytest.raises(error, match=words):
        account_of(path)
