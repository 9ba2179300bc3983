"""What an autoencoder makes of a recording, to be looked at and listened to while it is trained.

Both log-mels are made audible by the same Griffin-Lim: what is heard to differ is the autoencoder's.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.log_mel import HOP_LENGTH, LOG_FLOOR, N_FFT, SR, mel_filter_bank
from features.spectrogram import hann, stft

if TYPE_CHECKING:
    from PIL.Image import Image

BRIGHTEST = 7.0  # log-mel that is shown in white
PIXELS = 3  # for each frame and each band
GAP = 6  # pixels between the two pictures
ROUNDS = 32  # of Griffin-Lim
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
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    _picture(true, decoded).save(folder / f"{name}.png")
    for which, S in (("true", true), ("decoded", decoded)):
        soundfile.write(folder / f"{name}-{which}.flac", sound_of(S), SR)


def sound_of(S: np.ndarray) -> np.ndarray:
    """Audible log-mel: (frames, N_MELS) to ((frames - 1) * HOP_LENGTH,) float32 by Griffin-Lim.

    References
    ----------
    Griffin and Lim, "Signal estimation from modified short-time Fourier transform", IEEE TASSP 32(2), 1984.
    """
    magnitude = np.sqrt(np.maximum(np.exp(S.astype(np.float32)) @ np.linalg.pinv(mel_filter_bank()).T, 0))
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, magnitude.shape)
    y = _overlapped(magnitude * np.exp(1j * phase))
    for _ in range(ROUNDS):
        found = stft(y, n_fft=N_FFT, hop_length=HOP_LENGTH)
        y = _overlapped(magnitude * found / np.maximum(np.abs(found), 1e-9))
    return y * min(1.0, LOUDEST / max(float(np.abs(y).max(initial=0.0)), 1e-9))


def _overlapped(spectra: np.ndarray) -> np.ndarray:
    """The sound whose centred frames come closest to spectra (frames, 1 + N_FFT // 2): windowed, added up, trimmed."""
    window = hann(N_FFT)
    frames = np.fft.irfft(spectra, axis=1) * window
    total = np.zeros((len(frames) - 1) * HOP_LENGTH + N_FFT)
    weight = np.zeros_like(total)
    for index, frame in enumerate(frames):
        place = slice(index * HOP_LENGTH, index * HOP_LENGTH + N_FFT)
        total[place] += frame
        weight[place] += window**2
    inner = slice(N_FFT // 2, len(total) - N_FFT // 2)
    return (total[inner] / weight[inner]).astype(np.float32)


def _picture(true: np.ndarray, decoded: np.ndarray) -> "Image":
    from PIL.Image import fromarray

    shades = []
    for S in (true, decoded):
        shade = np.clip((S.astype(np.float32) - LOG_FLOOR) / (BRIGHTEST - LOG_FLOOR), 0, 1)
        pixels = np.round(255 * shade.T[::-1]).astype(np.uint8)  # low bands at the bottom
        shades.append(pixels.repeat(PIXELS, axis=0).repeat(PIXELS, axis=1))
    gap = np.full((GAP, shades[0].shape[1]), 128, np.uint8)
    return fromarray(np.concatenate([shades[0], gap, shades[1]]))
