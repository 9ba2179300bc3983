"""The rendered corpus without FluidSynth: songs are composed for real, and played as silence."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

SOUND_FONT = b"RIFF\4\0\0\0sfbk"  # without a single sound in it


@contextmanager
def _threads(jobs: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def play_silence(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Let `datasets.rendered_corpus` render silence, in threads; the path of a sound font for it."""
    font = folder / "font.sf2"
    font.write_bytes(SOUND_FONT)

    def play(song, *, seconds, sound_font, seed, sr):
        return np.zeros((round(seconds * sr), 2), np.float32)

    monkeypatch.setattr("datasets.rendering.shutil.which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr("datasets.rendered_corpus.render", play)
    monkeypatch.setattr("datasets.rendered_corpus._pool", _threads)
    return font
