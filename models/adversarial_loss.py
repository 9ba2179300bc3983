"""What a critic learns by, whoever it judges, and how its opinion pulls at what it judges."""

from models.log_mel_critic import Opinion, feature_distance
from models.tensorflow_runtime import keras, tf

TINY = 1e-12


def hinge_loss(of_real: tf.Tensor, of_made: tf.Tensor) -> tf.Tensor:
    """Scores above 1 of what is real, and below -1 of what is made, cost nothing: two tensors to a scalar.

    References
    ----------
    Lim and Ye, "Geometric GAN", arXiv:1705.02894, 2017.
    """
    return tf.reduce_mean(tf.nn.relu(1 - of_real)) + tf.reduce_mean(tf.nn.relu(1 + of_made))


def praise_missed(of_true: Opinion, of_made: Opinion) -> tf.Tensor:
    """What a maker wants little of: features that differ, scores that say "made"; a scalar."""
    return feature_distance(of_true, of_made) - tf.reduce_mean(of_made.scores)


def joined(own: tf.Tensor, others: tf.Tensor, *, pull: float) -> tf.Tensor:
    """Two slopes at what was made, the second scaled to `pull` times the length of the first: it never drowns it."""
    return own + pull * tf.norm(own) / (tf.norm(others) + TINY) * others


def optimizer(learning_rate: float, *, clip_norm: float) -> keras.optimizers.Optimizer:
    """Of either side: one that forgets fast, for what it climbs moves with every step of the other."""
    return keras.optimizers.Adam(learning_rate, beta_1=0.5, beta_2=0.99, global_clipnorm=clip_norm)
