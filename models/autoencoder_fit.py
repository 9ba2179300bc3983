"""Fitting the autoencoder: steps on crops drawn from all recordings, with a checkpoint every few minutes.

Everything that is drawn in a step is drawn from a generator of (seed, step), and a checkpoint holds every variable of
network, codebooks and optimiser. A training that is killed at any moment therefore goes on from its last checkpoint to
the same weights as one that is left alone, but for what the threads of large convolutions round differently, and
unless it is the clock that ends it (`hours`).
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from features.log_mel import LOG_DB, scaled
from models.errors import ModelError, TrainingDiverged
from models.log_mel_crops import LogMelCrops, validation_crops
from models.precision import check_precision
from models.reconstruction_loss import LossSettings, reconstruction_terms
from models.setting_ranges import check_ranges
from models.stepped_run import Figures, Progress, SteppedRun, numbers
from models.tensorflow_runtime import keras, tf
from models.vqvae import Vqvae
from models.vqvae_inference import codebook_use

CLUSTERED_PER_CODE = 24  # latents that the codebooks start from, for each code


@dataclass(frozen=True)
class AutoencoderFitSettings:
    """How an autoencoder is fitted.

    Attributes
    ----------
    steps : int
        Batches that are shown at most.
    hours : float
        Time for fitting after which it ends, the learning rate having come down by then; 0 sets no limit.
    batch_size, crop_frames : int
        Crops in a batch, and frames in each.
    learning_rate : float
        Highest, of Adam; it rises over `warm_up` steps and falls along a cosine to zero.
    warm_up : int
        Steps.
    free_steps : int
        First steps, in which latents reach the decoder as they are. The codebooks then start from latents that mean
        something; started earlier, most of their vectors lie where no latent comes any more.
    clip_norm : float
        Longest gradient, all variables together.
    gain_db : float
        Crops are made louder or softer by up to this.
    figures_every : int
        Steps between two lines of figures; validation is measured then too.
    checkpoint_minutes : float
        Between two checkpoints; one is written at the end in any case.
    precision : str
        "float32", or "mixed_bfloat16": faster on processors with 16-bit matrix units.
    loss : LossSettings
        Weights of the terms.
    """

    steps: int = 20_000
    hours: float = 0.0
    batch_size: int = 16
    crop_frames: int = 128
    learning_rate: float = 1e-3
    warm_up: int = 300
    free_steps: int = 300
    clip_norm: float = 1.0
    gain_db: float = 3.0
    figures_every: int = 250
    checkpoint_minutes: float = 3.0
    precision: str = "float32"
    loss: LossSettings = field(default_factory=LossSettings)

    def __post_init__(self) -> None:
        check_precision(self.precision)
        check_ranges(
            self,
            steps=(1, 100_000_000),
            hours=(0.0, 10_000.0),
            batch_size=(1, 4096),
            crop_frames=(8, 65536),
            learning_rate=(1e-7, 1.0),
            warm_up=(1, 1_000_000),
            free_steps=(0, 1_000_000),
            clip_norm=(1e-6, 1e6),
            gain_db=(0.0, 40.0),
            figures_every=(1, 1_000_000),
            checkpoint_minutes=(0.0, 1e6),
        )


Terms = dict[str, tf.Tensor]


def fit_autoencoder(
    network: Vqvae,
    training: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    *,
    settings: AutoencoderFitSettings = AutoencoderFitSettings(),
    seed: int = 0,
    checkpoints: Path | None = None,
    logs: Path | None = None,
    progress: Progress | None = None,
) -> list[Figures]:
    """Fit a network in place.

    Parameters
    ----------
    network : Vqvae
        With its first weights.
    training, validation : sequence of np.ndarray, shape (frames, N_MELS)
        Log-mel of recordings, not scaled; those shorter than a crop are never shown. Validation may be empty.
    settings : AutoencoderFitSettings
        How.
    seed : int
        Of everything drawn.
    checkpoints : Path, optional
        Folder; a checkpoint that lies there is gone on from.
    logs : Path, optional
        Folder for TensorBoard.
    progress : callable, optional
        Called every `figures_every` steps and at the end with the number of steps done, the share of the training
        that is done, and the figures. What it raises ends the work.

    Returns
    -------
    list of dict
        The figures, with their `step`.

    Raises
    ------
    ModelError
        If no recording is as long as a crop, or the checkpoint is damaged or of another network or settings.
    TrainingDiverged
        If the loss is no number any more.
    """
    tf.config.experimental.enable_op_determinism()
    run = _Run(network, training, validation, settings, seed)
    return run.go_on(checkpoints=checkpoints, logs=logs, progress=progress)


class _Run(SteppedRun):
    """One fitting of an autoencoder."""

    def __init__(
        self,
        network: Vqvae,
        training: Sequence[np.ndarray],
        validation: Sequence[np.ndarray],
        settings: AutoencoderFitSettings,
        seed: int,
    ) -> None:
        if settings.crop_frames % network.settings.time_stride:
            stride = network.settings.time_stride
            raise ModelError(f"crop_frames={settings.crop_frames}: expected a multiple of time_stride={stride}")
        super().__init__(settings)
        self._network, self._settings, self._seed = network, settings, seed
        self._crops = LogMelCrops(training, settings.crop_frames)
        self._validation = validation_crops(validation, settings.crop_frames)
        self._optimizer = keras.optimizers.Adam(settings.learning_rate, beta_2=0.99, global_clipnorm=settings.clip_norm)
        self._optimizer.build(network.trainable_variables)
        # Without autograph, which would read the source again when a step is first traced, long after it was loaded.
        self._compiled_free_step = tf.function(self._free_step, autograph=False)
        self._compiled_step = tf.function(self._train_step, autograph=False)
        self._compiled_network = tf.function(network.__call__, autograph=False, reduce_retracing=True)

    def step(self) -> None:
        """Show one batch."""
        self.set_rate(self._optimizer, highest=self._settings.learning_rate, n_warm=self._settings.warm_up)
        S = tf.constant(self._batch(self.n_done))
        if self.n_done < self._settings.free_steps:
            terms = self._compiled_free_step(S)
        else:
            if self.n_done == self._settings.free_steps:
                self._start_codebooks()
            terms = self._compiled_step(S, tf.constant([self._seed % 2**31, self.n_done], tf.int32))
        figures = numbers(terms)
        self.count(figures)
        if not math.isfinite(loss := figures["loss"]):
            raise TrainingDiverged(f"step {self.n_done}: the loss is {loss}; try a smaller learning_rate")

    def variables(self) -> list[keras.Variable]:
        """Of network, codebooks and optimiser."""
        return [*self._network.variables, *self._optimizer.variables]

    def fingerprint(self) -> str:
        """What must be alike for a checkpoint to be gone on from."""
        parts = [repr(self._settings), repr(self._network.settings), self._seed, self._crops.lengths]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def _batch(self, step: int) -> np.ndarray:
        """Scaled crops of a step: (batch_size, crop_frames, N_MELS)."""
        rng = np.random.default_rng([self._seed, step])
        S = self._crops.draw(self._settings.batch_size, rng)
        gains = rng.uniform(-1, 1, len(S)) * self._settings.gain_db / LOG_DB
        return scaled(S + gains[:, np.newaxis, np.newaxis].astype(np.float32))

    def _start_codebooks(self) -> None:
        """Put the codebooks where the latents of the next batches lie."""
        wanted = CLUSTERED_PER_CODE * self._network.settings.n_codes
        latents: list[np.ndarray] = []
        while sum(map(len, latents)) < wanted:
            S = self._batch(self.n_done + len(latents))
            latents.append(self._network.encoder(S).numpy().reshape(-1, self._network.settings.latent_dim))
        self._network.quantizer.initialise(np.concatenate(latents), seed=self._seed)

    def _free_step(self, S: tf.Tensor) -> Terms:
        with tf.GradientTape() as tape:
            terms = reconstruction_terms(S, self._network.decoder(self._network.encoder(S)))
            loss = self._weighted(terms)
        self._descend(tape, loss)
        return terms | {"commitment": tf.zeros(()), "loss": loss, "restarted": tf.zeros(())}

    def _train_step(self, S: tf.Tensor, seed: tf.Tensor) -> Terms:
        with tf.GradientTape() as tape:
            made = self._network(S)
            terms = reconstruction_terms(S, made.S) | {"commitment": made.latents.commitment}
            loss = self._weighted(terms)
        self._descend(tape, loss)
        n_restarted = self._network.quantizer.update(made.latents, seed)
        return terms | {"loss": loss, "restarted": tf.cast(n_restarted, tf.float32)}

    def _weighted(self, terms: Terms) -> tf.Tensor:
        return tf.add_n([getattr(self._settings.loss, name) * value for name, value in terms.items()])

    def _descend(self, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        variables = self._network.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)

    def validate(self) -> Figures:
        """Terms of the loss and use of the codebooks, once they are there."""
        if not len(self._validation) or self.n_done <= self._settings.free_steps:
            return {}
        decoded, codes = [], []
        for start in range(0, len(self._validation), self._settings.batch_size):
            made = self._compiled_network(tf.constant(self._validation[start : start + self._settings.batch_size]))
            decoded.append(made.S.numpy())
            codes.append(made.latents.codes.numpy())
        terms = reconstruction_terms(tf.constant(self._validation), tf.constant(np.concatenate(decoded)))
        use = codebook_use(np.concatenate([*np.concatenate(codes)], axis=1), self._network.settings.n_codes)
        figures = {f"val_{name}": float(value) for name, value in terms.items()}
        for index, (usage, perplexity) in enumerate(zip(use.usage, use.perplexity, strict=True)):
            figures |= {f"usage_{index}": float(usage), f"perplexity_{index}": float(perplexity)}
        return figures
