"""What a network makes of a recording, to be looked at and listened to while it is trained.

Where it makes log-mel, both are made audible by the same Griffin-Lim: what is heard to differ is the network's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.log_mel import LOG_FLOOR, SR
from models.vocoder import GriffinLim

if TYPE_CHECKING:
    from PIL.Image import Image

BRIGHTEST = 7.0  # log-mel that is shown in white
PIXELS = 3  # for each frame and each band
GAP = 6  # pixels between the two pictures
LOUDEST = 0.99  # peak of the sound where it would clip


def write_sample(folder: Path, name: str, true: np.ndarray, decoded: np.ndarray) -> None:
    """Write `name.png`, the true log-mel above the decoded one, and both as sound.

    Parameters
    ----------
    folder : Path
        Made if missing.
    name : str
        Of the three files: `name.png`, `name-true.flac`, `name-decoded.flac`.
    true, decoded : np.ndarray, shape (frames, N_MELS)
        Log-mel of the same length, not scaled.
    """
    write_picture(folder, name, true, decoded)
    vocoder = GriffinLim()
    write_sounds(folder, name, {"true": vocoder.audio(true), "decoded": vocoder.audio(decoded)})


def write_made(folder: Path, name: str, S: np.ndarray) -> None:
    """Write log-mel that has no recording, (frames, N_MELS), not scaled, as `name.png` and `name-made.flac`."""
    folder.mkdir(parents=True, exist_ok=True)
    _picture(S).save(folder / f"{name}.png")
    write_sounds(folder, name, {"made": GriffinLim().audio(S)})


def write_picture(folder: Path, name: str, true: np.ndarray, made: np.ndarray) -> None:
    """Write `name.png`: one log-mel above the other, both (frames, N_MELS), not scaled."""
    folder.mkdir(parents=True, exist_ok=True)
    _picture(true, made).save(folder / f"{name}.png")


def write_sounds(folder: Path, name: str, sounds: Mapping[str, np.ndarray]) -> None:
    """Write `name-which.flac` for each sound, (n_samples,) at `features.log_mel.SR`, softer where it would clip."""
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    for which, y in sounds.items():
        peak = float(np.abs(y).max(initial=0.0))
        soundfile.write(folder / f"{name}-{which}.flac", y * min(1.0, LOUDEST / max(peak, 1e-9)), SR)


def _picture(*log_mels: np.ndarray) -> "Image":
    """One above the other."""
    from PIL.Image import fromarray

    rows: list[np.ndarray] = []
    for S in log_mels:
        shade = np.clip((S.astype(np.float32) - LOG_FLOOR) / (BRIGHTEST - LOG_FLOOR), 0, 1)
        pixels = np.round(255 * shade.T[::-1]).astype(np.uint8)  # low bands at the bottom
        picture = pixels.repeat(PIXELS, axis=0).repeat(PIXELS, axis=1)
        rows += [np.full((GAP, picture.shape[1]), 128, np.uint8), picture]
    return fromarray(np.concatenate(rows[1:]))
