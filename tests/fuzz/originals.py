"""Valid recordings to damage: two seconds in every format that is decoded here."""

import numpy as np

from tests.support.audio_files import GOOD

SECONDS = 2.0


def originals() -> dict[str, bytes]:
    """File name to content; the same in every run but for what an encoder writes about itself."""
    files = {}
    for name, encode in GOOD.items():
        sr = 48000 if "opus" in name or name == "webm" else 44100
        t = np.arange(round(SECONDS * sr)) / sr
        melody = 0.3 * np.sin(2 * np.pi * np.where(t % 1 < 0.5, 220.0, 330.0) * t)
        noise = 0.05 * np.random.default_rng(0).standard_normal((t.size, 2))
        files[f"{name}.{name.split('-')[0]}"] = encode((melody[:, None] + noise).astype(np.float32), sr)
    return files
