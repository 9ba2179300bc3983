"""The cache answers with what was put in, or not at all."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from features.cache import FeatureCache, content_key, sha256_of
from features.errors import FeatureError, UnreadableFile

ARRAYS = {"taggram": np.arange(12, dtype=np.float32).reshape(3, 4), "times": np.array([0.0, 1.5, 3.0])}
MB = 2**20


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "cache", max_bytes=MB)


def kilobytes(n: int) -> dict[str, np.ndarray]:
    return {"y": np.zeros(n * 256, np.float32)}


def last_used(folder: Path, key: str, age_s: float) -> None:
    os.utime(folder / "cache" / f"{key}.npz", (time.time() - age_s,) * 2)


def test_gives_back_what_was_put(cache):
    assert cache.get("a") is None
    assert cache.put("a", ARRAYS)
    found = cache.get("a")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_replaces_and_clears(cache):
    cache.put("a", ARRAYS)
    cache.put("a", {"y": np.ones(2)})
    assert cache.get("a").keys() == {"y"}
    assert cache.size_bytes() > 0
    cache.clear()
    assert cache.get("a") is None
    assert cache.size_bytes() == 0


def test_removes_what_was_not_read_for_longest(cache, tmp_path):
    for age_s, key in ((400, "oldest"), (300, "old"), (200, "read")):
        cache.put(key, kilobytes(300))
        last_used(tmp_path, key, age_s)
    cache.get("oldest")  # used again: now the youngest
    cache.put("new", kilobytes(300))
    assert cache.get("old") is None
    assert cache.get("oldest") is not None
    assert cache.get("new") is not None
    assert cache.size_bytes() <= MB


def test_refuses_what_is_larger_than_the_cache(cache):
    cache.put("small", ARRAYS)
    assert not cache.put("large", kilobytes(2000))
    assert cache.get("small") is not None


def test_a_damaged_entry_is_a_miss_and_is_removed(cache, tmp_path, rng):
    cache.put("a", ARRAYS)
    path = tmp_path / "cache" / "a.npz"
    whole = path.read_bytes()
    damaged = [b"", b"not a zip file", whole[: len(whole) // 2], b"\x93NUMPY" + whole[6:]]
    for _ in range(300):
        flipped = bytearray(whole)
        for position in rng.integers(0, len(whole), 3):
            flipped[position] ^= int(rng.integers(1, 256))
        damaged.append(bytes(flipped))
    misses = 0
    for content in damaged:
        path.write_bytes(content)
        found = cache.get("a")
        if found is None:
            misses += 1
            assert not path.exists()
        else:  # the flipped bytes were of no account, such as a date: the numbers are right
            for name in found.keys() & ARRAYS.keys():
                np.testing.assert_array_equal(found[name], ARRAYS[name])
    assert misses > len(damaged) // 2


def test_an_entry_never_runs_code(cache, tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    np.savez(folder / "a.npz", y=np.array([{"an": "object"}], dtype=object))
    assert cache.get("a") is None
    with pytest.raises(FeatureError, match="Python objects"):
        cache.put("a", {"y": np.array([None], dtype=object)})


def test_a_full_disk_is_no_error(cache, tmp_path, monkeypatch):
    cache.put("a", ARRAYS)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert not cache.put("b", ARRAYS)
    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"] == ["a.npz"]


def test_a_really_full_disk_is_no_error(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a small file system here")
    try:
        cache = FeatureCache(folder, max_bytes=MB)
        assert cache.put("small", kilobytes(64))
        assert not cache.put("large", kilobytes(512))
        assert cache.get("small") is not None
        assert [path.name for path in folder.iterdir()] == ["small.npz"]
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = FeatureCache(tmp_path / "file" / "cache", max_bytes=MB)
    assert not cache.put("a", ARRAYS)
    assert cache.get("a") is None
    assert cache.size_bytes() == 0


def test_what_a_dead_process_left_is_removed(cache, tmp_path):
    cache.put("a", ARRAYS)
    dead, alive = tmp_path / "cache" / "dead.part", tmp_path / "cache" / "alive.part"
    for path in (dead, alive):
        path.write_bytes(b"half an entry")
    os.utime(dead, (time.time() - 7200,) * 2)
    cache.size_bytes()
    assert not dead.exists()
    assert alive.exists()


WRITER = """
import sys
import numpy as np
from pathlib import Path
from features.cache import FeatureCache
cache = FeatureCache(Path(sys.argv[1]), max_bytes=200_000)
seed = int(sys.argv[2])
for turn in range(60):
    key = f"key{(turn * 7 + seed) % 10}"
    found = cache.get(key)
    if found is not None:
        y = found["y"]
        assert y.size == 10_000 and (y == y[0]).all(), "torn entry"
    assert cache.put(key, {"y": np.full(10_000, seed, np.float32)})
"""


def test_processes_write_at_once(tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "cache"), str(seed)], stderr=subprocess.PIPE)
        for seed in range(4)
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors.decode()
    cache = FeatureCache(tmp_path / "cache", max_bytes=200_000)
    assert 0 < cache.size_bytes() <= 200_000
    assert not list((tmp_path / "cache").glob("*.part"))


def test_keys_tell_contents_and_settings_apart(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    assert content_key(path) == content_key(b"sound") != content_key(b"other")
    keys = {content_key(b"sound", *settings) for settings in ((), ("ab", "c"), ("a", "bc"), ("abc",), ("ab", "c", ""))}
    assert len(keys) == 5
    assert sha256_of(path) == "dd29442deca69f52c50006b831cb216edf78a7da33748f0a80ff19f2ebe57ecd"  # sha256sum


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda cache, folder: FeatureCache(folder, max_bytes=0), FeatureError, "max_bytes=0"),
        (lambda cache, folder: cache.get("../secret"), FeatureError, "no cache key"),
        (lambda cache, folder: cache.put("a/b", ARRAYS), FeatureError, "no cache key"),
        (lambda cache, folder: cache.get(""), FeatureError, "no cache key"),
        (lambda cache, folder: cache.put("a", {"file": np.ones(1)}), FeatureError, "cannot name an array"),
        (lambda cache, folder: sha256_of(folder / "missing.wav"), UnreadableFile, "check the path"),
        (lambda cache, folder: content_key(folder), UnreadableFile, "check the path"),
    ],
)
def test_bad_input(cache, tmp_path, call, error, match):
    with pytest.raises(error, match=match):
        call(cache, tmp_path)
