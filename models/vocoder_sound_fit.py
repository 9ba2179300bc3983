"""Fitting a vocoder once more, by the sound that comes of its spectra.

Two pulls on the sound are added: that of its levels in short windows (`models.sound_levels`), and that of critics,
one for each length of window, which learn to tell it from recordings; theirs is scaled to `pull` times the first, as
in `models.decoder_fit`. The spectral terms that the vocoder was first fitted by go on beside them.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.adversarial_loss import hinge_loss, joined, optimizer, praise_missed
from models.errors import ModelError, TrainingDiverged
from models.log_mel_critic import LogMelCritic
from models.phases import OVERLAP
from models.precision import check_precision
from models.setting_ranges import check_ranges
from models.sound_levels import LONGEST_HOP, RESOLUTIONS, level_error, levels
from models.sound_synthesis import sound_of
from models.stepped_run import Figures, Progress, SteppedRun, means, numbers
from models.tensorflow_runtime import keras, tf
from models.vocoder_crops import Batch, Crops, CropSettings, validation_batches
from models.vocoder_loss import LossSettings, spectral_terms
from models.vocoder_network import VocoderNetwork, arrays_of
from models.vqvae_inference import VqvaeInference

EDGE = OVERLAP * LONGEST_HOP  # samples at either end of a crop that too few frames lie over


@dataclass(frozen=True)
class SoundFitSettings:
    """How a vocoder is fitted by its sound.

    Attributes
    ----------
    steps : int
        Batches that are shown at most; 0 leaves the vocoder as it is.
    hours : float
        Time for fitting after which it ends, the learning rate having come down by then; 0 sets no limit.
    batch_size : int
        Crops in a batch.
    learning_rate : float
        Highest, of vocoder and critics; it rises over `warm_up` steps and falls along a cosine to zero.
    warm_up : int
        Steps.
    lead : int
        First steps, in which only the critics learn.
    levels : float
        Weight of the sound's levels, and with them of the critics, beside the spectral terms.
    pull : float
        How strongly the critics' opinion pulls, relative to the levels.
    clip_norm : float
        Longest gradient, all variables of a network together.
    figures_every : int
        Steps between two lines of figures; validation is measured then too.
    checkpoint_minutes : float
        Between two checkpoints; one is written at the end in any case.
    precision : str
        Of the critics, as in `log_mel_critic.LogMelCritic`.
    crops : CropSettings
        What is shown.
    loss : LossSettings
        Weights of the spectral terms.
    """

    steps: int = 0
    hours: float = 0.0
    batch_size: int = 6
    learning_rate: float = 3e-4
    warm_up: int = 100
    lead: int = 100
    levels: float = 1.0
    pull: float = 0.5
    clip_norm: float = 1.0
    figures_every: int = 100
    checkpoint_minutes: float = 3.0
    precision: str = "float32"
    crops: CropSettings = field(default_factory=CropSettings)
    loss: LossSettings = field(default_factory=LossSettings)

    def __post_init__(self) -> None:
        check_precision(self.precision)
        check_ranges(
            self,
            steps=(0, 100_000_000),
            hours=(0.0, 10_000.0),
            batch_size=(1, 4096),
            learning_rate=(1e-7, 1.0),
            warm_up=(1, 1_000_000),
            lead=(0, 1_000_000),
            levels=(0.0, 100.0),
            pull=(0.0, 100.0),
            clip_norm=(1e-6, 1e6),
            figures_every=(1, 1_000_000),
            checkpoint_minutes=(0.0, 1e6),
        )
        if self.steps and self.crops.frames < 4 * OVERLAP:
            raise ModelError(f"crops of {self.crops.frames} frames: sound is fitted in {4 * OVERLAP} or more")


Terms = dict[str, tf.Tensor]


def fit_vocoder_sound(
    network: VocoderNetwork,
    training: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    *,
    settings: SoundFitSettings,
    autoencoder: VqvaeInference | None = None,
    seed: int = 0,
    checkpoints: Path | None = None,
    logs: Path | None = None,
    progress: Progress | None = None,
) -> list[Figures]:
    """Fit a trained vocoder in place; nothing happens with `steps` of 0.

    Parameters, return value and errors are those of `vocoder_fit.fit_vocoder`.
    """
    if settings.steps == 0:
        return []
    tf.config.experimental.enable_op_determinism()
    run = _Run(network, training, validation, settings, autoencoder, seed)
    return run.go_on(checkpoints=checkpoints, logs=logs, progress=progress)


class _Run(SteppedRun):
    """One fitting of a vocoder by its sound."""

    def __init__(
        self,
        network: VocoderNetwork,
        training: Sequence[np.ndarray],
        validation: Sequence[np.ndarray],
        settings: SoundFitSettings,
        autoencoder: VqvaeInference | None,
        seed: int,
    ) -> None:
        super().__init__(settings)
        self._network, self._settings, self._seed = network, settings, seed
        self._heard = "true" if autoencoder is None else "decoded"
        self._crops = Crops(training, settings.crops, autoencoder)
        self._validation = validation_batches(validation, settings.crops, autoencoder, n=settings.batch_size)
        keras.utils.set_random_seed(seed)
        self._critics = [LogMelCritic(each.n_bands, precision=settings.precision) for each in RESOLUTIONS]
        self._critics_variables = [variable for critic in self._critics for variable in critic.trainable_variables]
        self._of_vocoder, self._of_critics = (
            optimizer(settings.learning_rate, clip_norm=settings.clip_norm) for _ in range(2)
        )
        self._of_vocoder.build(network.trainable_variables)
        self._of_critics.build(self._critics_variables)
        self._started_from = hashlib.sha256(
            b"".join(each.tobytes() for each in arrays_of(network).values())
        ).hexdigest()
        # Without autograph, which would read the source again when a step is first traced, long after it was loaded.
        self._compiled_steps = {
            lead: tf.function(lambda batch, lead=lead: self._train_step(batch, lead=lead), autograph=False)
            for lead in (True, False)
        }
        self._compiled_terms = tf.function(self._terms, autograph=False)

    def step(self) -> None:
        """Show one batch."""
        settings = self._settings
        self.set_rate(self._of_vocoder, self._of_critics, highest=settings.learning_rate, n_warm=settings.warm_up)
        batch = self._crops.draw(settings.batch_size, np.random.default_rng([self._seed, self.n_done]))
        terms = self._compiled_steps[self.n_done < settings.lead](batch)
        figures = numbers(terms)
        self.count(figures)
        if not all(map(math.isfinite, figures.values())):
            raise TrainingDiverged(f"step {self.n_done}: figures of {figures}; try a smaller learning_rate")

    def validate(self) -> Figures:
        """Spectral terms, and the error of the sound's levels."""
        if not self._validation:
            return {}
        terms = means([numbers(self._compiled_terms(batch)) for batch in self._validation])
        return {f"val_{name}": value for name, value in terms.items()}

    def variables(self) -> list[keras.Variable]:
        """Of vocoder, critics and their optimisers."""
        parts = (self._network, *self._critics, self._of_vocoder, self._of_critics)
        return [variable for part in parts for variable in part.variables]

    def fingerprint(self) -> str:
        """What must be alike for a checkpoint to be gone on from."""
        parts = [
            repr(self._settings),
            repr(self._network.settings),
            self._started_from,
            self._seed,
            self._crops.lengths,
            self._heard,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def _terms(self, batch: Batch) -> Terms:
        made = self._network(batch.S)
        y = sound_of(made, batch.S, self._network.settings)
        error = level_error(levels(_inner(batch.y)), levels(_inner(y)))
        return spectral_terms(batch.true, made) | {"levels": error}

    def _train_step(self, batch: Batch, *, lead: bool) -> Terms:
        """One step of the critics and, after their lead, of the vocoder, both from the same sound."""
        settings = self._settings
        of_true = levels(_inner(tf.convert_to_tensor(batch.y)))
        with tf.GradientTape() as of_vocoder:
            made = self._network(batch.S)
            y = sound_of(made, batch.S, self._network.settings)
            terms = spectral_terms(batch.true, made)
            spectral = tf.add_n([getattr(settings.loss, name) * value for name, value in terms.items()])
        with tf.GradientTape(persistent=True) as pulls:
            pulls.watch(y)
            of_made = levels(_inner(y))
            error = level_error(of_true, of_made)
            opinions = [
                (critic(true), critic(made)) for critic, true, made in zip(self._critics, of_true, of_made, strict=True)
            ]
            blamed = tf.add_n([hinge_loss(true.scores, made.scores) for true, made in opinions]) / len(opinions)
            missed = tf.add_n([praise_missed(true, made) for true, made in opinions])
        if not lead:
            own, others = pulls.gradient(error, y), pulls.gradient(missed, y)
            variables = self._network.trainable_variables
            gradients = of_vocoder.gradient(
                [spectral, y],
                variables,
                output_gradients=[tf.ones_like(spectral), settings.levels * joined(own, others, pull=settings.pull)],
            )
            self._of_vocoder.apply(gradients, variables)
        self._of_critics.apply(pulls.gradient(blamed, self._critics_variables), self._critics_variables)
        return terms | {"levels": error, "critic": blamed}


def _inner(y: tf.Tensor) -> tf.Tensor:
    return y[:, EDGE:-EDGE]
