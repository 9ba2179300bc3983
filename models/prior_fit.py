"""Fitting a network over codes: epochs of random crops, with a checkpoint after each.

Everything that is drawn in an epoch is drawn from a generator of (seed, epoch), and a checkpoint holds every weight
and what the optimiser knows, so that a training that is stopped goes on to the same weights as one that is left alone.
Figures are in bits: the cross-entropy of a code, log2(n_codes) for a network that knows nothing.

References
----------
Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.checkpoints import load_checkpoint, save_checkpoint
from models.errors import ModelError, TrainingDiverged
from models.learning_rate import warmed_cosine
from models.precision import check_precision
from models.prior_data import CodedClip, Dropping, crops, drop
from models.prior_settings import CodeSettings
from models.setting_ranges import check_ranges
from models.tensorflow_runtime import keras, tf
from models.training_log import TrainingLog

CHECKPOINT_FILE = "checkpoint.npz"


@dataclass(frozen=True)
class PriorFitSettings:
    """How a network over codes is fitted.

    Attributes
    ----------
    epochs : int
        Of `steps` batches each.
    steps, batch_size : int
        Batches of an epoch, and crops of a batch; genres are drawn alike often.
    crop_frames : int
        Length of a crop; longer than the window of the prior, so that it learns what a sliding window is like.
    learning_rate, weight_decay : float
        Of AdamW; the rate rises over the first `warm_up` of all steps and falls along a cosine to zero.
    warm_up : float
        Share of all steps.
    clip_norm : float
        Gradients longer than this are shortened to it.
    drop_everything, drop_block : float
        Chance that a crop is told nothing, and that it is not told one block of its plan.
    validation_crops : int
        Crops of the validation set that are looked at after each epoch, evenly spread; at most.
    precision : str
        Of the products: "float32", or "mixed_bfloat16", faster on processors that have it.
    """

    epochs: int = 60
    steps: int = 200
    batch_size: int = 8
    crop_frames: int = 432
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warm_up: float = 0.03
    clip_norm: float = 1.0
    drop_everything: float = 0.1
    drop_block: float = 0.1
    validation_crops: int = 96
    precision: str = "float32"

    def __post_init__(self) -> None:
        check_precision(self.precision)
        check_ranges(
            self,
            epochs=(1, 100_000),
            steps=(1, 1_000_000),
            batch_size=(1, 4096),
            crop_frames=(1, 100_000),
            learning_rate=(1e-7, 1.0),
            weight_decay=(0.0, 1.0),
            warm_up=(0.0, 0.9),
            clip_norm=(1e-3, 1e3),
            drop_everything=(0.0, 0.9),
            drop_block=(0.0, 0.9),
            validation_crops=(1, 100_000),
        )


@dataclass(frozen=True)
class PriorFit:
    """What a fitting came to.

    Attributes
    ----------
    history : dict of str to list of float
        By epoch: `bits` of the training crops, and `val_bits`, `val_bits_0`, … of all codebooks and of each.
    best_epoch : int
        Whose weights the network has, from 1.
    finished : bool
        Whether all epochs are done; if not, the same call goes on.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    finished: bool = False


def fit(
    network: keras.Model,
    training: Sequence[CodedClip],
    validation: Sequence[CodedClip],
    *,
    codes: CodeSettings,
    settings: PriorFitSettings = PriorFitSettings(),
    seed: int = 0,
    checkpoints: Path | None = None,
    logs: Path | None = None,
    budget_s: float = math.inf,
    progress: Callable[[int, dict[str, float]], None] | None = None,
) -> PriorFit:
    """Fit a network in place; afterwards it has the weights of the epoch that was best on the validation set.

    Parameters
    ----------
    network : keras.Model
        Of `prior.build` or `baselines.gru.build`, with its first weights.
    training, validation : sequence of CodedClip
        Without a validation set the last weights are kept.
    codes : CodeSettings
        Of the network.
    settings : PriorFitSettings
        How.
    seed : int
        Of everything drawn.
    checkpoints : Path, optional
        Folder; a checkpoint that lies there is gone on from.
    logs : Path, optional
        Folder for TensorBoard.
    budget_s : float
        Seconds of this call: no epoch is begun that would, by the last one, end later. One is always done.
    progress : callable, optional
        Called after each epoch with its number, from 1, and its figures. What it raises ends the work.

    Raises
    ------
    ModelError
        If there is nothing to learn from, or the checkpoint is damaged or of another training.
    TrainingDiverged
        If the loss is no number any more.
    """
    tf.config.experimental.enable_op_determinism()
    begun = time.monotonic()
    run = _Run(network, training, validation, codes, settings, seed)
    if checkpoints is not None:
        run.resume(checkpoints / CHECKPOINT_FILE)
    log = TrainingLog(logs)
    longest = -math.inf  # epoch so far; the first is begun whatever the time
    while not run.over and time.monotonic() - begun + longest <= budget_s:
        epoch_begun = time.monotonic()
        figures = run.epoch()
        if checkpoints is not None:
            run.save(checkpoints / CHECKPOINT_FILE)
        log.write(run.n_done, figures)
        longest = max(longest, time.monotonic() - epoch_begun)
        if progress is not None:
            progress(run.n_done, figures)
    return run.finish()


