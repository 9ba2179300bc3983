"""The hybrid network: a pretrained listener, a wavelet CNN and musical attributes, fused late.

Each branch turns its view of a recording into an embedding and into logits of its own; the fused logits are the mean
of the logits of the branches that are there, plus a correction that looks at all embeddings together. A branch that
is missing, in the data or because modality dropout took it away, counts as absent everywhere, so that one network
learns from tracks with different views and answers when one of them fails.

Axes: (batch, window, ...) for views by window. `present` is (batch, 3) in the order of `hybrid_input.BRANCHES`,
`mask` (batch, window) tells real windows from padding.

References
----------
Pons et al., "Timbre analysis of music audio signals with convolutional neural networks", EUSIPCO 2017 (filters of
several shapes side by side).
Neverova et al., "ModDrop: adaptive multi-modal gesture recognition", IEEE TPAMI 38(8), 2016.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.packet_scalogram import N_BANDS
from models.attribute_vector import N_ATTRIBUTES
from models.errors import ModelError
from models.hybrid_inference import NORMALISE_EPSILON, POOLS, SCALOGRAM_GAIN
from models.hybrid_input import BRANCHES, WINDOW_FRAMES, HybridInput
from models.setting_ranges import check_ranges
from models.tag_scale import N_TAG_FEATURES, TagScale
from models.tag_scale import tag_features as raw_tag_features
from models.tensorflow_runtime import keras

ops = keras.ops
NORMALISE_MOMENTUM = 0.9  # of running means: a small corpus is learned in some dozen steps
DEEP_FACTORS = (4, 6)  # filters of the deeper layers, in those of the first


@dataclass(frozen=True)
class NetworkSettings:
    """Shape of a hybrid network.

    Attributes
    ----------
    branches : tuple of str
        Of `hybrid_input.BRANCHES`; the others are never looked at.
    width : int
        Size of each branch's embedding.
    filters : int
        Of each shape in the first layer of the wavelet branch; later layers have multiples.
    dropout : float
        Before every layer that decides.
    """

    branches: tuple[str, ...] = BRANCHES
    width: int = 64
    filters: int = 8
    dropout: float = 0.25

    def __post_init__(self) -> None:
        branches = self.branches if isinstance(self.branches, tuple) else ()
        if not branches or not all(name in BRANCHES for name in branches) or len(set(branches)) != len(branches):
            raise ModelError(f"branches={self.branches!r}: expected some of {', '.join(BRANCHES)}, each once")
        check_ranges(self, width=(1, 1024), filters=(1, 256), dropout=(0.0, 0.99))


def build(settings: NetworkSettings, n_genres: int) -> keras.Model:
    """A network with random weights.

    Returns
    -------
    keras.Model
        From a dictionary `tag_features` (batch, window, 300), `attributes` (batch, N_ATTRIBUTES), `present` (batch, 3),
        `mask` (batch, window) and, where there is a wavelet branch, `scalogram` (batch, window, 94, 71), to a
        dictionary `fused` (batch, n_genres) and `branches` (batch, 3, n_genres) of logits.
    """
    inputs = {
        "tag_features": keras.Input((None, N_TAG_FEATURES), name="tag_features"),
        "attributes": keras.Input((N_ATTRIBUTES,), name="attributes"),
        "present": keras.Input((len(BRANCHES),), name="present"),
        "mask": keras.Input((None,), name="mask"),
    }
    if "wavelet" in settings.branches:
        inputs["scalogram"] = keras.Input((None, WINDOW_FRAMES, N_BANDS), name="scalogram")
        by_window = ByWindow(wavelet_encoder(settings), name="by_window")(inputs["scalogram"])
    else:
        by_window = ops.repeat(ops.expand_dims(ops.zeros_like(inputs["mask"]), -1), settings.width, axis=-1)
    fusion = fusion_network(settings, n_genres)
    others = {name: inputs[name] for name in ("tag_features", "attributes", "present", "mask")}
    return keras.Model(inputs, fusion({**others, "wavelet": by_window}), name="hybrid")


class ByWindow(keras.layers.Layer):
    """Applies a network to every window by itself: (batch, window, ...) to (batch, window, features)."""

    def __init__(self, network: keras.Model, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.network = network

    def call(self, windows: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Encode all windows of all recordings at once."""
        shape = ops.shape(windows)
        encoded = self.network(ops.reshape(windows, (-1, *windows.shape[2:])), training=training)
        return ops.reshape(encoded, (shape[0], shape[1], encoded.shape[-1]))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Windows stay, what follows becomes features."""
        return (*input_shape[:2], self.network.output_shape[-1])


def wavelet_encoder(settings: NetworkSettings) -> keras.Model:
    """The CNN over the packet scalogram of one window: (batch, 94, 71) root mean squares to (batch, width).

    The first layer looks with filters of three shapes: square ones for timbre, tall ones over the bands for chords
    and spectra, long ones over time for rhythm.
    """
    S = keras.Input((WINDOW_FRAMES, N_BANDS), name="scalogram")
    x = ops.expand_dims(ops.log10(1 + SCALOGRAM_GAIN * S), -1)
    x = _normalise("normalise", x)
    shapes = {"square": (3, 3), "tall": (1, 13), "long": (15, 1)}
    x = ops.concatenate(
        [
            keras.layers.Conv2D(settings.filters, shape, padding="same", activation="relu", name=name)(x)
            for name, shape in shapes.items()
        ],
        axis=-1,
    )
    x = keras.layers.MaxPooling2D(POOLS[0])(x)
    for index, (factor, pool) in enumerate(zip(DEEP_FACTORS, POOLS[1:], strict=True)):
        x = _normalise(f"normalise_{index + 1}", x)
        n_filters = factor * settings.filters
        x = keras.layers.Conv2D(n_filters, 3, padding="same", activation="relu", name=f"deep_{index}")(x)
        x = keras.layers.MaxPooling2D(pool)(x)
    x = _normalise("normalise_3", x)
    # Time is summed up by mean and maximum, bands stay apart: where in the spectrum something happens matters.
    x = ops.concatenate([ops.mean(x, axis=1), ops.max(x, axis=1)], axis=-1)
    x = keras.layers.Dropout(settings.dropout)(keras.layers.Flatten()(x))
    x = keras.layers.Dense(settings.width, activation="relu", name="embed")(x)
    return keras.Model(S, x, name="wavelet")


def fusion_network(settings: NetworkSettings, n_genres: int) -> keras.Model:
    """From the views of a recording, its windows encoded, to logits; see `build`."""
    tag_features = keras.Input((None, N_TAG_FEATURES), name="tag_features")
    wavelet = keras.Input((None, settings.width), name="wavelet")
    attributes = keras.Input((N_ATTRIBUTES,), name="attributes")
    present = keras.Input((len(BRANCHES),), name="present")
    mask = keras.Input((None,), name="mask")

    embeddings = {}
    if "musicnn" in settings.branches:
        pooled = _pooled(tag_features, mask)
        embeddings["musicnn"] = _embed(pooled, settings, "musicnn")
    if "wavelet" in settings.branches:
        embeddings["wavelet"] = _embed(_pooled(wavelet, mask), settings, "wavelet_pooled")
    if "attributes" in settings.branches:
        embeddings["attributes"] = _embed(attributes, settings, "attributes")

    logits, there = [], []
    for index, name in enumerate(BRANCHES):
        if name not in embeddings:
            logits.append(ops.zeros_like(present[:, :1]) * ops.zeros((1, n_genres)))
            continue
        own = keras.layers.Dropout(settings.dropout)(embeddings[name])
        logits.append(keras.layers.Dense(n_genres, name=f"{name}_logits")(own))
        there.append((index, present[:, index : index + 1]))
    branch_logits = ops.stack(logits, axis=1)
    n_there = ops.maximum(sum(flag for _, flag in there), 1.0)
    mean = sum(flag * branch_logits[:, index] for index, flag in there) / n_there
    joint = ops.concatenate(
        [embeddings[BRANCHES[index]] * flag for index, flag in there] + [flag for _, flag in there], axis=-1
    )
    joint = keras.layers.Dropout(settings.dropout)(joint)
    correction = keras.layers.Dense(n_genres, kernel_initializer="zeros", name="correction")(joint)
    inputs = {
        "tag_features": tag_features,
        "wavelet": wavelet,
        "attributes": attributes,
        "present": present,
        "mask": mask,
    }
    return keras.Model(inputs, {"fused": mean + correction, "branches": branch_logits}, name="fusion")


def arrays_of(network: keras.Model, scale: TagScale) -> dict[str, np.ndarray]:
    """The weights of a network of `build` and its scale, as `models.hybrid_inference` takes them."""
    parts = [("fusion", network.get_layer("fusion"))]
    parts += [("wavelet", layer.network) for layer in network.layers if isinstance(layer, ByWindow)]
    weights = {
        f"{part}/{layer.name}/{variable.name}": variable.numpy()
        for part, model in parts
        for layer in model.layers
        for variable in layer.variables
        if not isinstance(layer, keras.layers.Dropout)
    }
    return weights | {"scale/centre": scale.centre, "scale/spread": scale.spread}


def collate(
    recordings: Sequence[HybridInput], scale: TagScale, *, branches: Sequence[str] = BRANCHES
) -> dict[str, np.ndarray]:
    """A batch of recordings, padded to the longest.

    Parameters
    ----------
    recordings : sequence of HybridInput
        At least one.
    scale : TagScale
        Of the recordings that are trained on.
    branches : sequence of str
        Views that count as present where they are.
    """
    n, longest = len(recordings), max(map(len, recordings))
    asked = np.array([name in branches for name in BRANCHES])
    batch = {
        "tag_features": np.zeros((n, longest, N_TAG_FEATURES), np.float32),
        "attributes": np.zeros((n, N_ATTRIBUTES), np.float32),
        "present": np.stack([recording.present & asked for recording in recordings]).astype(np.float32),
        "mask": np.zeros((n, longest), np.float32),
    }
    if "wavelet" in branches:
        batch["scalogram"] = np.zeros((n, longest, WINDOW_FRAMES, N_BANDS), np.float32)
    for row, recording in enumerate(recordings):
        batch["tag_features"][row, : len(recording)] = scale(raw_tag_features(recording))
        batch["mask"][row, : len(recording)] = 1.0
        if recording.scalogram is not None and "wavelet" in branches:
            batch["scalogram"][row, : len(recording)] = recording.scalogram
        if recording.attributes is not None:
            batch["attributes"][row] = recording.attributes
    return batch


def _pooled(x: keras.KerasTensor, mask: keras.KerasTensor) -> keras.KerasTensor:
    """Mean over the windows that are there: (batch, window, features) to (batch, features)."""
    weights = ops.expand_dims(mask, -1)
    return ops.sum(x * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1.0)


def _normalise(name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.BatchNormalization(momentum=NORMALISE_MOMENTUM, epsilon=NORMALISE_EPSILON, name=name)(x)


def _embed(x: keras.KerasTensor, settings: NetworkSettings, name: str) -> keras.KerasTensor:
    x = keras.layers.Dropout(settings.dropout)(x)
    return keras.layers.Dense(settings.width, activation="relu", name=f"{name}_embedding")(x)
