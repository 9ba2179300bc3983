"""The generator makes what was wished for, the same each time; takes that will not do are made again."""

import numpy as np
import pytest

from features.audio import load
from features.errors import FeatureError
from features.log_mel import HOP_LENGTH, SR
from models import generator as module
from models.clip_wish import ClipWish
from models.errors import BadWish, CopiesTraining
from tests.support.audio_files import sound_file
from tests.support.small_generator import small_generator

WISH = ClipWish("reggae", 2.0, seed=1, tempo_bpm=120.0)


@pytest.fixture(scope="module")
def generator():
    return small_generator()


@pytest.fixture(scope="module")
def clip(generator):
    return generator.make(WISH)


def test_a_clip_is_as_long_as_was_wished_and_nothing_clips(clip):
    y = clip.samples()
    assert y.shape == (2 * SR,) == (clip.n_samples,)
    assert y.dtype == np.float32
    assert 0.1 < np.abs(y).max() <= 10 ** (-1 / 20) + 1e-6


def test_the_same_wish_gives_the_same_bytes_and_another_seed_another_clip(generator, clip):
    again = generator.make(WISH)
    assert again.samples().tobytes() == clip.samples().tobytes() == b"".join(each.tobytes() for each in clip.blocks())
    assert {**again.report, "cost": None} == {**clip.report, "cost": None}
    assert generator.make(WISH.with_seed(2)).report["codes_sha256"] != clip.report["codes_sha256"]


def test_the_report_says_how_it_was_made(clip):
    report = clip.report
    assert report["wish"] == WISH.to_dict()
    assert report["mixed"] == WISH.genre
    assert (report["model"], report["generator"], report["seconds"], report["seed"]) == ("small-1", "0" * 64, 2.0, 1)
    assert (report["takes_tried"], report["retries"]) == (1, [])
    assert report["originality"]["accepted"]
    assert report["cost"]["realtime_factor"] > 0


def test_keywords_make_the_same_wish(generator, clip):
    made = generator.generate({"reggae": 3}, seconds=2.0, seed=1, tempo_bpm=120.0)
    assert made.report["codes_sha256"] == clip.report["codes_sha256"]
    with pytest.raises(BadWish, match="seconds=0"):
        generator.generate("reggae", seconds=0)


