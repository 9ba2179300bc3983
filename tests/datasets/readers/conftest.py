"""Miniature corpora: real WAV files of a hundredth of a second, laid out as the originals are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.audio_files import sound_file, tone

SR = 8000


@pytest.fixture(scope="session")
def clip() -> bytes:
    """A WAV file."""
    return sound_file(tone(seconds=0.01, sr=SR, channels=1), SR, format="WAV")


@pytest.fixture
def put(tmp_path: Path, clip: bytes) -> Callable[..., Path]:
    """Writes files below the test's own folder and gives that folder; without a text a file is a clip."""

    def write(*clips: str, **texts: str) -> Path:
        for name in clips:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(clip)
        for name, text in texts.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write