def bits_of(
    network: keras.Model,
    clips: Sequence[CodedClip],
    *,
    codes: CodeSettings,
    crop_frames: int,
    most_crops: int,
    batch_size: int = 8,
    told: bool = True,
) -> np.ndarray:
    """Mean bits of a code of each codebook, (n_codebooks,), over crops that are evenly spread over clips.

    With `told` false, as the network answers where it is told nothing but the codes so far.
    """
    rows = [(clip, start) for clip in clips for start in range(0, clip.plan.n_frames, crop_frames)]
    rows = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, min(most_crops, len(rows))).round().astype(int))]
    total, seen = np.zeros(codes.n_codebooks), np.zeros(codes.n_codebooks)
    for first in range(0, len(rows), batch_size):
        batch = rows[first : first + batch_size]
        shown, starts = [clip for clip, _ in batch], [start for _, start in batch]
        inputs, targets = crops(shown, starts, codes, n_frames=crop_frames)
        if not told:
            inputs["plan"][:], inputs["overall"][:] = 0, 0
        surprise, there = _surprise(network(inputs, training=False), targets, codes.n_codes)
        total += tf.reduce_sum(surprise, axis=(0, 1)).numpy()
        seen += tf.reduce_sum(there, axis=(0, 1)).numpy()
    return total / np.maximum(seen, 1)


