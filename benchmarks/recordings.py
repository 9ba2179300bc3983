"""Recordings to measure with, cut from those that the user names."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile as sf

BLOCK_FRAMES = 1 << 16


def write_long(files: Sequence[Path], path: Path, duration_s: float) -> Path:
    """The files one after the other, again and again, in the first one's format."""
    return _write(files, path, 0, duration_s)


def write_clips(files: Sequence[Path], folder: Path, *, n_clips: int, duration_s: float) -> list[Path]:
    """Clips that start at different places of the files, one after the other, in the first one's format."""
    n_frames = sum(sf.info(file).frames for file in _alike(files))
    paths = [folder / f"clip-{i:03}{files[0].suffix}" for i in range(n_clips)]
    return [_write(files, path, n_frames * i // n_clips, duration_s) for i, path in enumerate(paths)]


def _write(files: Sequence[Path], path: Path, start: int, duration_s: float) -> Path:
    """`duration_s` of the endless repetition of the files, from frame `start`, a block at a time."""
    like = sf.info(files[0])
    left = int(duration_s * like.samplerate)
    blocks = _blocks_from(_alike(files), start)
    with sf.SoundFile(path, "w", like.samplerate, like.channels, like.subtype, format=like.format) as out:
        while left:
            block = next(blocks)[:left]
            out.write(block)
            left -= len(block)
    return path


def _blocks_from(files: Sequence[Path], start: int) -> Iterator[np.ndarray]:
    for file in cycle(files):
        n_frames = sf.info(file).frames
        if start < n_frames:
            yield from sf.blocks(file, BLOCK_FRAMES, start=start, dtype="float32")
        start = max(start - n_frames, 0)


def _alike(files: Sequence[Path]) -> list[Path]:
    """Those with the first one's sampling rate and channels."""
    first = sf.info(files[0])
    return [f for f in files if (sf.info(f).samplerate, sf.info(f).channels) == (first.samplerate, first.channels)]
