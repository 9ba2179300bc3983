"""Rows of recordings are read once, come back in order, and damage is named."""

import numpy as np
import pytest

from datasets.manifest import Manifest, Recording
from features.errors import FeatureError
from models.errors import ModelError
from models.recording_shards import cached_rows


@pytest.fixture
def manifest(tmp_path):
    paths = [tmp_path / f"{name}.txt" for name in ("a", "bbb", "cc")]
    for path in paths:
        path.write_text(path.stem)
    return Manifest("three", tuple(Recording(path, "any") for path in paths))


def rows_of(path):
    return np.frombuffer(path.read_bytes(), np.uint8)


def cached(manifest, folder, *, read=rows_of, settings=(1,), **options):
    return cached_rows(manifest, folder, read=read, settings=settings, row_shape=(), shard_recordings=2, **options)


def test_rows_come_back_in_order_and_are_read_once(manifest, tmp_path):
    told = []
    found = cached(manifest, tmp_path / "shards", progress=lambda *counts: told.append(counts))
    assert [bytes(rows).decode() for rows in found] == ["a", "bbb", "cc"]
    assert told == [(2, 3), (3, 3)]
    again = cached(manifest, tmp_path / "shards", read=lambda path: pytest.fail(f"{path} was read again"))
    assert [bytes(rows) for rows in again] == [bytes(rows) for rows in found]


def test_other_settings_are_other_shards(manifest, tmp_path):
    cached(manifest, tmp_path / "shards")
    doubled = cached(manifest, tmp_path / "shards", read=lambda path: rows_of(path).repeat(2), settings=(2,))
    assert bytes(doubled[1]) == b"bbbbbb"


def test_a_recording_that_cannot_be_read_is_named_and_nothing_is_kept(manifest, tmp_path):
    def refuse(path):
        raise FeatureError("no sound")

    with pytest.raises(ModelError, match=r"a\.txt: no sound; mend it"):
        cached(manifest, tmp_path / "shards", read=refuse)
    assert not list((tmp_path / "shards").iterdir())


def test_a_damaged_shard_is_named(manifest, tmp_path):
    cached(manifest, tmp_path / "shards")
    for path in (tmp_path / "shards").glob("*.npy"):
        path.write_bytes(b"damaged")
    with pytest.raises(ModelError, match="a damaged shard"):
        cached(manifest, tmp_path / "shards")


def test_a_shard_of_another_shape_is_named(manifest, tmp_path):
    cached(manifest, tmp_path / "shards")
    with pytest.raises(ModelError, match="does not fit its lengths"):
        cached_rows(manifest, tmp_path / "shards", read=rows_of, settings=(1,), row_shape=(3,), shard_recordings=2)