class _Run:
    """One fitting: its variables, and what has been done so far."""

    def __init__(
        self,
        network: keras.Model,
        training: Sequence[CodedClip],
        validation: Sequence[CodedClip],
        codes: CodeSettings,
        settings: PriorFitSettings,
        seed: int,
    ) -> None:
        if not training:
            raise ModelError("no recordings to learn from")
        self._network, self._training, self._validation = network, training, validation
        self._codes, self._settings, self._seed = codes, settings, seed
        self._chances = _chances(training)
        self._weights = network.trainable_variables
        self._optimizer = keras.optimizers.AdamW(
            settings.learning_rate, weight_decay=settings.weight_decay, beta_2=0.98, global_clipnorm=settings.clip_norm
        )
        self._optimizer.exclude_from_weight_decay(var_names=["bias", "scale", "embeddings"])
        self._optimizer.build(self._weights)
        self._step = tf.function(self._train_step)
        self._best: list[np.ndarray] = []
        self._best_epoch = 0
        self.history: dict[str, list[float]] = {}

    @property
    def n_done(self) -> int:
        """Epochs that are done."""
        return len(self.history.get("bits", []))

    @property
    def over(self) -> bool:
        """Whether no epoch is left."""
        return self.n_done >= self._settings.epochs

    def epoch(self) -> dict[str, float]:
        """One epoch; its figures."""
        number, settings = self.n_done, self._settings
        dropouts = [each for each in self._network.layers if isinstance(each, keras.layers.Dropout) and each.rate > 0]
        for index, layer in enumerate(dropouts):  # each has its own numbers, which go on from epoch to epoch
            own_seed = (self._seed * len(dropouts) + index) % 2**32
            layer.seed_generator.state.assign([own_seed, number * settings.steps])
        bits = []
        for index, (inputs, targets) in enumerate(self._batches(number)):
            self._optimizer.learning_rate.assign(self._rate(number * settings.steps + index))
            bits.append(float(self._step(inputs, targets)))
        figures = {"bits": float(np.mean(bits))} | self._validate()
        for name, value in figures.items():
            if not math.isfinite(value):
                raise TrainingDiverged(f"epoch {number + 1}: {name} is {value}; try a smaller learning_rate")
        for name, value in figures.items():
            self.history.setdefault(name, []).append(value)
        if not self._validation or figures["val_bits"] <= min(self.history["val_bits"]):
            self._best_epoch = self.n_done
            self._best = [variable.numpy() for variable in self._weights]
        return figures

    def finish(self) -> PriorFit:
        """Give the network its best weights."""
        for variable, value in zip(self._weights, self._best, strict=True):
            variable.assign(value)
        return PriorFit(self.history, self._best_epoch, self.over)

    def save(self, path: Path) -> None:
        """Write a checkpoint; the one before stays until this one is whole."""
        state = {"fingerprint": self._fingerprint(), "history": self.history, "best_epoch": self._best_epoch}
        now = [variable.numpy() for variable in self._variables()]
        save_checkpoint(path, state, {"now": now, "best": self._best})

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint, if there is one."""
        sizes = {"now": len(self._variables()), "best": len(self._weights)}
        found = load_checkpoint(path, fingerprint=self._fingerprint(), sizes=sizes)
        if found is None:
            return
        state, arrays = found
        for variable, value in zip(self._variables(), arrays["now"], strict=True):
            variable.assign(value)
        self._best = arrays["best"]
        self.history, self._best_epoch = state["history"], state["best_epoch"]

    def _variables(self) -> list[keras.Variable]:
        return [*self._weights, *self._optimizer.variables]

    def _fingerprint(self) -> str:
        """What must be alike for a checkpoint to be gone on from."""
        shapes = [[variable.name, list(variable.shape)] for variable in self._weights]
        data = hashlib.sha256(b"".join(clip.codes.tobytes() for clip in self._training)).hexdigest()
        parts = [repr(self._settings), repr(self._codes), self._seed, data, shapes]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def _rate(self, step: int) -> float:
        total = self._settings.steps * self._settings.epochs
        n_warm = max(1, round(total * self._settings.warm_up))
        return warmed_cosine(self._settings.learning_rate, step, n_steps=total, n_warm=n_warm)

    def _batches(self, epoch: int) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        rng = np.random.default_rng([self._seed, epoch])
        settings = self._settings
        dropping = Dropping(settings.drop_everything, settings.drop_block)
        for _ in range(settings.steps):
            rows = rng.choice(len(self._training), size=settings.batch_size, p=self._chances)
            clips = [self._training[row] for row in rows]
            starts = [int(rng.integers(max(clip.plan.n_frames - settings.crop_frames, 0) + 1)) for clip in clips]
            inputs, targets = crops(clips, starts, self._codes, n_frames=settings.crop_frames)
            drop(inputs, dropping, self._codes, rng)
            yield inputs, targets

    def _train_step(self, inputs: dict[str, tf.Tensor], targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            surprise, there = _surprise(self._network(inputs, training=True), targets, self._codes.n_codes)
            bits = tf.reduce_sum(surprise) / tf.maximum(tf.reduce_sum(there), 1.0)
            loss = bits * math.log(2)
        self._optimizer.apply(tape.gradient(loss, self._weights), self._weights)
        return bits

    def _validate(self) -> dict[str, float]:
        if not self._validation:
            return {}
        found = bits_of(
            self._network,
            self._validation,
            codes=self._codes,
            crop_frames=self._settings.crop_frames,
            most_crops=self._settings.validation_crops,
            batch_size=self._settings.batch_size,
        )
        return {"val_bits": float(found.mean())} | {f"val_bits_{k}": float(bits) for k, bits in enumerate(found)}


def _surprise(logits: tf.Tensor, targets: tf.Tensor, n_codes: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Bits of each code, and whether there is one: both (row, step, codebook), zero where there is none."""
    there = tf.cast(targets < n_codes, tf.float32)
    wanted = tf.minimum(targets, n_codes - 1)
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits)
    return nats * there / math.log(2), there


def _chances(clips: Sequence[CodedClip]) -> np.ndarray:
    """How likely each clip is drawn: genres alike, within one by length."""
    lengths = np.array([clip.plan.n_frames for clip in clips], np.float64)
    genres = np.array([clip.genre for clip in clips])
    for genre in np.unique(genres):
        lengths[genres == genre] /= lengths[genres == genre].sum()
    return lengths / lengths.sum()
