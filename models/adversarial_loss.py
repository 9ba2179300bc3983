"""What a critic learns by, whoever it judges."""

from models.tensorflow_runtime import tf


def hinge_loss(of_real: tf.Tensor, of_made: tf.Tensor) -> tf.Tensor:
    """Scores above 1 of what is real, and below -1 of what is made, cost nothing: two tensors to a scalar.

    References
    ----------
    Lim and Ye, "Geometric GAN", arXiv:1705.02894, 2017.
    """
    return tf.reduce_mean(tf.nn.relu(1 - of_real)) + tf.reduce_mean(tf.nn.relu(1 + of_made))
