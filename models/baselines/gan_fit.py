"""Fitting the adversarial baseline: generator and critic learn from each other, step by step, from crops of codes.

Real latents are the sums of the code vectors, so that what is compared is what codes can say. Everything that is drawn
in a step is drawn from a generator of (seed, step), and a checkpoint holds every variable: a training that is stopped
goes on as one that is left alone. What is kept is the running mean of the generator's weights.

References
----------
Lim and Ye, "Geometric GAN", 2017 (hinge loss).
Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually converge?", ICML 2018 (penalty on the
gradient at real examples).
Yazıcı et al., "The unusual effectiveness of averaging in GAN training", ICLR 2019.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.adversarial_loss import hinge_loss
from models.baselines.gan import GanSettings, draw_noise, latent_scale, told_of
from models.baselines.gan_network import arrays_of, build_critic, build_generator
from models.errors import ModelError, TrainingDiverged
from models.evaluation.frechet import fit_gaussian, frechet_distance
from models.prior_data import CodedClip
from models.setting_ranges import check_ranges
from models.stepped_run import Figures, Progress, SteppedRun, numbers
from models.tensorflow_runtime import keras, tf
from models.vqvae_inference import vectors_of

VALIDATION_CROPS = 64


@dataclass(frozen=True)
class GanFitSettings:
    """How generator and critic are fitted.

    Attributes
    ----------
    steps : int
        Batches at most; each teaches the critic, then the generator.
    hours : float
        Time for fitting after which it ends; 0 sets no limit.
    batch_size, crop_frames : int
        Crops in a batch, and frames in each; genres are drawn alike often.
    learning_rate : float
        Of Adam, of both.
    penalty : float
        Weight of the critic's squared gradient at real crops.
    averaged : float
        Share of the running mean of the weights that stays in each step.
    figures_every : int
        Steps between two lines of figures.
    checkpoint_minutes : float
        Between two checkpoints; one is written at the end in any case.
    """

    steps: int = 3000
    hours: float = 0.0
    batch_size: int = 16
    crop_frames: int = 128
    learning_rate: float = 3e-4
    penalty: float = 1.0
    averaged: float = 0.995
    figures_every: int = 250
    checkpoint_minutes: float = 3.0

    def __post_init__(self) -> None:
        check_ranges(
            self,
            steps=(1, 100_000_000),
            hours=(0.0, 10_000.0),
            batch_size=(1, 4096),
            crop_frames=(8, 65536),
            learning_rate=(1e-7, 1.0),
            penalty=(0.0, 1e6),
            averaged=(0.0, 0.99999),
            figures_every=(1, 1_000_000),
            checkpoint_minutes=(0.0, 1e6),
        )


def fit_gan(
    training: Sequence[CodedClip],
    validation: Sequence[CodedClip],
    codebooks: np.ndarray,
    *,
    shape: GanSettings,
    settings: GanFitSettings = GanFitSettings(),
    seed: int = 0,
    checkpoints: Path | None = None,
    logs: Path | None = None,
    progress: Progress | None = None,
) -> tuple[dict[str, np.ndarray], list[Figures]]:
    """Train a generator.

    Parameters
    ----------
    training, validation : sequence of CodedClip
        Those shorter than a crop are never shown. Validation may be empty.
    codebooks : np.ndarray, shape (n_codebooks, n_codes, latent_dim)
        Of the autoencoder.
    shape : GanSettings
        Of the networks.
    settings : GanFitSettings
        How.
    seed : int
        Of weights and everything drawn.
    checkpoints : Path, optional
        Folder; a checkpoint that lies there is gone on from.
    logs : Path, optional
        Folder for TensorBoard.
    progress : callable, optional
        Called every `figures_every` steps and at the end with the number of steps done, the share of the training
        that is done, and the figures. What it raises ends the work.

    Returns
    -------
    arrays : dict of str to np.ndarray
        As `gan.GanInference` takes them.
    history : list of dict
        The figures, with their `step`: the losses `critic`, `penalty` and `generator`, and `val_frechet`, the Fréchet
        distance of latents and of their changes from frame to frame between what is made of validation plans and what
        is there.

    Raises
    ------
    ModelError
        If no recording is as long as a crop, or the checkpoint is damaged or of another training.
    TrainingDiverged
        If a loss is no number any more.
    """
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
    run = _Run(training, validation, codebooks, shape, settings, seed)
    history = run.go_on(checkpoints=checkpoints, logs=logs, progress=progress)
    return run.arrays(), history


class _Run(SteppedRun):
    """One fitting of generator and critic."""

    def __init__(
        self,
        training: Sequence[CodedClip],
        validation: Sequence[CodedClip],
        codebooks: np.ndarray,
        shape: GanSettings,
        settings: GanFitSettings,
        seed: int,
    ) -> None:
        super().__init__(settings)
        self._shape, self._settings, self._seed = shape, settings, seed
        self._clips, self._codebooks = training, codebooks
        self._of_genre = _by_genre(training, settings.crop_frames)
        if not self._of_genre:
            raise ModelError(f"no recording to learn from has {settings.crop_frames} frames: give longer ones")
        self._latents = [vectors_of(clip.codes, codebooks) for clip in training]
        self._mean, self._spread = latent_scale(self._latents)
        self._generator, self._critic = build_generator(shape), build_critic(shape)
        self._optimizers = []
        for network in (self._generator, self._critic):
            optimizer = keras.optimizers.Adam(settings.learning_rate, beta_1=0.5, beta_2=0.99)
            optimizer.build(network.trainable_variables)
            self._optimizers.append(optimizer)
        self._averaged = build_generator(shape)  # what is kept
        self._compiled_step = tf.function(self._train_step, autograph=False)
        self._validation = self._validation_crops(validation)

    def step(self) -> None:
        """Show one batch."""
        rng = np.random.default_rng([self._seed, self.n_done])
        real, told = self._batch(rng)
        noise = self._noise(rng, len(real))
        stays = min(self._settings.averaged, (self.n_done + 1) / (self.n_done + 11))  # the first weights are soon gone
        losses = self._compiled_step(*map(tf.constant, (real, told, noise, np.float32(stays))))
        figures = numbers(losses)
        self.count(figures)
        if not all(map(math.isfinite, figures.values())):
            raise TrainingDiverged(f"step {self.n_done}: losses {figures}; try a smaller learning_rate")

    def arrays(self) -> dict[str, np.ndarray]:
        """What has been learned."""
        scale = {"latent_mean": self._mean, "latent_spread": self._spread}
        return arrays_of(self._averaged) | scale | {"codebooks": self._codebooks}

    def variables(self) -> list[keras.Variable]:
        """Of all networks and optimisers."""
        of_optimizers = [variable for optimizer in self._optimizers for variable in optimizer.variables]
        networks = self._generator, self._critic, self._averaged
        return [*(variable for network in networks for variable in network.variables), *of_optimizers]

    def fingerprint(self) -> str:
        """What must be alike for a checkpoint to be gone on from."""
        data = hashlib.sha256(b"".join(clip.codes.tobytes() for clip in self._clips))
        data.update(self._codebooks.tobytes())
        parts = [repr(self._settings), repr(self._shape), self._seed, data.hexdigest()]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def _batch(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Scaled latents of real crops, and what their frames are told."""
        genres = list(self._of_genre)
        places = []
        for genre in rng.integers(len(genres), size=self._settings.batch_size):
            index = int(rng.choice(self._of_genre[genres[genre]]))
            places.append((index, int(rng.integers(len(self._latents[index]) - self._settings.crop_frames + 1))))
        return self._crops(self._clips, self._latents, places)

    def _crops(
        self, clips: Sequence[CodedClip], latents: Sequence[np.ndarray], places: Sequence[tuple[int, int]]
    ) -> tuple[np.ndarray, np.ndarray]:
        there = [(index, slice(start, start + self._settings.crop_frames)) for index, start in places]
        real = np.stack([latents[index][frames] for index, frames in there])
        told = np.stack([told_of(clips[index].plan[frames]) for index, frames in there])
        return ((real - self._mean) / self._spread).astype(np.float32), told

    def _noise(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return np.stack([draw_noise(rng, self._settings.crop_frames, self._shape) for _ in range(n)])

    def _train_step(self, real: tf.Tensor, told: tf.Tensor, noise: tf.Tensor, stays: tf.Tensor) -> dict[str, tf.Tensor]:
        of_generator, of_critic = self._generator.trainable_variables, self._critic.trainable_variables
        with tf.GradientTape() as generator_tape:
            made = self._generator(tf.concat([told, noise], axis=-1))
            with tf.GradientTape() as critic_tape:
                with tf.GradientTape() as penalty_tape:
                    penalty_tape.watch(real)
                    of_real = self._critic(tf.concat([real, told], axis=-1))
                    total = tf.reduce_sum(of_real)
                slope = penalty_tape.gradient(total, real)
                penalty = tf.reduce_mean(tf.reduce_sum(slope**2, axis=(1, 2)))
                of_made = self._critic(tf.concat([tf.stop_gradient(made), told], axis=-1))
                critic = hinge_loss(of_real, of_made)
                critic_loss = critic + 0.5 * self._settings.penalty * penalty
            gradients = critic_tape.gradient(critic_loss, of_critic)
            self._optimizers[1].apply(gradients, of_critic)
            generator = -tf.reduce_mean(self._critic(tf.concat([made, told], axis=-1)))
        self._optimizers[0].apply(generator_tape.gradient(generator, of_generator), of_generator)
        for average, variable in zip(self._averaged.variables, self._generator.variables, strict=True):
            average.assign(stays * average + (1 - stays) * variable)
        return {"critic": critic, "penalty": penalty, "generator": generator}

    def _validation_crops(self, clips: Sequence[CodedClip]) -> tuple[np.ndarray, np.ndarray] | None:
        """The same crops every time; None where no clip is long enough."""
        n_frames = self._settings.crop_frames
        long = [clip for clip in clips if clip.plan.n_frames >= n_frames]
        if not long:
            return None
        rng = np.random.default_rng(0)
        places = []
        for index in rng.integers(len(long), size=VALIDATION_CROPS):
            places.append((int(index), int(rng.integers(long[index].plan.n_frames - n_frames + 1))))
        return self._crops(long, [vectors_of(clip.codes, self._codebooks) for clip in long], places)

    def validate(self) -> Figures:
        """Fréchet distance of what is made of validation plans."""
        if self._validation is None:
            return {}
        real, told = self._validation
        noise = self._noise(np.random.default_rng(0), len(real))
        made = self._averaged(np.concatenate([told, noise], axis=-1)).numpy()
        return {"val_frechet": frechet_distance(*(fit_gaussian(_with_changes(each)) for each in (made, real)))}


def _by_genre(clips: Sequence[CodedClip], n_frames: int) -> dict[int, list[int]]:
    """Which clips there are of each genre that are long enough."""
    found: dict[int, list[int]] = {}
    for index, clip in enumerate(clips):
        if clip.plan.n_frames >= n_frames:
            found.setdefault(clip.genre, []).append(index)
    return dict(sorted(found.items()))


def _with_changes(latents: np.ndarray) -> np.ndarray:
    """Each latent and how it changes into the next: (batch, frames, dim) to (batch * (frames - 1), 2 * dim)."""
    together = np.concatenate([latents[:, :-1], np.diff(latents, axis=1)], axis=-1)
    return together.reshape(-1, together.shape[-1])
