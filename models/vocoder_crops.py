"""What a vocoder learns from: crops of recordings, and log-mel as it will hear it.

A vocoder is shown log-mel that somebody made: an autoencoder's, somewhat blurred, or a recording's own. So a part of
the crops is heard through an autoencoder, a part blurred and shaken by chance, and the rest as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import ndimage, sparse

from features.log_mel import HOP_LENGTH, LOG_DB, LOG_FLOOR, N_FFT, N_MELS, POWER_FLOOR, mel_filter_bank, scaled
from features.spectrogram import apply_filters, power
from models.crop_places import CropPlaces
from models.errors import ModelError
from models.phases import N_BINS, spectra_of
from models.setting_ranges import check_ranges
from models.sound_shards import FULL_SCALE
from models.vocoder_loss import TrueSpectra, true_spectra
from models.vqvae_inference import VqvaeInference

VALIDATION_BATCHES = 8


@dataclass(frozen=True)
class CropSettings:
    """How crops are drawn.

    Attributes
    ----------
    frames : int
        In a crop.
    gain_db : float
        Crops are made louder or softer by up to this.
    decoded_share, shaken_share : float
        Of crops that are heard through the autoencoder, where there is one, and of those that are blurred and shaken.
    blur : float
        Standard deviation of the blur over frames and over bands, at most, each drawn.
    noise_db : float
        Standard deviation of the noise on log-mel, at most, drawn.
    """

    frames: int = 96
    gain_db: float = 6.0
    decoded_share: float = 0.5
    shaken_share: float = 0.25
    blur: float = 1.0
    noise_db: float = 3.0

    def __post_init__(self) -> None:
        check_ranges(
            self,
            frames=(8, 65536),
            gain_db=(0.0, 40.0),
            decoded_share=(0.0, 1.0),
            shaken_share=(0.0, 1.0),
            blur=(0.0, 16.0),
            noise_db=(0.0, 40.0),
        )
        if self.decoded_share + self.shaken_share > 1:
            raise ModelError(
                f"decoded_share={self.decoded_share} and shaken_share={self.shaken_share}: expected at most 1 together"
            )


class Batch(NamedTuple):
    """What is to be heard and what is to be found for it.

    Attributes
    ----------
    S : np.ndarray, shape (batch, frames, N_MELS)
        Scaled log-mel.
    true : TrueSpectra
        Of those frames.
    y : np.ndarray, shape (batch, (frames + OVERLAP - 1) * HOP_LENGTH), float32
        All samples that lie in them.
    """

    S: np.ndarray
    true: TrueSpectra
    y: np.ndarray


class Crops:
    """Crops of recordings; every place that a crop can lie at is as likely as any other.

    Parameters
    ----------
    recordings : sequence of np.ndarray, shape (n_samples,), int16
        As `models.sound_shards` keeps them.
    settings : CropSettings
        How.
    autoencoder : VqvaeInference, optional
        Whose log-mel is to be heard.

    Raises
    ------
    ModelError
        If no recording is as long as a crop.
    """

    def __init__(
        self, recordings: Sequence[np.ndarray], settings: CropSettings, autoencoder: VqvaeInference | None = None
    ) -> None:
        self._recordings, self._settings, self._autoencoder = recordings, settings, autoencoder
        self._n_samples = settings.frames * HOP_LENGTH + N_FFT  # one frame more than in a crop: phases go on from it
        self._places = CropPlaces(recordings, self._n_samples, crop_frames=settings.frames)
        self.lengths = self._places.lengths

    def draw(self, n: int, rng: np.random.Generator) -> Batch:
        """So many crops, with what is heard of them."""
        spectra = np.empty((n, self._settings.frames + 1, N_BINS), np.complex64)
        heard = np.empty((n, self._settings.frames, N_MELS), np.float32)
        sound = np.empty((n, self._n_samples), np.float32)
        for row, (index, start) in enumerate(self._places.draw(n, rng)):
            gain = 10 ** (rng.uniform(-1, 1) * self._settings.gain_db / 20)
            sound[row] = self._recordings[index][start : start + self._n_samples] * np.float32(gain / FULL_SCALE)
            spectra[row], heard[row] = self._crop(sound[row], rng)
        return Batch(scaled(heard), true_spectra(spectra), sound[:, HOP_LENGTH:])

    def _crop(self, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Its spectra, and the log-mel that is heard."""
        spectra = spectra_of(y)
        mel = apply_filters(_mel_filters(), power(spectra[1:]))
        S = np.log(np.maximum(mel, np.float32(POWER_FLOOR)))
        kind = rng.random()
        if kind < self._settings.shaken_share:
            return spectra, np.maximum(self._shaken(S, rng), np.float32(LOG_FLOOR))
        if kind > 1 - self._settings.decoded_share and self._autoencoder is not None:
            return spectra, self._autoencoder.decode(self._autoencoder.encode(S))[: len(S)]
        return spectra, S

    def _shaken(self, S: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Blurred, and noise on top, half of it of each cell its own and half in patches."""
        S = ndimage.gaussian_filter(S, rng.uniform(0, self._settings.blur, 2))
        size = rng.uniform(0, self._settings.noise_db) / LOG_DB
        fine, coarse = rng.normal(size=(2, *S.shape)).astype(np.float32)
        patches = ndimage.uniform_filter(coarse, 3) * 3  # of the same variance again
        return S + np.float32(size * np.sqrt(0.5)) * (fine + patches)


def validation_batches(
    recordings: Sequence[np.ndarray], settings: CropSettings, autoencoder: VqvaeInference | None, *, n: int
) -> list[Batch]:
    """Batches of `n` crops, the same every time; none where no recording is long enough."""
    try:
        crops = Crops(recordings, settings, autoencoder)
    except ModelError:
        return []
    rng = np.random.default_rng(0)
    return [crops.draw(n, rng) for _ in range(VALIDATION_BATCHES)]


@cache
def _mel_filters() -> sparse.csr_array:
    return sparse.csr_array(mel_filter_bank())
