"""Residual vector quantisation with codebooks that follow their latents.

Latents are (batch, time, latent_dim). The first codebook quantises them, each later one what the ones before left;
codes are (batch, codebook, time), and the quantised latent is the sum of one vector from each codebook. Codebooks are
not learned by gradient: each vector is a running mean of what was assigned to it. They start from clusters of real
latents, and a vector that nothing is assigned to any more is put where a latent of the batch lies: from random
vectors, most of a codebook would never be used.

References
----------
van den Oord, Vinyals and Kavukcuoglu, "Neural discrete representation learning", NeurIPS 2017 (running means,
commitment, straight-through gradient).
Zeghidour et al., "SoundStream: an end-to-end neural audio codec", IEEE/ACM TASLP 30, 2022 (residual quantisation,
k-means initialisation, restart of dead codes).
"""

from typing import Any, NamedTuple

import numpy as np

from models.errors import ModelError
from models.tensorflow_runtime import keras, tf
from models.vqvae_settings import VqvaeSettings

KMEANS_ROUNDS = 12


class Quantised(NamedTuple):
    """What quantising a batch of latents gave.

    Attributes
    ----------
    quantised : tf.Tensor, shape (batch, time, latent_dim)
        Sum of the chosen vectors; its gradient goes straight through to the latents.
    codes : tf.Tensor of int32, shape (batch, codebook, time)
        Index of each chosen vector.
    commitment : tf.Tensor, scalar
        Mean square of what each codebook left; its gradient moves the latents only.
    targets : tf.Tensor, shape (batch, codebook, time, latent_dim)
        What each codebook had to quantise, without gradient: what `update` moves the vectors to.
    """

    quantised: tf.Tensor
    codes: tf.Tensor
    commitment: tf.Tensor
    targets: tf.Tensor


