"""A critic of log-mel: patch by patch, how much it looks like that of a recording.

Mean errors are least for a blurred answer where several would do; a critic that learns to tell decoded log-mel from
true log-mel asks for one of them. It sees squares of some tens of frames and bands, so that it judges textures, onsets
and partials, and leaves it to the reconstruction which music it is.

References
----------
Isola, Zhu, Zhou and Efros, "Image-to-image translation with conditional adversarial networks", CVPR 2017 (patches).
Esser, Rombach and Ommer, "Taming transformers for high-resolution image synthesis", CVPR 2021 (for decoders of codes).
Larsen, Sønderby, Larochelle and Winther, "Autoencoding beyond pixels", ICML 2016 (distance of features).
"""

from typing import NamedTuple

from features.log_mel import N_MELS
from models.tensorflow_runtime import keras, tf

LEAK = 0.2
WIDTHS = (32, 64, 128)  # channels of layers that each halve frames and bands
PATCH = 2 ** len(WIDTHS)  # frames and bands for each score


class Opinion(NamedTuple):
    """What a critic says of a batch.

    Attributes
    ----------
    scores : tf.Tensor, shape (batch, frames / PATCH, bands / PATCH, 1)
        Above 0 for patches that it takes for true ones.
    features : tuple of tf.Tensor
        Answers of its layers, for `feature_distance`.
    """

    scores: tf.Tensor
    features: tuple[tf.Tensor, ...]


class LogMelCritic(keras.Model):
    """(batch, frames, bands) scaled log-mel -> `Opinion`; at least `PATCH` frames.

    Parameters
    ----------
    n_bands : int
        Of what it looks at, at least `PATCH`.
    precision : str
        Of the layers before the last, as in `vqvae.Vqvae`.
    """

    def __init__(self, n_bands: int = N_MELS, *, precision: str = "float32") -> None:
        super().__init__()
        S = keras.Input((None, n_bands), name="S")
        x = keras.layers.Reshape((-1, n_bands, 1))(S)
        features = []
        for width in WIDTHS:
            x = keras.layers.Conv2D(width, 4, strides=2, padding="same", dtype=precision, name=f"conv_{width}")(x)
            x = keras.layers.LeakyReLU(LEAK, dtype=precision)(x)
            features.append(keras.layers.Activation("linear", dtype="float32", name=f"features_{width}")(x))
        scores = keras.layers.Conv2D(1, 3, padding="same", name="scores")(features[-1])
        self.layers_of_patches = keras.Model(S, [scores, *features], name="critic")
        self.built = True

    def call(self, S: tf.Tensor) -> Opinion:
        """Say what it thinks of a batch."""
        scores, *features = self.layers_of_patches(S)
        return Opinion(scores, tuple(features))


def feature_distance(of_true: Opinion, of_decoded: Opinion) -> tf.Tensor:
    """Mean absolute difference of the features, each layer's relative to its own size; scalar, 0 for the same."""
    distances = [
        tf.reduce_mean(tf.abs(true - decoded)) / (tf.reduce_mean(tf.abs(true)) + 1e-6)
        for true, decoded in zip(map(tf.stop_gradient, of_true.features), of_decoded.features, strict=True)
    ]
    return tf.add_n(distances) / len(distances)
