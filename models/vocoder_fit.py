"""Fitting a vocoder, with checkpoints that a killed training goes on from.

Everything that is drawn is drawn from the seed and the number of the step. A training that is killed at any moment
therefore goes on from its last checkpoint to the same weights as one that is left alone, but for what the threads of
large products round differently, and unless it is the clock that ends it (`hours`).
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.errors import TrainingDiverged
from models.setting_ranges import check_ranges
from models.stepped_run import Figures, Progress, SteppedRun, means, numbers
from models.tensorflow_runtime import keras, tf
from models.vocoder_crops import Batch, Crops, CropSettings, validation_batches
from models.vocoder_loss import LossSettings, spectral_terms
from models.vocoder_network import VocoderNetwork
from models.vqvae_inference import VqvaeInference


@dataclass(frozen=True)
class VocoderFitSettings:
    """How a vocoder is fitted.

    Attributes
    ----------
    steps : int
        Batches that are shown at most; 0 leaves the network as it is.
    hours : float
        Time for fitting after which it ends, the learning rate having come down by then; 0 sets no limit.
    batch_size : int
        Crops in a batch.
    learning_rate : float
        Highest, of Adam; it rises over `warm_up` steps and falls along a cosine to zero.
    warm_up : int
        Steps.
    clip_norm : float
        Longest gradient, all variables together.
    figures_every : int
        Steps between two lines of figures; validation is measured then too.
    checkpoint_minutes : float
        Between two checkpoints; one is written at the end in any case.
    crops : CropSettings
        What is shown.
    loss : LossSettings
        Weights of the terms.
    """

    steps: int = 20_000
    hours: float = 0.0
    batch_size: int = 6
    learning_rate: float = 1e-3
    warm_up: int = 200
    clip_norm: float = 1.0
    figures_every: int = 200
    checkpoint_minutes: float = 2.0
    crops: CropSettings = field(default_factory=CropSettings)
    loss: LossSettings = field(default_factory=LossSettings)

    def __post_init__(self) -> None:
        check_ranges(
            self,
            steps=(0, 100_000_000),
            hours=(0.0, 10_000.0),
            batch_size=(1, 4096),
            learning_rate=(1e-7, 1.0),
            warm_up=(1, 1_000_000),
            clip_norm=(1e-6, 1e6),
            figures_every=(1, 1_000_000),
            checkpoint_minutes=(0.0, 1e6),
        )


Terms = dict[str, tf.Tensor]


def fit_vocoder(
    network: VocoderNetwork,
    training: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    *,
    settings: VocoderFitSettings = VocoderFitSettings(),
    autoencoder: VqvaeInference | None = None,
    seed: int = 0,
    checkpoints: Path | None = None,
    logs: Path | None = None,
    progress: Progress | None = None,
) -> list[Figures]:
    """Fit a network in place.

    Parameters
    ----------
    network : VocoderNetwork
        With its first weights.
    training, validation : sequence of np.ndarray, shape (n_samples,), int16
        Recordings as `models.sound_shards` keeps them. Those shorter than a crop are never shown; validation may be
        empty.
    settings : VocoderFitSettings
        How.
    autoencoder : VqvaeInference, optional
        Whose log-mel a part of the crops is heard in.
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
    if settings.steps == 0:
        return []
    tf.config.experimental.enable_op_determinism()
    run = _Run(network, training, validation, settings, autoencoder, seed)
    return run.go_on(checkpoints=checkpoints, logs=logs, progress=progress)


class _Run(SteppedRun):
    """One fitting of a vocoder."""

    def __init__(
        self,
        network: VocoderNetwork,
        training: Sequence[np.ndarray],
        validation: Sequence[np.ndarray],
        settings: VocoderFitSettings,
        autoencoder: VqvaeInference | None,
        seed: int,
    ) -> None:
        super().__init__(settings)
        self._network, self._settings, self._seed = network, settings, seed
        self._heard = "true" if autoencoder is None else "decoded"
        self._crops = Crops(training, settings.crops, autoencoder)
        self._validation = validation_batches(validation, settings.crops, autoencoder, n=settings.batch_size)
        self._optimizer = keras.optimizers.Adam(settings.learning_rate, beta_2=0.99, global_clipnorm=settings.clip_norm)
        self._optimizer.build(network.trainable_variables)
        # Without autograph, which would read the source again when a step is first traced, long after it was loaded.
        self._compiled_step = tf.function(self._train_step, autograph=False)
        self._compiled_terms = tf.function(self._terms, autograph=False)

    def step(self) -> None:
        """Show one batch."""
        self.set_rate(self._optimizer, highest=self._settings.learning_rate, n_warm=self._settings.warm_up)
        batch = self._crops.draw(self._settings.batch_size, np.random.default_rng([self._seed, self.n_done]))
        terms = numbers(self._compiled_step(batch))
        self.count(terms)
        if not math.isfinite(loss := terms["loss"]):
            raise TrainingDiverged(f"step {self.n_done}: the loss is {loss}; try a smaller learning_rate")

    def validate(self) -> Figures:
        """Terms of the loss."""
        if not self._validation:
            return {}
        terms = means([numbers(self._compiled_terms(batch)) for batch in self._validation])
        return {f"val_{name}": value for name, value in terms.items()}

    def variables(self) -> list[keras.Variable]:
        """Of network and optimiser."""
        return [*self._network.variables, *self._optimizer.variables]

    def fingerprint(self) -> str:
        """What must be alike for a checkpoint to be gone on from."""
        parts = [
            repr(self._settings),
            repr(self._network.settings),
            self._seed,
            self._crops.lengths,
            self._heard,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def _terms(self, batch: Batch) -> Terms:
        terms = spectral_terms(batch.true, self._network(batch.S))
        weighted = [getattr(self._settings.loss, name) * value for name, value in terms.items()]
        return terms | {"loss": tf.add_n(weighted)}

    def _train_step(self, batch: Batch) -> Terms:
        variables = self._network.trainable_variables
        with tf.GradientTape() as tape:
            terms = self._terms(batch)
        self._optimizer.apply(tape.gradient(terms["loss"], variables), variables)
        return terms
