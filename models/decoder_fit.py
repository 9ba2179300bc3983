"""Fitting the decoder of an autoencoder once more, against a critic; encoder and codebooks stay as they are.

Codes keep their meaning, so that a prior that was trained on them need not be trained again. Two pulls on the decoded
log-mel are added: that of the reconstruction, as it was learned by, and that of the critic, which is scaled to `pull`
times the first: whatever the critic's losses are worth, it never drowns what is to be reconstructed.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from features.log_mel import scaled
from models.adversarial_loss import hinge_loss, joined, optimizer, praise_missed
from models.code_source import codes_sha256
from models.errors import ModelError, TrainingDiverged
from models.log_mel_critic import PATCH, LogMelCritic
from models.log_mel_crops import LogMelCrops, validation_crops
from models.precision import check_precision
from models.reconstruction_loss import LossSettings, reconstruction_terms
from models.setting_ranges import check_ranges
from models.stepped_run import Figures, Progress, SteppedRun, numbers
from models.tensorflow_runtime import keras, tf
from models.vqvae import Vqvae, arrays_of


@dataclass(frozen=True)
class DecoderFitSettings:
    """How a decoder is fitted against a critic.

    Attributes
    ----------
    steps : int
        Batches that are shown at most; 0 leaves the decoder as it is.
    hours : float
        Time for fitting after which it ends, the learning rate having come down by then; 0 sets no limit.
    batch_size, crop_frames : int
        Crops in a batch, and frames in each, a multiple of `log_mel_critic.PATCH`.
    learning_rate : float
        Highest, of decoder and critic; it rises over `warm_up` steps and falls along a cosine to zero.
    warm_up : int
        Steps.
    lead : int
        First steps, in which only the critic learns.
    pull : float
        How strongly the critic's opinion pulls, relative to the reconstruction.
    clip_norm : float
        Longest gradient, all variables of a network together.
    figures_every : int
        Steps between two lines of figures; validation is measured then too.
    checkpoint_minutes : float
        Between two checkpoints; one is written at the end in any case.
    precision : str
        "float32", or "mixed_bfloat16": faster on processors with 16-bit matrix units.
    loss : LossSettings
        Weights of the reconstruction's terms.
    """

    steps: int = 0
    hours: float = 0.0
    batch_size: int = 16
    crop_frames: int = 128
    learning_rate: float = 4e-4
    warm_up: int = 50
    lead: int = 100
    pull: float = 0.5
    clip_norm: float = 1.0
    figures_every: int = 100
    checkpoint_minutes: float = 3.0
    precision: str = "float32"
    loss: LossSettings = field(default_factory=LossSettings)

    def __post_init__(self) -> None:
        check_precision(self.precision)
        check_ranges(
            self,
            steps=(0, 100_000_000),
            hours=(0.0, 10_000.0),
            batch_size=(1, 4096),
            crop_frames=(PATCH, 65536),
            learning_rate=(1e-7, 1.0),
            warm_up=(1, 1_000_000),
            lead=(0, 1_000_000),
            pull=(0.0, 100.0),
            clip_norm=(1e-6, 1e6),
            figures_every=(1, 1_000_000),
            checkpoint_minutes=(0.0, 1e6),
        )
        if self.crop_frames % PATCH:
            raise ModelError(f"crop_frames={self.crop_frames}: expected a multiple of {PATCH}")


Terms = dict[str, tf.Tensor]


def fit_decoder(
    network: Vqvae,
    training: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    *,
    settings: DecoderFitSettings,
    seed: int = 0,
    checkpoints: Path | None = None,
    logs: Path | None = None,
    progress: Progress | None = None,
) -> list[Figures]:
    """Fit a trained autoencoder's decoder in place; nothing happens with `steps` of 0.

    Parameters, return value and errors are those of `autoencoder_fit.fit_autoencoder`.
    """
    if settings.steps == 0:
        return []
    tf.config.experimental.enable_op_determinism()
    run = _Run(network, training, validation, settings, seed)
    return run.go_on(checkpoints=checkpoints, logs=logs, progress=progress)


class _Run(SteppedRun):
    """One fitting of a decoder."""

    def __init__(
        self,
        network: Vqvae,
        training: Sequence[np.ndarray],
        validation: Sequence[np.ndarray],
        settings: DecoderFitSettings,
        seed: int,
    ) -> None:
        super().__init__(settings)
        self._network, self._settings, self._seed = network, settings, seed
        self._crops = LogMelCrops(training, settings.crop_frames)
        self._validation = validation_crops(validation, settings.crop_frames)
        keras.utils.set_random_seed(seed)
        self._critic = LogMelCritic(precision=settings.precision)
        self._of_decoder, self._of_critic = (
            optimizer(settings.learning_rate, clip_norm=settings.clip_norm) for _ in range(2)
        )
        self._of_decoder.build(network.decoder.trainable_variables)
        self._of_critic.build(self._critic.trainable_variables)
        self._codes_sha256 = codes_sha256(arrays_of(network))
        # Without autograph, which would read the source again when a step is first traced, long after it was loaded.
        self._compiled_steps = {
            lead: tf.function(lambda S, lead=lead: self._train_step(S, lead=lead), autograph=False)
            for lead in (True, False)
        }
        self._compiled_decoding = tf.function(self._decoded, autograph=False, reduce_retracing=True)

    def step(self) -> None:
        """Show one batch."""
        settings = self._settings
        self.set_rate(self._of_decoder, self._of_critic, highest=settings.learning_rate, n_warm=settings.warm_up)
        S = tf.constant(scaled(self._crops.draw(settings.batch_size, np.random.default_rng([self._seed, self.n_done]))))
        terms = self._compiled_steps[self.n_done < settings.lead](S)
        figures = numbers(terms)
        self.count(figures)
        if not all(map(math.isfinite, figures.values())):
            raise TrainingDiverged(f"step {self.n_done}: figures of {figures}; try a smaller learning_rate")

    def validate(self) -> Figures:
        """Terms of the reconstruction."""
        if not len(self._validation):
            return {}
        size = self._settings.batch_size
        parts = [self._validation[start : start + size] for start in range(0, len(self._validation), size)]
        decoded = np.concatenate([self._compiled_decoding(tf.constant(part)).numpy() for part in parts])
        terms = reconstruction_terms(tf.constant(self._validation), tf.constant(decoded))
        return {f"val_{name}": float(value) for name, value in terms.items()}

    def variables(self) -> list[keras.Variable]:
        """Of decoder, critic and their optimisers."""
        parts = (self._network.decoder, self._critic, self._of_decoder, self._of_critic)
        return [variable for part in parts for variable in part.variables]

    def fingerprint(self) -> str:
        """What must be alike for a checkpoint to be gone on from."""
        parts = [repr(self._settings), self._codes_sha256, self._seed, self._crops.lengths]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def _decoded(self, S: tf.Tensor) -> tf.Tensor:
        return self._network.decoder(tf.stop_gradient(self._network.quantizer(self._network.encoder(S)).quantised))

    def _train_step(self, S: tf.Tensor, *, lead: bool) -> Terms:
        """One step of the critic and, after its lead, of the decoder, both from the same decoded log-mel."""
        with tf.GradientTape() as of_decoder:
            decoded = self._decoded(S)
        with tf.GradientTape(persistent=True) as pulls:
            pulls.watch(decoded)
            terms = reconstruction_terms(S, decoded)
            rebuilt = tf.add_n([getattr(self._settings.loss, name) * value for name, value in terms.items()])
            of_true, of_decoded = self._critic(S), self._critic(decoded)
            blamed = hinge_loss(of_true.scores, of_decoded.scores)
            missed = praise_missed(of_true, of_decoded)
        if not lead:
            own, others = pulls.gradient(rebuilt, decoded), pulls.gradient(missed, decoded)
            slope = joined(own, others, pull=self._settings.pull)
            variables = self._network.decoder.trainable_variables
            gradients = of_decoder.gradient(decoded, variables, output_gradients=slope)
            self._of_decoder.apply(gradients, variables)
        variables = self._critic.trainable_variables
        self._of_critic.apply(pulls.gradient(blamed, variables), variables)
        return terms | {"loss": rebuilt, "critic": blamed}
