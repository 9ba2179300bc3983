"""Recordings for listening tests: tones of systems that are called after their level."""

import io
from collections.abc import Sequence

import numpy as np
import soundfile

from service.services import Services
from service.usecases.tracks import receive_upload

SYSTEMS = ("gru", "prior")
SR = 22050


def add_tone(
    parts: Services, name: str, *, frequency_hz: float = 440.0, level: float = 0.3, seconds: float = 2.0
) -> str:
    """Id of a track with a tone in stereo, whose file has a title in it."""
    t = np.arange(round(seconds * SR)) / SR
    y = level * np.sin(2 * np.pi * frequency_hz * t)
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", SR, 2, "PCM_16", format="FLAC") as sound:
        sound.title = f"made by {name}"
        sound.write(np.stack([y, y], axis=1))
    file.seek(0)
    return receive_upload(file, f"{name}.flac", services=parts).id


def items_of(parts: Services, *, n: int = 2, systems: Sequence[str] = SYSTEMS, topic: str = "jazz") -> list[dict]:
    """`n` items of each system: those of the first are low and quiet, those of others higher and louder."""
    return [
        {
            "system": system,
            "topic": topic,
            "track": add_tone(
                parts, f"{system}-{k}", frequency_hz=220.0 * (1 + number) + 10 * k, level=0.05 + 0.2 * number
            ),
        }
        for number, system in enumerate(systems)
        for k in range(n)
    ]