@keras.saving.register_keras_serializable(package="genrelab")
class ResidualQuantizer(keras.layers.Layer):
    """(batch, time, latent_dim) -> `Quantised`; the same in training and inference, `update` moves the codebooks.

    Parameters
    ----------
    latent_dim, n_codebooks, n_codes : int
        As in `VqvaeSettings`.
    decay : float
        Of the running means, for each batch.
    restart_below : float
        A code is dead when it gets less than this part of an even share.
    """

    def __init__(
        self,
        latent_dim: int = VqvaeSettings.latent_dim,
        n_codebooks: int = VqvaeSettings.n_codebooks,
        n_codes: int = VqvaeSettings.n_codes,
        *,
        decay: float = 0.99,
        restart_below: float = 0.1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.latent_dim, self.n_codebooks, self.n_codes = latent_dim, n_codebooks, n_codes
        self.decay, self.restart_below = decay, restart_below
        table = (n_codebooks, n_codes)
        start = keras.initializers.RandomNormal(seed=0)
        self.codebooks = self.add_weight(
            shape=(*table, latent_dim), initializer=start, trainable=False, name="codebooks"
        )
        # Running means: the share of all latents that each code gets, and the sum of those latents over their number.
        self.shares = self.add_weight(shape=table, initializer="zeros", trainable=False, name="shares")
        self.sums = self.add_weight(shape=(*table, latent_dim), initializer="zeros", trainable=False, name="sums")

    def call(self, latents: tf.Tensor) -> Quantised:
        """Choose the nearest vector of each codebook in turn."""
        left, codes, targets = latents, [], []
        commitment = tf.zeros((), latents.dtype)
        for codebook in tf.unstack(tf.convert_to_tensor(self.codebooks)):
            targets.append(tf.stop_gradient(left))
            # |x - c|^2 without |x|^2, which is the same for all vectors.
            distances = tf.reduce_sum(codebook**2, axis=-1) - 2 * tf.einsum("btd,kd->btk", targets[-1], codebook)
            chosen = tf.argmin(distances, axis=-1, output_type=tf.int32)
            left = left - tf.gather(codebook, chosen)
            commitment += tf.reduce_mean(left**2) / self.n_codebooks
            codes.append(chosen)
        # The value of the quantised latents, the gradient of the latents.
        quantised = latents - tf.stop_gradient(left)
        return Quantised(quantised, tf.stack(codes, axis=1), commitment, tf.stack(targets, axis=1))

    def decode(self, codes: tf.Tensor) -> tf.Tensor:
        """Quantised latents of codes: (batch, codebook, time) -> (batch, time, latent_dim)."""
        return tf.add_n([tf.gather(self.codebooks[index], codes[:, index]) for index in range(self.n_codebooks)])

    def initialise(self, latents: np.ndarray, *, seed: int = 0) -> None:
        """Start the codebooks from clusters of latents, found by k-means codebook by codebook.

        Parameters
        ----------
        latents : np.ndarray, shape (n, latent_dim)
            Of the first batches; at least one per code, better some dozens.
        seed : int
            Of the clusters' starting points.

        Raises
        ------
        ModelError
            If there are too few latents, or they are no finite numbers of that size.
        """
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim or not np.isfinite(latents).all():
            raise ModelError(f"latents of shape {latents.shape}: expected finite numbers (n, {self.latent_dim})")
        if len(latents) < self.n_codes:
            raise ModelError(f"{len(latents)} latents to start {self.n_codes} codes from: show more or longer crops")
        codebooks, shares = [], []
        left = latents.astype(np.float32)
        for index in range(self.n_codebooks):
            codebook, chosen = _clusters(left, self.n_codes, seed=seed + index)
            codebooks.append(codebook)
            shares.append(np.bincount(chosen, minlength=self.n_codes) / len(left))
            left = left - codebook[chosen]
        # A cluster may be empty: then it is dead, and the first update puts it where a latent lies.
        self.codebooks.assign(np.stack(codebooks))
        self.shares.assign(np.stack(shares))
        self.sums.assign(np.stack(codebooks) * np.stack(shares)[..., np.newaxis])

    def update(self, found: Quantised, seed: tf.Tensor) -> tf.Tensor:
        """Move every vector towards the mean of what was assigned to it, and restart dead ones from the batch.

        Parameters
        ----------
        found : Quantised
            What this batch gave.
        seed : tf.Tensor of int32, shape (2,)
            Of the latents that dead codes are put on: another one for each batch.

        Returns
        -------
        tf.Tensor, scalar int32
            Codes that were restarted, in all codebooks together.
        """
        shares, sums = [], []
        n_restarted = tf.zeros((), tf.int32)
        for index in range(self.n_codebooks):
            targets = tf.reshape(found.targets[:, index], (-1, self.latent_dim))
            codes = tf.reshape(found.codes[:, index], (-1,))
            n = tf.cast(tf.shape(codes)[0], tf.float32)
            batch_shares = tf.math.bincount(codes, minlength=self.n_codes, maxlength=self.n_codes, dtype=tf.float32) / n
            batch_sums = tf.math.unsorted_segment_sum(targets, codes, self.n_codes) / n
            share = self.decay * self.shares[index] + (1 - self.decay) * batch_shares
            total = self.decay * self.sums[index] + (1 - self.decay) * batch_sums

            dead = share < self.restart_below / self.n_codes
            drawn = tf.random.stateless_uniform(
                (self.n_codes,), seed + tf.constant([0, index]), maxval=tf.shape(codes)[0], dtype=tf.int32
            )
            share = tf.where(dead, 1 / self.n_codes, share)  # an even share: time enough to be found
            total = tf.where(dead[:, tf.newaxis], tf.gather(targets, drawn) / self.n_codes, total)
            n_restarted += tf.reduce_sum(tf.cast(dead, tf.int32))
            shares.append(share)
            sums.append(total)
        self.shares.assign(tf.stack(shares))
        self.sums.assign(tf.stack(sums))
        self.codebooks.assign(tf.stack(sums) / tf.stack(shares)[..., tf.newaxis])
        return n_restarted

    def get_config(self) -> dict:
        """What the layer can be built again from."""
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "n_codebooks": self.n_codebooks,
            "n_codes": self.n_codes,
            "decay": self.decay,
            "restart_below": self.restart_below,
        }


def _clusters(latents: np.ndarray, n_codes: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres (n_codes, latent_dim), and the nearest one of each latent (n,)."""
    import warnings

    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different latents than codes, or rounds left
        found = KMeans(n_codes, n_init=1, max_iter=KMEANS_ROUNDS, random_state=seed).fit(latents)
    return found.cluster_centers_.astype(np.float32), found.labels_
