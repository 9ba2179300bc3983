"""Recordings to measure with, made of those that the user names."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile as sf

BLOCK_FRAMES = 1 << 16


def write_long(files: Sequence[Path], path: Path, duration_s: float) -> Path:
    """The files one after the other, again and again, in the first one's format."""
    first = sf.info(files[0])
    blocks = _blocks_forever(files)
    _write(path, first, blocks, int(duration_s * first.samplerate))
    return path


def write_clips(files: Sequence[Path], folder: Path, *, n_clips: int, duration_s: float) -> list[Path]:
    """Clips that all differ: stretches of the files at shifting offsets, in the first one's format."""
    first = sf.info(files[0])
    blocks = _blocks_forever(files)
    paths = [folder / f"clip-{i:03}{files[0].suffix}" for i in range(n_clips)]
    for path in paths:
        _write(path, first, blocks, int(duration_s * first.samplerate))
        next(blocks)  # so that the next round starts elsewhere
    return paths


def _blocks_forever(files: Sequence[Path]) -> Iterator[np.ndarray]:
    first = sf.info(files[0])
    same = [f for f in files if (sf.info(f).samplerate, sf.info(f).channels) == (first.samplerate, first.channels)]
    for file in cycle(same):
        yield from sf.blocks(file, BLOCK_FRAMES, dtype="float32")


def _write(path: Path, like: sf._SoundFileInfo, blocks: Iterator[np.ndarray], n_frames: int) -> None:
    with sf.SoundFile(path, "w", like.samplerate, like.channels, like.subtype, format=like.format) as out:
        while n_frames:
            block = next(blocks)[:n_frames]
            out.write(block)
            n_frames -= len(block)
