"""How far a decoded log-mel is from the true one, told so that blur costs more than its mean error.

Mean errors by band and frame are least for the mean of all that might be there, which is blurred. Three terms ask for
more: pooled log-mel and its slopes must be right at several scales, so that onsets and partials stay where they are,
and within each small tile the values must spread as much as the true ones do.

Axes: scaled log-mel (batch, frames, N_MELS).

References
----------
Yamamoto, Song and Kim, "Parallel WaveGAN", ICASSP 2020 (several resolutions at once).
"""

from dataclasses import dataclass

from models.setting_ranges import check_ranges
from models.tensorflow_runtime import tf

SCALES = (1, 2, 4, 8)  # frames and bands in a pooled cell
TILE = 8  # frames and bands over which the spread is taken
SPREAD_FLOOR = 1e-4  # variance: keeps the root's slope finite where nothing sounds


@dataclass(frozen=True)
class LossSettings:
    """Weights of the terms: mean absolute and square error, pooled log-mel with its slopes, spread within tiles."""

    absolute: float = 1.0
    square: float = 0.5
    scales: float = 1.0
    spread: float = 1.0
    commitment: float = 0.25

    def __post_init__(self) -> None:
        names = ("absolute", "square", "scales", "spread", "commitment")
        check_ranges(self, **dict.fromkeys(names, (0.0, 100.0)))


def reconstruction_terms(true: tf.Tensor, decoded: tf.Tensor) -> dict[str, tf.Tensor]:
    """The terms `absolute`, `square`, `scales` and `spread`, each a scalar and 0 where both are the same."""
    return {
        "absolute": tf.reduce_mean(tf.abs(true - decoded)),
        "square": tf.reduce_mean((true - decoded) ** 2),
        "scales": tf.add_n([_at_scale(true, decoded, scale) for scale in SCALES]) / len(SCALES),
        "spread": tf.reduce_mean(tf.abs(_spread(true) - _spread(decoded))),
    }


def _at_scale(true: tf.Tensor, decoded: tf.Tensor, scale: int) -> tf.Tensor:
    """Mean absolute error of pooled log-mel and of its slopes over time and over bands."""
    error = _pooled(true - decoded, scale, scale)  # pooling and slopes are linear: the error's are the errors
    parts = [error, error[:, 1:] - error[:, :-1], error[:, :, 1:] - error[:, :, :-1]]
    return tf.add_n([tf.reduce_mean(tf.abs(part)) for part in parts])


def _spread(S: tf.Tensor) -> tf.Tensor:
    """Standard deviation within tiles that overlap by half."""
    mean, mean_square = _pooled(S, TILE, TILE // 2), _pooled(S**2, TILE, TILE // 2)
    return tf.sqrt(tf.maximum(mean_square - mean**2, 0) + SPREAD_FLOOR)


def _pooled(S: tf.Tensor, size: int, stride: int) -> tf.Tensor:
    """Means over squares of `size` frames and bands; what does not fill one at the end is left out."""
    return tf.nn.avg_pool2d(S[..., tf.newaxis], size, stride, "VALID")[..., 0]
