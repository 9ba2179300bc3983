"""Recordings for the benchmarks: of the length that was asked for, no two alike."""

import numpy as np
import soundfile as sf

from benchmarks.recordings import write_clips, write_long


def two_files(folder, rng):
    paths = [folder / "a.flac", folder / "b.flac"]
    for path in paths:
        sf.write(path, rng.uniform(-0.5, 0.5, (8000 * 20, 2)), 8000)
    return paths


def test_long_file_repeats_the_files(tmp_path, rng):
    files = two_files(tmp_path, rng)
    y, sr = sf.read(write_long(files, tmp_path / "long.flac", 50.0))
    assert (sr, y.shape) == (8000, (400_000, 2))
    np.testing.assert_array_equal(y[: 8000 * 20], sf.read(files[0])[0])
    np.testing.assert_array_equal(y[8000 * 20 : 8000 * 40], sf.read(files[1])[0])
    np.testing.assert_array_equal(y[8000 * 40 :], y[: 8000 * 10])


def test_clips_differ(tmp_path, rng):
    clips = write_clips(two_files(tmp_path, rng), tmp_path, n_clips=12, duration_s=10.0)
    signals = [sf.read(path)[0] for path in clips]
    assert {signal.shape for signal in signals} == {(80_000, 2)}
    assert len({signal.tobytes() for signal in signals}) == 12
