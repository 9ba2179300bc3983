"""The hybrid network in NumPy: the fast form of `models.hybrid_network` for answers, without loading TensorFlow.

Windows are encoded by themselves and only once; what is asked of several choices of them (a whole recording, each
window alone, all but a few) is a mean and a few small matrix products.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.packet_scalogram import N_BANDS
from models.attribute_vector import N_ATTRIBUTES
from models.errors import ModelError
from models.hybrid_input import BRANCHES, WINDOW_FRAMES, HybridInput
from models.tag_scale import N_TAG_FEATURES, TagScale, tag_features

SCALOGRAM_GAIN = 1e3  # a root mean square of -60 dBFS lies at the knee of the compression
NORMALISE_EPSILON = 1e-3  # the default of Keras's batch normalisation
ENCODED_AT_ONCE = 16  # windows: bounds the memory of a long recording
POOLS = ((2, 3), (2, 2), (2, 2))


@dataclass(frozen=True)
class Encoded:
    """A recording as the fusion takes it: one row for each window.

    Attributes
    ----------
    tag_features : np.ndarray, shape (n_windows, 300)
        Of `models.tag_scale.tag_features`.
    wavelet : np.ndarray, shape (n_networks, n_windows, width)
        Of each network's own encoder; zeros where there is no scalogram.
    attributes : np.ndarray, shape (N_ATTRIBUTES,)
        Zeros where unknown.
    present : np.ndarray of float, shape (3,)
        1 for each of `BRANCHES` that is there.
    taggram : np.ndarray, shape (n_windows, 50)
        As the backbone gave it.
    """

    tag_features: np.ndarray
    wavelet: np.ndarray
    attributes: np.ndarray
    present: np.ndarray
    taggram: np.ndarray

    def __len__(self) -> int:
        return len(self.tag_features)

    def __getitem__(self, chosen: np.ndarray) -> "Encoded":
        return Encoded(
            self.tag_features[chosen], self.wavelet[:, chosen], self.attributes, self.present, self.taggram[chosen]
        )


class HybridInference:
    """One trained network.

    Parameters
    ----------
    arrays : mapping of str to np.ndarray
        Of `hybrid_network.arrays_of`.

    Raises
    ------
    ModelError
        If an array is missing or does not fit the others.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._branches = [name for name in BRANCHES if f"fusion/{name}_logits/kernel" in arrays]
        if not self._branches:
            raise ModelError("no hybrid network: it has no branch")
        try:
            self._arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
            self._scale = TagScale(self._array("scale/centre"), self._array("scale/spread"))
            self.n_genres = self._array("fusion/correction/bias").size
            self._width = self._array("fusion/correction/kernel").shape[0] // len(self._branches) - 1
            self._hear_silence()
        except KeyError as error:
            raise ModelError(f"no hybrid network: {error} is missing") from error
        except (IndexError, TypeError, ValueError) as error:
            raise ModelError(f"no hybrid network: its arrays do not fit ({error})") from error

    @property
    def width(self) -> int:
        """Size of a branch's embedding."""
        return self._width

    @property
    def hears_wavelets(self) -> bool:
        """Whether it has a wavelet branch."""
        return "wavelet" in self._branches

    def encode(self, scalograms: np.ndarray) -> np.ndarray:
        """Embeddings of windows: (n_windows, 94, 71) root mean squares to (n_windows, width)."""
        chunks = range(0, len(scalograms), ENCODED_AT_ONCE)
        return np.concatenate([self._encode(scalograms[start : start + ENCODED_AT_ONCE]) for start in chunks])

    def logits(
        self, tag_features: np.ndarray, wavelet: np.ndarray, attributes: np.ndarray, present: np.ndarray
    ) -> np.ndarray:
        """Fused logits of several recordings that have the same views.

        Parameters
        ----------
        tag_features, wavelet : np.ndarray, shape (n, 300), (n, width)
            Means over each recording's windows.
        attributes : np.ndarray, shape (n, N_ATTRIBUTES)
            Of each recording.
        present : np.ndarray, shape (3,)
            Which of `BRANCHES` are there.

        Returns
        -------
        np.ndarray, shape (n, n_genres)
        """
        views = {"musicnn": self._scale(tag_features), "wavelet": wavelet, "attributes": attributes}
        layer = {"musicnn": "musicnn", "wavelet": "wavelet_pooled", "attributes": "attributes"}
        flags = {name: float(present[BRANCHES.index(name)]) for name in self._branches}
        total, embeddings = np.zeros((len(tag_features), self.n_genres), np.float32), []
        for name in self._branches:
            embedding = np.maximum(self._dense(f"fusion/{layer[name]}_embedding", views[name]), 0)
            total += flags[name] * self._dense(f"fusion/{name}_logits", embedding)
            embeddings.append(flags[name] * embedding)
        mean = total / max(sum(flags.values()), 1.0)
        there = np.tile(np.array(list(flags.values()), np.float32), (len(tag_features), 1))
        return mean + self._dense("fusion/correction", np.concatenate([*embeddings, there], axis=1))

    def _hear_silence(self) -> None:
        """Go through every layer once: NumPy's error where an array does not fit the others."""
        wavelet = np.zeros((1, self._width), np.float32)
        if self.hears_wavelets:
            wavelet = self.encode(np.zeros((1, WINDOW_FRAMES, N_BANDS), np.float32))
        tags, attributes = np.zeros((1, N_TAG_FEATURES), np.float32), np.zeros((1, N_ATTRIBUTES), np.float32)
        self.logits(tags, wavelet, attributes, np.ones(len(BRANCHES)))

    def _encode(self, scalograms: np.ndarray) -> np.ndarray:
        x = np.log10(1 + SCALOGRAM_GAIN * scalograms.astype(np.float32))[..., np.newaxis]
        x = self._normalise("normalise", x)
        x = np.concatenate([np.maximum(self._conv(name, x), 0) for name in ("square", "tall", "long")], axis=-1)
        x = _max_pool(x, POOLS[0])
        for index, pool in enumerate(POOLS[1:]):
            x = self._normalise(f"normalise_{index + 1}", x)
            x = _max_pool(np.maximum(self._conv(f"deep_{index}", x), 0), pool)
        x = self._normalise("normalise_3", x)
        x = np.concatenate([x.mean(axis=1), x.max(axis=1)], axis=-1)
        return np.maximum(self._dense("wavelet/embed", x.reshape(len(x), -1)), 0)

    def _array(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def _dense(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self._array(f"{name}/kernel") + self._array(f"{name}/bias")

    def _normalise(self, name: str, x: np.ndarray) -> np.ndarray:
        mean, variance, gamma, beta = (
            self._array(f"wavelet/{name}/{part}") for part in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        factor = gamma / np.sqrt(variance + NORMALISE_EPSILON)
        return x * factor + (beta - mean * factor)

    def _conv(self, name: str, x: np.ndarray) -> np.ndarray:
        """Convolution that keeps the size: one matrix product for each place of the kernel."""
        kernel, bias = self._array(f"wavelet/{name}/kernel"), self._array(f"wavelet/{name}/bias")
        rows, columns = kernel.shape[:2]
        height, width = x.shape[1:3]
        padded = np.pad(x, ((0, 0), (rows // 2, rows // 2), (columns // 2, columns // 2), (0, 0)))
        out = np.broadcast_to(bias, (*x.shape[:3], bias.size)).copy()
        for i in range(rows):
            for j in range(columns):
                out += padded[:, i : i + height, j : j + width] @ kernel[i, j]
        return out


def encode(networks: Sequence[HybridInference], recording: HybridInput) -> Encoded:
    """Send every window through the encoders, once."""
    n_windows = len(recording)
    if recording.scalogram is None:
        wavelet = np.zeros((len(networks), n_windows, networks[0].width), np.float32)
    else:
        wavelet = np.stack(
            [
                net.encode(recording.scalogram) if net.hears_wavelets else np.zeros((n_windows, net.width), np.float32)
                for net in networks
            ]
        )
    known = recording.attributes
    return Encoded(
        tag_features=tag_features(recording),
        wavelet=wavelet,
        attributes=np.zeros(N_ATTRIBUTES, np.float32) if known is None else known,
        present=recording.present.astype(np.float32),
        taggram=recording.taggram,
    )


def _max_pool(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Maximum over tiles that do not overlap; what does not fill a tile is left out."""
    n, height, width, channels = x.shape
    rows, columns = height // size[0], width // size[1]
    tiles = x[:, : rows * size[0], : columns * size[1]].reshape(n, rows, size[0], columns, size[1], channels)
    return tiles.max(axis=(2, 4))
