"""Log-mels are computed once, in shards that are whole, and a recording that cannot be read is named."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

import models.log_mel_shards as module
from datasets.manifest import Manifest, Recording
from features.log_mel import SR, log_mel
from models.errors import ModelError
from models.log_mel_shards import cached_log_mels


@pytest.fixture
def manifest(tmp_path, rng, monkeypatch) -> Manifest:
    """Five recordings of different lengths, two in a shard."""
    monkeypatch.setattr(module, "SHARD_RECORDINGS", 2)
    recordings = []
    for index in range(5):
        path = tmp_path / f"{index}.wav"
        soundfile.write(path, 0.1 * rng.normal(size=2000 + 600 * index), SR, subtype="FLOAT")
        recordings.append(Recording(path, "noise"))
    return Manifest("noises", tuple(recordings))


class Stopped(Exception):
    """What a caller raises who wants no more."""


def sound(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32")[0]


def test_every_recording_has_its_log_mel(manifest, tmp_path):
    found = cached_log_mels(manifest, tmp_path / "shards")
    assert len(found) == 5
    for recording, S in zip(manifest, found, strict=True):
        assert S.dtype == np.float16
        np.testing.assert_allclose(S, log_mel(sound(recording.path)), atol=0.01)
        with pytest.raises(ValueError, match="read-only"):
            S[0] = 0


def test_what_is_there_is_not_computed_again(manifest, tmp_path, monkeypatch):
    before = [np.array(S) for S in cached_log_mels(manifest, tmp_path / "shards")]
    monkeypatch.setattr(module, "load", lambda *_, **__: pytest.fail("decoded again"))
    for one, other in zip(before, cached_log_mels(manifest, tmp_path / "shards"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_reading_goes_on_where_it_was_stopped(manifest, tmp_path, monkeypatch):
    def stop(done: int, total: int) -> None:
        if done == 4:
            raise Stopped

    with pytest.raises(Stopped):
        cached_log_mels(manifest, tmp_path / "shards", progress=stop)
    read = []
    load = module.load
    monkeypatch.setattr(module, "load", lambda path, **options: read.append(path) or load(path, **options))
    told = []
    assert len(cached_log_mels(manifest, tmp_path / "shards", progress=lambda *d: told.append(d))) == 5
    assert read == [manifest.recordings[4].path]
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_another_recording_of_the_same_name_is_read_anew(manifest, tmp_path, rng):
    cached_log_mels(manifest, tmp_path / "shards")
    path = manifest.recordings[0].path
    soundfile.write(path, 0.2 * rng.normal(size=9000), SR, subtype="FLOAT")
    (first, *_) = cached_log_mels(manifest, tmp_path / "shards")
    np.testing.assert_allclose(first, log_mel(sound(path)), atol=0.01)


def test_no_recordings_are_no_log_mels(tmp_path):
    assert cached_log_mels(Manifest("none", ()), tmp_path / "shards") == []


def test_a_recording_that_cannot_be_read_is_named(manifest, tmp_path):
    manifest.recordings[3].path.write_bytes(b"no sound")
    with pytest.raises(ModelError, match=r"3\.wav: .*take it out of the corpus"):
        cached_log_mels(manifest, tmp_path / "shards")


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY\x01\x00 no header"])
def test_a_damaged_shard_is_named(manifest, tmp_path, damage):
    cached_log_mels(manifest, tmp_path / "shards")
    (shard, *_) = sorted(path for path in (tmp_path / "shards").iterdir() if "lengths" not in path.name)
    shard.write_bytes(damage)
    with pytest.raises(ModelError, match=rf"{shard.name}: .*remove"):
        cached_log_mels(manifest, tmp_path / "shards")
