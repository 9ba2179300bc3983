"""The autoencoder in NumPy: the fast form of `models.vqvae` for answers, without loading TensorFlow.

Log-mel is (frames, N_MELS) as `features.log_mel.log_mel` gives it, codes are (codebook, time). Long recordings are
coded and decoded in windows that overlap by all that an answer can depend on: the numbers are those of the whole, and
the memory is bounded. `DecodeStream` does the same for codes that arrive little by little.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.log_mel import N_MELS, scaled, unscaled
from models.errors import ModelError
from models.model_folder import load_weights
from models.residual_network import residual_network
from models.settings_file import settings_of
from models.vqvae_settings import VqvaeSettings

KIND = "autoencoder"
WINDOW = 512  # latents that are worked on at once, 12 to 24 s


class VqvaeInference:
    """A trained autoencoder.

    Parameters
    ----------
    settings : VqvaeSettings
        Shape of the network.
    arrays : mapping of str to np.ndarray
        Of `vqvae.arrays_of`.

    Raises
    ------
    ModelError
        If an array is missing or does not fit the settings.
    """

    def __init__(self, settings: VqvaeSettings, arrays: Mapping[str, np.ndarray]) -> None:
        self.settings = settings
        self._arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
        try:
            self.codebooks = self._arrays["quantizer/codebooks"]
            expected = (settings.n_codebooks, settings.n_codes, settings.latent_dim)
            if self.codebooks.shape != expected:
                raise ModelError(f"no autoencoder: codebooks of shape {self.codebooks.shape}, expected {expected}")
            self.decode(self.encode(np.zeros((settings.time_stride, N_MELS), np.float32)))  # goes through every layer
        except KeyError as error:
            raise ModelError(f"no autoencoder: {error} is missing") from error
        except (IndexError, TypeError, ValueError) as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(f"no autoencoder: its arrays do not fit ({error})") from error

    @classmethod
    def load(cls, folder: Path) -> "VqvaeInference":
        """The autoencoder of a model folder.

        Raises
        ------
        ModelError
            If the folder holds none; IntegrityError if its weights are not those that the card names.
        """
        card, arrays = load_weights(folder, kind=KIND)
        return cls(settings_of(VqvaeSettings, card.get("network"), where=f"{folder}, network"), arrays)

    def encode(self, S: np.ndarray) -> np.ndarray:
        """Codes of a recording.

        Parameters
        ----------
        S : np.ndarray, shape (frames, N_MELS)
            Log-mel, at least one frame. Where the last latent lacks frames, the last one is repeated.

        Returns
        -------
        np.ndarray of int32, shape (n_codebooks, ceil(frames / time_stride))
        """
        if S.ndim != 2 or S.shape[1] != N_MELS or len(S) == 0 or not np.isfinite(S).all():
            raise ModelError(f"log-mel of shape {S.shape}: expected finite numbers (frames, {N_MELS}), frames >= 1")
        stride = self.settings.time_stride
        S = np.pad(S.astype(np.float32, copy=False), ((0, -len(S) % stride), (0, 0)), mode="edge")
        latents = self._in_windows(self._encoder, scaled(S).reshape(-1, stride * N_MELS))
        return nearest_codes(latents, self.codebooks)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Log-mel of codes.

        Parameters
        ----------
        codes : np.ndarray of int, shape (n_codebooks, time)
            Each from 0 to n_codes - 1.

        Returns
        -------
        np.ndarray, shape (time * time_stride, N_MELS), float32
            Never under `features.log_mel.LOG_FLOOR`.
        """
        self._check(codes)
        rows = self._in_windows(self._decoder, vectors_of(codes, self.codebooks))
        return unscaled(rows.reshape(-1, N_MELS))

    def _check(self, codes: np.ndarray) -> None:
        n_codebooks, n_codes = self.settings.n_codebooks, self.settings.n_codes
        if codes.ndim != 2 or len(codes) != n_codebooks or not np.issubdtype(codes.dtype, np.integer):
            raise ModelError(f"codes {codes.dtype} {codes.shape}: expected whole numbers ({n_codebooks}, time)")
        if codes.size and not 0 <= codes.min() <= codes.max() < n_codes:
            raise ModelError(f"codes from {codes.min()} to {codes.max()}: expected 0 to {n_codes - 1}")

    def _in_windows(self, network: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
        """Answers of a network (time, ...) for inputs (time, ...), with the numbers of the whole."""
        context, answers = self.settings.context, []
        for start in range(0, max(1, len(x)), WINDOW):
            before = min(context, start)
            window = x[start - before : start + WINDOW + context]
            answers.append(network(window)[before : before + WINDOW])
        return np.concatenate(answers)

    def _encoder(self, x: np.ndarray) -> np.ndarray:
        return residual_network(self._arrays, "encoder", x, self.settings.dilations)

    def _decoder(self, x: np.ndarray) -> np.ndarray:
        return residual_network(self._arrays, "decoder", x, self.settings.dilations)


class DecodeStream:
    """Decodes codes that arrive in pieces: all answers together are `VqvaeInference.decode` of all codes.

    An answer waits for the latents that it depends on: `settings.context` of them.
    """

    def __init__(self, autoencoder: VqvaeInference) -> None:
        self._autoencoder = autoencoder
        self._codes = np.zeros((autoencoder.settings.n_codebooks, 0), np.int32)  # from `context` before the next answer
        self._n_before = 0  # of those, how many are answered

    def push(self, codes: np.ndarray) -> np.ndarray:
        """Take the next codes, (n_codebooks, n); give the log-mel that is complete, (k * time_stride, N_MELS)."""
        self._autoencoder._check(codes)
        self._codes = np.concatenate([self._codes, codes], axis=1)
        return self._answer(self._codes.shape[1] - self._autoencoder.settings.context)

    def finish(self) -> np.ndarray:
        """The log-mel that is left."""
        return self._answer(self._codes.shape[1])

    def _answer(self, end: int) -> np.ndarray:
        """Log-mel of the latents that are not answered yet, up to `end`."""
        settings = self._autoencoder.settings
        if end <= self._n_before:
            return np.empty((0, N_MELS), np.float32)
        stride = settings.time_stride
        S = self._autoencoder.decode(self._codes)[self._n_before * stride : end * stride]
        start = max(0, end - settings.context)
        self._codes, self._n_before = self._codes[:, start:].copy(), end - start
        return S


@dataclass(frozen=True)
class CodebookUse:
    """How much of each codebook a set of codes uses, (n_codebooks,) each.

    Attributes
    ----------
    usage : np.ndarray
        Share of its codes that occur, 0 to 1.
    perplexity : np.ndarray
        Number of codes that, used evenly, would be as hard to guess: 1 to n_codes.
    """

    usage: np.ndarray
    perplexity: np.ndarray


def codebook_use(codes: np.ndarray, n_codes: int) -> CodebookUse:
    """Usage and perplexity of codes (n_codebooks, time), time >= 1."""
    counts = np.stack([np.bincount(row, minlength=n_codes) for row in codes])
    shares = counts / counts.sum(axis=1, keepdims=True)
    entropy = -np.sum(shares * np.log(np.where(shares > 0, shares, 1)), axis=1)
    return CodebookUse((counts > 0).mean(axis=1), np.exp(entropy))


def nearest_codes(latents: np.ndarray, codebooks: np.ndarray) -> np.ndarray:
    """Residual quantisation: latents (time, latent_dim) to codes (n_codebooks, time) int32."""
    left, codes = latents, []
    for codebook in codebooks:
        distances = np.sum(codebook**2, axis=1) - 2 * left @ codebook.T  # without |x|^2, the same for all
        codes.append(distances.argmin(axis=1))
        left = left - codebook[codes[-1]]
    return np.stack(codes).astype(np.int32)


def vectors_of(codes: np.ndarray, codebooks: np.ndarray) -> np.ndarray:
    """Quantised latents (time, latent_dim) of codes (n_codebooks, time)."""
    return sum(codebook[row] for codebook, row in zip(codebooks, codes, strict=True))
