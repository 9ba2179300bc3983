"""MusiCNN in Keras: log-mel patches to tag probabilities and to the 200 activations before them.

Axes are (batch, time, mel band, channel) in the front end and (batch, time, channel) behind it. The input is the
log-mel of `features.spectrogram.musicnn_log_mel`. Layers are named as the variables of the published checkpoints,
so that `models.musicnn_weights.load_weights` fits; the networks are ordinary Keras models and can be fine-tuned.
`models.musicnn_inference` is the fast form of the same network.

References
----------
Pons & Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging", ISMIR late-breaking, 2019.
Pons et al., "End-to-end learning for music audio tagging at scale", ISMIR 2018.
"""

import numpy as np

from models.tensorflow_runtime import keras

N_MELS = 96
PATCH_FRAMES = 187
N_TAGS = 50
N_POOLED = 1506  # maximum and mean of each of 753 channels
EPSILON = 1e-3  # of every batch normalisation, the default of the framework that the weights were learned with
TIMBRAL_BANDS = (38, 67)  # height of the timbral filters: 40 % and 70 % of the mel bands
TIMBRAL_FRAMES = 7
TEMPORAL_FRAMES = (128, 64, 32)


def musicnn(weights: dict[str, np.ndarray] | None = None) -> keras.Model:
    """Build MusiCNN.

    Parameters
    ----------
    weights : dict[str, np.ndarray], optional
        Of `models.musicnn_weights.load_weights`; random ones without.

    Returns
    -------
    keras.Model
        (batch, frames, 96) to [tag probabilities (batch, 50), embedding (batch, 200)].
        The published weights were learned with patches of 187 frames.
    """
    S = keras.Input((None, N_MELS), name="log_mel")
    x = keras.ops.expand_dims(S, -1)
    x = _normalise("", x)
    # Timbral filters are tall and short in time, temporal ones are long and one band high; the maximum
    # over the bands makes the first blind to transposition and lets the second pick the band that moves.
    padded = keras.layers.ZeroPadding2D((TIMBRAL_FRAMES // 2, 0))(x)
    features = [
        _front_end_block(i, padded, n_filters=204, kernel_size=(TIMBRAL_FRAMES, bands), padding="valid")
        for i, bands in enumerate(TIMBRAL_BANDS)
    ] + [
        _front_end_block(i, x, n_filters=51, kernel_size=(frames, 1), padding="same")
        for i, frames in enumerate(TEMPORAL_FRAMES, start=len(TIMBRAL_BANDS))
    ]
    front_end = keras.ops.concatenate(features, axis=-1)
    # Mid end: three convolutions in time, the last two with a residual connection; all of them are heard.
    layers = [front_end]
    for i in range(5, 8):
        y = _normalise(f"_{i + 1}", _conv(i, 64, (7, layers[-1].shape[-1]))(_image(layers[-1])))
        y = keras.ops.squeeze(y, 2)
        layers.append(y if i == 5 else y + layers[-1])
    x = keras.ops.concatenate(layers, axis=-1)
    # Back end: (max, mean) of each channel, interleaved.
    x = keras.ops.stack([keras.ops.max(x, axis=1), keras.ops.mean(x, axis=1)], axis=-1)
    return _with_weights(keras.Model(S, _back_end(keras.layers.Flatten()(x)), name="musicnn"), weights)


def back_end(weights: dict[str, np.ndarray] | None = None) -> keras.Model:
    """The last layers of MusiCNN alone: what `MusicnnInference.pooled` gives, (batch, 1506), to its two answers."""
    pooled = keras.Input((N_POOLED,), name="pooled")
    return _with_weights(keras.Model(pooled, _back_end(pooled), name="back_end"), weights)


def vgg(weights: dict[str, np.ndarray] | None = None) -> keras.Model:
    """Build the VGG-like network that was published beside MusiCNN.

    Parameters
    ----------
    weights : dict[str, np.ndarray], optional
        Of `models.musicnn_weights.load_weights`; random ones without.

    Returns
    -------
    keras.Model
        (batch, 187, 96) to [tag probabilities (batch, 50), embedding (batch, 256)].
    """
    S = keras.Input((PATCH_FRAMES, N_MELS), name="log_mel")
    x = _normalise("", keras.ops.expand_dims(S, -1))
    pools = [((4, 1), 2), ((2, 2), 2), ((2, 2), 2), ((2, 2), 2), ((4, 4), 4)]
    for i, (size, strides) in enumerate(pools, start=1):
        x = keras.layers.Conv2D(128, 3, padding="same", activation="relu", name=f"{i}CNN")(x)
        x = keras.layers.MaxPooling2D(size, strides)(_normalise(f"_{i}", x))
        x = keras.layers.Dropout(0.25 if i < len(pools) else 0.5)(x)
    embedding = keras.layers.Flatten()(x)
    tags = keras.layers.Dense(N_TAGS, activation="sigmoid", name="dense")(embedding)
    return _with_weights(keras.Model(S, [tags, embedding], name="vgg"), weights)


def _back_end(pooled: keras.KerasTensor) -> list[keras.KerasTensor]:
    x = _normalise("_9", pooled)
    x = keras.layers.Dense(200, activation="relu", name="dense")(keras.layers.Dropout(0.5)(x))
    embedding = _normalise("_10", x)
    tags = keras.layers.Dense(N_TAGS, activation="sigmoid", name="dense_1")(keras.layers.Dropout(0.5)(embedding))
    return [tags, embedding]


def _front_end_block(
    i: int, x: keras.KerasTensor, *, n_filters: int, kernel_size: tuple[int, int], padding: str
) -> keras.KerasTensor:
    """Convolution and maximum over the bands: (batch, time, bands, 1) to (batch, time, n_filters)."""
    y = _normalise(f"_{i + 1}", _conv(i, n_filters, kernel_size, padding)(x))
    return keras.ops.max(y, axis=2)


def _image(x: keras.KerasTensor) -> keras.KerasTensor:
    """(batch, time, channels) as the one-channel picture, padded in time, that the mid end convolves."""
    return keras.ops.expand_dims(keras.layers.ZeroPadding1D(3)(x), -1)


def _conv(i: int, n_filters: int, kernel_size: tuple[int, int], padding: str = "valid") -> keras.Layer:
    name = f"conv2d_{i}" if i else "conv2d"
    return keras.layers.Conv2D(n_filters, kernel_size, padding=padding, activation="relu", name=name)


def _normalise(suffix: str, x: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.BatchNormalization(epsilon=EPSILON, name=f"batch_normalization{suffix}")(x)


def _with_weights(model: keras.Model, weights: dict[str, np.ndarray] | None) -> keras.Model:
    if weights is not None:
        for layer in model.layers:
            for variable in layer.weights:
                variable.assign(weights[f"{layer.name}/{variable.name}"])
    return model
