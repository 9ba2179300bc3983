"""A corpus is heard file by file: what is broken costs itself only, what was heard is kept by content."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datasets.manifest import Manifest, Recording
from features.cache import FeatureCache
from features.packet_scalogram import packet_scalogram
from models.errors import ModelError
from models.hear_corpus import MAX_WINDOWS, HeardCorpus, hear_corpus
from models.hybrid_input import window_scalograms
from tests.support.audio_files import sound_file, tone
from tests.support.stand_in_models import StandInBackbone, StandInStream

SR = 16000
Sounds = dict[str, bytes]


class CountingBackbone(StandInBackbone):
    """Counts the recordings that it heard."""

    def __init__(self) -> None:
        self.n_heard = 0

    def stream(self, *, patch_hop: float) -> StandInStream:
        self.n_heard += 1
        return super().stream(patch_hop=patch_hop)


class MarkingBackbone(StandInBackbone):
    """The last tag of each window is its place, in hundredths."""

    def stream(self, *, patch_hop: float) -> StandInStream:
        class Stream(StandInStream):
            def finish(self):
                heard = super().finish()
                heard.taggram[:, -1] = np.arange(len(heard.taggram)) / 100
                return heard

        return Stream(patch_hop)


def wav(frequency: float, seconds: float) -> bytes:
    return sound_file(tone(frequency, seconds=seconds, sr=SR, channels=1), SR, format="WAV")


@pytest.fixture(scope="module")
def sounds() -> Sounds:
    return {
        "a.wav": wav(440, 4.0),
        "empty.wav": b"",
        "b.wav": wav(880, 6.0),
        "text.wav": b"no sound at all",
        "short.wav": wav(440, 0.1),
        "cut.wav": wav(440, 4.0)[:20],
        "c.wav": wav(1760, 3.0),
    }


@pytest.fixture(scope="module")
def corpus(sounds, tmp_path_factory) -> Manifest:
    folder = tmp_path_factory.mktemp("corpus")
    for name, data in sounds.items():
        (folder / name).write_bytes(data)
    names = [*sounds, "missing.wav"]
    return Manifest("tones", tuple(Recording(folder / name, "tone", artist=name) for name in names))


@pytest.fixture(scope="module")
def told() -> list[tuple[int, int]]:
    return []


@pytest.fixture(scope="module")
def heard(corpus, told) -> HeardCorpus:
    return hear_corpus(corpus, StandInBackbone(), jobs=2, progress=lambda done, total: told.append((done, total)))


def names(recordings) -> list[str]:
    return [recording.path.name for recording in recordings]


def test_broken_files_cost_themselves_only_and_are_listed_with_the_reason(heard):
    assert names(heard.recordings) == ["a.wav", "b.wav", "c.wav"]  # in the order of the manifest
    assert len(heard.inputs) == 3
    assert names(r for r, _ in heard.failures) == ["empty.wav", "text.wav", "short.wav", "cut.wav", "missing.wav"]
    reasons = {recording.path.name: reason for recording, reason in heard.failures}
    assert all(reasons.values())
    assert "cannot be read" in reasons["missing.wav"]
    assert "0.10 s" in reasons["short.wav"]


def test_progress_counts_every_file_once(heard, corpus, told):
    assert told == [(done, len(corpus)) for done in range(1, len(corpus) + 1)]


def test_hours_are_those_of_what_was_heard(heard):
    assert heard.hours * 3600 == pytest.approx(4 + 6 + 3, abs=0.05)


def test_every_view_is_that_of_the_recording(heard):
    assert [len(each) for each in heard.inputs] == [1, 3, 1]
    for frequency, seconds, views in zip((440, 880, 1760), (4, 6, 3), heard.inputs, strict=True):
        assert views.present.all()
        y = tone(frequency, seconds=seconds, sr=SR, channels=1)[:, 0]
        expected = window_scalograms(packet_scalogram(y), len(views))
        np.testing.assert_allclose(views.scalogram.astype(np.float32), expected, atol=2e-3)


def test_heard_one_at_a_time_is_the_same(heard, corpus):
    again = hear_corpus(corpus, StandInBackbone(), jobs=1)
    assert again.recordings == heard.recordings
    assert_same(again, heard)


def assert_same(one: HeardCorpus, other: HeardCorpus) -> None:
    for a, b in zip(one.inputs, other.inputs, strict=True):
        for name in ("taggram", "embedding", "scalogram", "attributes"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
            assert getattr(a, name).dtype == getattr(b, name).dtype
    assert one.hours == other.hours
    assert one.failures == other.failures


def test_what_was_heard_once_comes_from_the_cache_wherever_it_lies(heard, corpus, tmp_path):
    cache = FeatureCache(tmp_path / "cache", max_bytes=10**8)
    backbone = CountingBackbone()
    assert_same(hear_corpus(corpus, backbone, cache=cache, jobs=2), heard)
    n_heard = backbone.n_heard
    moved = [tmp_path / f"other name {i}.wav" for i in range(3)]
    for old, new in zip(heard.recordings, moved, strict=True):
        shutil.copy(old.path, new)
    again = hear_corpus(Manifest("moved", tuple(Recording(path, "") for path in moved)), backbone, cache=cache, jobs=2)
    assert backbone.n_heard == n_heard >= 3
    for one, other in zip(again.inputs, heard.inputs, strict=True):
        np.testing.assert_array_equal(one.scalogram, other.scalogram)
    assert again.hours == pytest.approx(heard.hours)


def test_another_backbone_hears_anew(corpus, heard, tmp_path):
    cache = FeatureCache(tmp_path / "cache", max_bytes=10**8)
    good = Manifest("one", heard.recordings[:1])
    hear_corpus(good, StandInBackbone(), cache=cache, jobs=1)
    other = CountingBackbone()
    other.identity = "tuned"
    hear_corpus(good, other, cache=cache, jobs=1)
    assert other.n_heard == 1


@pytest.fixture(scope="module")
def long(tmp_path_factory) -> Callable[[np.ndarray], HeardCorpus]:
    def hear(y: np.ndarray) -> HeardCorpus:
        path = tmp_path_factory.mktemp("long") / "long.wav"
        path.write_bytes(sound_file(y[:, np.newaxis], SR, format="WAV"))
        return hear_corpus(Manifest("long", (Recording(path, ""),)), MarkingBackbone(), jobs=1)

    return hear


def places(heard: HeardCorpus) -> list[int]:
    return np.round(heard.inputs[0].taggram[:, -1] * 100).astype(int).tolist()


def test_a_long_recording_is_thinned_evenly(long):
    kept = places(long(tone(440, seconds=91.5, sr=SR, channels=1)[:, 0]))  # 60 windows
    assert len(kept) == MAX_WINDOWS == 40
    assert (kept[0], kept[-1]) == (0, 59)
    assert set(np.diff(kept)) == {1, 2}


def test_silent_windows_are_left_out_unless_all_are(long):
    y = np.concatenate([tone(440, seconds=4.5, sr=SR, channels=1)[:, 0], np.zeros(6 * SR, np.float32)])
    assert places(long(y)) == [0, 1, 2]
    assert len(places(long(np.zeros(6 * SR, np.float32)))) == 3


def test_where_nothing_can_be_heard_the_first_reason_is_told(corpus, heard):
    broken = Manifest("broken", tuple(recording for recording, _ in heard.failures))
    with pytest.raises(ModelError, match=r"broken: no recording could be heard \(.*empty\.wav: "):
        hear_corpus(broken, StandInBackbone(), jobs=1)
    with pytest.raises(ModelError, match=r"nothing: no recording could be heard \(it lists none\)"):
        hear_corpus(Manifest("nothing", ()), StandInBackbone(), jobs=1)


def test_what_progress_raises_ends_the_work(corpus):
    class Enough(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Enough

    backbone = CountingBackbone()
    with pytest.raises(Enough):
        hear_corpus(corpus, backbone, jobs=1, progress=stop)
    assert backbone.n_heard < len(corpus)


@pytest.mark.parametrize("name", ["a\0.wav", "\ud800.wav"])
def test_a_path_that_no_file_can_have_is_a_failure(name, heard):
    recordings = (Recording(Path(name), ""), heard.recordings[0])
    again = hear_corpus(Manifest("odd", recordings), StandInBackbone(), jobs=1)
    assert [recording for recording, _ in again.failures] == [recordings[0]]
    assert again.recordings == recordings[1:]


def test_a_file_name_that_is_no_text_is_heard(heard, sounds, tmp_path):
    path = Path(tmp_path, b"caf\xe9.wav".decode("utf-8", "surrogateescape"))
    path.write_bytes(sounds["a.wav"])
    again = hear_corpus(Manifest("latin", (Recording(path, ""),)), StandInBackbone(), jobs=1)
    np.testing.assert_array_equal(again.inputs[0].scalogram, heard.inputs[0].scalogram)
