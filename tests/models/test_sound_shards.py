"""Sounds are decoded once, into shards that are whole, and a recording that cannot be read is named."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

import models.sound_shards as module
from datasets.manifest import Manifest, Recording
from features.log_mel import SR
from models.errors import ModelError
from models.sound_shards import FULL_SCALE, cached_sounds


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


def test_every_recording_has_its_sound(manifest, tmp_path):
    found = cached_sounds(manifest, tmp_path / "shards")
    assert len(found) == 5
    for recording, y in zip(manifest, found, strict=True):
        assert y.dtype == np.int16
        np.testing.assert_allclose(y / FULL_SCALE, soundfile.read(recording.path)[0], atol=1 / FULL_SCALE)
        with pytest.raises(ValueError, match="read-only"):
            y[0] = 0


def test_what_is_over_full_scale_is_cut(tmp_path):
    path = tmp_path / "loud.wav"
    soundfile.write(path, np.array([0.0, 1.5, -1.5, 0.5]), SR, subtype="FLOAT")
    (y,) = cached_sounds(Manifest("loud", (Recording(path, "noise"),)), tmp_path / "shards")
    np.testing.assert_array_equal(y, [0, 32767, -32767, 16384])


def test_reading_goes_on_where_it_was_stopped(manifest, tmp_path, monkeypatch):
    def stop(done: int, total: int) -> None:
        if done == 4:
            raise Stopped

    with pytest.raises(Stopped):
        cached_sounds(manifest, tmp_path / "shards", progress=stop)
    read: list[Path] = []
    load = module.load
    monkeypatch.setattr(module, "load", lambda path, **options: read.append(path) or load(path, **options))
    told: list[tuple[int, int]] = []
    assert len(cached_sounds(manifest, tmp_path / "shards", progress=lambda *d: told.append(d))) == 5
    assert read == [manifest.recordings[4].path]
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_a_recording_that_cannot_be_read_is_named(manifest, tmp_path):
    manifest.recordings[3].path.write_bytes(b"no sound")
    with pytest.raises(ModelError, match=r"3\.wav: .*take it out of the corpus"):
        cached_sounds(manifest, tmp_path / "shards")


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY\x01\x00 no header"])
def test_a_damaged_shard_is_named(manifest, tmp_path, damage):
    cached_sounds(manifest, tmp_path / "shards")
    (shard, *_) = sorted(path for path in (tmp_path / "shards").iterdir() if "lengths" not in path.name)
    shard.write_bytes(damage)
    with pytest.raises(ModelError, match=rf"{shard.name}: .*remove"):
        cached_sounds(manifest, tmp_path / "shards")