def test_progress_rises_to_one_and_what_it_raises_ends_the_work(generator):
    shares = []
    generator.make(WISH, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0

    def stop(_share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generator.make(WISH, progress=stop)


def test_a_take_that_copies_is_made_again_with_another_seed(generator, clip):
    """The first take is in the training material, for 100 of its 88 frames and more."""
    copying = small_generator(training={"rock-7": np.tile(clip.codes, 2)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.originality.LIMIT_S", 1.0)
        found = copying.make(WISH)
    assert found.report["takes_tried"] == 2
    assert found.report["retries"][0]["seed"] == 1
    assert "are those of the training clip rock-7" in found.report["retries"][0]["reason"]
    assert found.report["codes_sha256"] != clip.report["codes_sha256"]


def test_a_wish_that_only_copies_is_refused(generator, clip, monkeypatch):
    copying = small_generator(training={"rock-7": np.tile(clip.codes, 2)})
    monkeypatch.setattr("models.originality.LIMIT_S", 1.0)
    monkeypatch.setattr(module, "RETRIES", 0)
    with pytest.raises(
        CopiesTraining, match=r"1 takes, and of the last one .* of the training clip rock-7: try another"
    ):
        copying.make(WISH)


def test_a_degenerate_take_is_made_again_and_the_last_one_is_given_with_the_reason(generator, monkeypatch):
    monkeypatch.setattr("models.take_health.SILENT_LIMIT", -1.0)  # nothing is loud enough
    found = generator.make(WISH)
    assert found.report["takes_tried"] == module.RETRIES + 1
    assert [each["reason"] for each in found.report["retries"]] == ["silent for 0.0 of 2.0 s"] * (module.RETRIES + 1)


def test_every_other_take_is_made_from_another_plan(generator, monkeypatch):
    """What repeats the training material does so, perhaps, because of what it was told to play."""
    monkeypatch.setattr("models.take_health.SILENT_LIMIT", -1.0)
    planned, plan = [], generator._task
    monkeypatch.setattr(generator, "_task", lambda wish, source: planned.append(wish.seed) or plan(wish, source))
    found = generator.make(WISH)
    assert len(set(planned)) == module.RETRIES + 1
    assert planned == [each["seed"] for each in found.report["retries"]]
    assert found.wish == WISH


def test_a_loop_is_whole_bars_and_goes_over_into_its_beginning(generator):
    found = generator.make(ClipWish("rock", 3.0, seed=1, tempo_bpm=120.0, loop=True))
    y = found.samples()
    assert y.size == 4 * SR  # two bars of two seconds
    assert abs(float(y[0] - y[-1])) <= 3 * np.abs(np.diff(y)).max()
    assert found.report["loop"]["seam_step"] >= 0


@pytest.fixture(scope="module")
def recording(clip):
    return clip.samples()


def test_what_is_continued_is_heard_first(generator, recording):
    source = generator.source_of(recording, sr=SR, use="continue", start_s=1.0, end_s=1.8)
    found = generator.make(ClipWish("rock", 3.0, seed=1), source=source)
    n = round(0.7 * SR)
    kept = recording[source.start_frame * HOP_LENGTH :][:n]
    y = found.samples()[:n]
    inner = slice(2000, None)
    assert np.corrcoef(y[inner], kept[inner])[0, 1] > 0.99
    assert found.samples().size == 3 * SR


def test_around_a_span_that_is_filled_in_the_recording_stays(generator, recording):
    source = generator.source_of(recording, sr=SR, use="inpaint", start_s=0.8, end_s=1.4)
    y = generator.make(ClipWish("rock", 10.0, seed=1), source=source).samples()
    assert recording.size - HOP_LENGTH < y.size <= recording.size
    for inside, least, most in ((slice(2000, 15000), 0.99, 1.01), (slice(20000, 30000), -0.9, 0.9)):
        assert least < np.corrcoef(y[inside], recording[inside])[0, 1] < most


def test_another_genre_and_a_variation_are_as_long_as_the_span(generator, recording):
    for use in ("restyle", "vary"):
        source = generator.source_of(recording, sr=SR, use=use, start_s=0.5, end_s=1.6, strength=0.3)
        assert abs(generator.make(ClipWish("jazz", 10.0), source=source).n_samples / SR - 1.1) < 0.05


def test_a_recording_is_read_from_a_file_too(generator, recording, tmp_path):
    path = tmp_path / "take.wav"
    path.write_bytes(sound_file(recording, SR, format="WAV", subtype="FLOAT"))
    of_samples = generator.source_of(load(path, sr=SR), sr=SR, use="restyle")
    np.testing.assert_array_equal(generator.source_of(path, use="restyle").codes, of_samples.codes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_s": 1.5, "end_s": 1.0}, "expected one within the 2.0"),
        ({"start_s": 0.0, "end_s": 9.0}, "expected one within the 2.0"),
        ({"start_s": 1.9}, "span of 0.09 s: expected 0.5 s"),
    ],
)
def test_a_span_outside_is_refused(generator, recording, options, message):
    with pytest.raises(BadWish, match=message):
        generator.source_of(recording, sr=SR, use="inpaint", **options)


def test_recordings_that_are_too_long_too_short_or_of_no_rate_are_refused(generator):
    with pytest.raises(BadWish, match="a recording of 301 s: expected at most 300 s"):
        generator.source_of(np.zeros(301 * 8000, np.float32), sr=8000, use="vary")
    with pytest.raises(BadWish, match=r"a recording of 0.40 s: expected 0.5 s or more"):
        generator.source_of(np.zeros(8820, np.float32), sr=SR, use="vary")
    with pytest.raises(FeatureError, match="without their sampling rate"):
        generator.source_of(np.zeros(SR, np.float32), use="vary")


def test_a_loop_cannot_start_from_a_recording(generator, recording):
    with pytest.raises(BadWish, match="cannot be a loop"):
        generator.make(ClipWish("rock", 3.0, loop=True), source=generator.source_of(recording, sr=SR, use="vary"))
