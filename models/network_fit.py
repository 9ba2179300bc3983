"""Fitting a hybrid network: epochs of balanced, augmented batches, with a checkpoint after each.

Everything that is drawn in an epoch is drawn from a generator of (seed, epoch), and a checkpoint holds every variable
of network and optimiser. A training that is killed at any moment therefore goes on from its last epoch to the same
weights as one that is left alone, but for what the threads of large convolutions round differently from run to run.

References
----------
Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from datasets.balancing import balanced_indices
from datasets.feature_augmentation import SpecAugment
from models.checkpoints import load_checkpoint, save_checkpoint
from models.errors import ModelError, TrainingDiverged
from models.hybrid_input import HybridInput
from models.hybrid_network import ByWindow, NetworkSettings, TagScale, collate
from models.learning_rate import warmed_cosine
from models.setting_ranges import check_ranges
from models.tensorflow_runtime import keras, tf
from models.training_log import TrainingLog

CHECKPOINT_FILE = "checkpoint.npz"
FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True)
class FitSettings:
    """How a network is fitted.

    Attributes
    ----------
    epochs : int
        At most; an epoch shows as many recordings of each genre as the largest genre has.
    batch_size : int
        Recordings in a batch.
    windows : tuple of int
        Windows of a recording that a batch shows, drawn anew for each batch: the network answers for a few seconds
        as well as for a song.
    learning_rate, weight_decay : float
        Of AdamW; the rate rises over the first 5 % of all steps and falls along a cosine to zero.
    label_smoothing : float
        Probability that the target spreads over all genres.
    mixup : float
        Alpha of the Beta distribution of the shares; 0 mixes nothing.
    modality_dropout : float
        Chance that a view is taken away from a recording that has several.
    branch_loss : float
        Weight of the branches' own losses beside the fused one.
    mask : bool
        Whether runs of frames and bands of the scalogram are masked (SpecAugment); it needs many more epochs.
    gain_db : float
        Scalograms are made louder or softer by up to this.
    patience : int
        Epochs without a better validation loss after which fitting ends; the best weights are kept.
    balance : "sampling" or "none"
        Whether smaller genres are shown as often as the largest.
    """

    epochs: int = 40
    batch_size: int = 32
    windows: tuple[int, ...] = (1, 3, 6)
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    label_smoothing: float = 0.05
    mixup: float = 0.2
    modality_dropout: float = 0.25
    branch_loss: float = 0.3
    mask: bool = False
    gain_db: float = 6.0
    patience: int = 12
    balance: Literal["sampling", "none"] = "sampling"

    def __post_init__(self) -> None:
        check_ranges(
            self,
            epochs=(1, 10_000),
            batch_size=(1, 4096),
            learning_rate=(1e-7, 1.0),
            weight_decay=(0.0, 1.0),
            label_smoothing=(0.0, 0.9),
            mixup=(0.0, 10.0),
            modality_dropout=(0.0, 0.9),
            branch_loss=(0.0, 10.0),
            gain_db=(0.0, 40.0),
            patience=(1, 10_000),
        )
        windows = self.windows if isinstance(self.windows, tuple) else ()
        if not windows or not all(type(n) is int and 1 <= n <= 64 for n in windows):
            raise ModelError(f"windows={self.windows!r}: expected numbers from 1 to 64")
        if not isinstance(self.mask, bool):
            raise ModelError(f"mask={self.mask!r}: expected True or False")
        if self.balance not in ("sampling", "none"):
            raise ModelError(f"balance={self.balance!r}: expected sampling or none")


@dataclass(frozen=True)
class Labelled:
    """Recordings with their genres, 0 to n_genres - 1."""

    recordings: Sequence[HybridInput]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.recordings)


@dataclass(frozen=True)
class Fit:
    """What a fitting came to: figures per epoch, and the epoch whose weights the network has."""

    history: dict[str, list[float]]
    best_epoch: int


def fit(
    network: keras.Model,
    training: Labelled,
    validation: Labelled | None,
    *,
    scale: TagScale,
    branches: Sequence[str] = NetworkSettings.branches,
    settings: FitSettings = FitSettings(),
    seed: int = 0,
    checkpoints: Path | None = None,
    logs: Path | None = None,
    progress: Callable[[int, dict[str, float]], None] | None = None,
) -> Fit:
    """Fit a network in place.

    Parameters
    ----------
    network : keras.Model
        Of `hybrid_network.build`, with its first weights.
    training, validation : Labelled
        Without a validation set all epochs are run and the last weights kept.
    scale : TagScale
        Of the training recordings.
    branches : sequence of str
        Views that the network may look at.
    settings : FitSettings
        How.
    seed : int
        Of everything drawn.
    checkpoints : Path, optional
        Folder; a checkpoint that lies there is gone on from.
    logs : Path, optional
        Folder for TensorBoard.
    progress : callable, optional
        Called after each epoch with its number, from 1, and its figures. What it raises ends the work.

    Raises
    ------
    ModelError
        If the checkpoint is damaged or of another network or settings.
    TrainingDiverged
        If the loss is no number any more.
    """
    tf.config.experimental.enable_op_determinism()  # but for large convolutions, whose threads round in any order
    run = _Run(network, training, validation, scale, tuple(branches), settings, seed)
    if checkpoints is not None:
        run.resume(checkpoints / CHECKPOINT_FILE)
    log = TrainingLog(logs)
    while not run.over:
        figures = run.epoch()
        if checkpoints is not None:
            run.save(checkpoints / CHECKPOINT_FILE)
        log.write(run.n_done, figures)
        if progress is not None:
            progress(run.n_done, figures)
    return run.finish()


def logits_of(
    network: keras.Model,
    recordings: Sequence[HybridInput],
    *,
    scale: TagScale,
    branches: Sequence[str] = NetworkSettings.branches,
    batch_windows: int = 256,
) -> np.ndarray:
    """Fused logits of whole recordings: (n_recordings, n_genres) float64."""
    found = []
    for group in _groups(recordings, batch_windows):
        batch = collate([recordings[i] for i in group], scale, branches=branches)
        found.append(network(batch, training=False)["fused"].numpy())
    return np.concatenate(found).astype(np.float64)


class _Run:
    """One fitting: its variables, and what has been done so far."""

    def __init__(
        self,
        network: keras.Model,
        training: Labelled,
        validation: Labelled | None,
        scale: TagScale,
        branches: tuple[str, ...],
        settings: FitSettings,
        seed: int,
    ) -> None:
        if not len(training):
            raise ModelError("no recordings to learn from")
        self._network, self._training, self._validation = network, training, validation
        self._scale, self._branches, self._settings, self._seed = scale, branches, settings, seed
        self._n_genres = network.output["fused"].shape[-1]
        self._steps = math.ceil(len(self._order(0)) / settings.batch_size)
        self._optimizer = keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay)
        self._optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self._optimizer.build(network.trainable_variables)
        self._step = tf.function(self._train_step, reduce_retracing=True)
        self._best: list[np.ndarray] = []
        self._best_epoch = 0
        self.history: dict[str, list[float]] = {}

    @property
    def n_done(self) -> int:
        """Epochs that are done."""
        return len(self.history.get("loss", []))

    @property
    def over(self) -> bool:
        """Whether no epoch is left, or none has been better for long."""
        waited = self.n_done - self._best_epoch if self._validation is not None else 0
        return self.n_done >= self._settings.epochs or waited >= self._settings.patience

    def epoch(self) -> dict[str, float]:
        """Go once through the recordings; the figures of the epoch."""
        number = self.n_done
        dropouts = list(_dropouts(self._network))
        for index, layer in enumerate(dropouts):  # each has its own numbers, which go on from epoch to epoch
            own_seed = (self._seed * len(dropouts) + index) % 2**32
            layer.seed_generator.state.assign([own_seed, number * self._steps])
        losses, right, seen = [], 0, 0
        for index, (batch, targets) in enumerate(self._batches(number)):
            self._optimizer.learning_rate.assign(self._rate(number * self._steps + index))
            loss, hits = self._step(batch, targets)
            losses.append(float(loss))
            right += int(hits)
            seen += len(targets)
        figures = {"loss": float(np.mean(losses)), "accuracy": right / seen} | self._validate()
        for name, value in figures.items():
            if not math.isfinite(value):
                raise TrainingDiverged(f"epoch {number + 1}: the {name} is {value}; try a smaller learning_rate")
        for name, value in figures.items():
            self.history.setdefault(name, []).append(value)
        if self._validation is None or figures["val_loss"] <= min(self.history["val_loss"]):
            self._best_epoch = self.n_done
            self._best = [variable.numpy() for variable in self._network.variables]
        return figures

    def finish(self) -> Fit:
        """Give the network its best weights."""
        for variable, value in zip(self._network.variables, self._best, strict=True):
            variable.assign(value)
        return Fit(self.history, self._best_epoch)

    def save(self, path: Path) -> None:
        """Write a checkpoint; the one before stays until this one is whole."""
        state = {"fingerprint": self._fingerprint(), "history": self.history, "best_epoch": self._best_epoch}
        now = [variable.numpy() for variable in self._variables()]
        save_checkpoint(path, state, {"now": now, "best": self._best})

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint, if there is one."""
        sizes = {"now": len(self._variables()), "best": len(self._network.variables)}
        found = load_checkpoint(path, fingerprint=self._fingerprint(), sizes=sizes)
        if found is None:
            return
        state, arrays = found
        for variable, value in zip(self._variables(), arrays["now"], strict=True):
            variable.assign(value)
        self._best = arrays["best"]
        self.history, self._best_epoch = state["history"], state["best_epoch"]

    def _variables(self) -> list[keras.Variable]:
        return [*self._network.variables, *self._optimizer.variables]

    def _fingerprint(self) -> str:
        """What must be alike for a checkpoint to be gone on from."""
        # Not by path: Keras numbers what has no name through all networks that a process builds.
        shapes = [[variable.name, list(variable.shape)] for variable in self._network.variables]
        parts = [repr(self._settings), self._seed, self._branches, self._training.labels.tolist(), shapes]
        return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]

    def _order(self, epoch: int) -> np.ndarray:
        if self._settings.balance == "none":
            return np.random.default_rng([self._seed, epoch, 1]).permutation(len(self._training))
        return balanced_indices(self._training.labels, seed=self._seed, epoch=epoch)

    def _rate(self, step: int) -> float:
        total = self._steps * self._settings.epochs
        return warmed_cosine(self._settings.learning_rate, step, n_steps=total, n_warm=max(1, total // 20))

    def _batches(self, epoch: int) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        rng = np.random.default_rng([self._seed, epoch, 2])
        size = self._settings.batch_size
        order = self._order(epoch)
        order = np.resize(order, self._steps * size)  # the last batch is filled up from the start: all have one shape
        for start in range(0, len(order), size):
            yield self._batch(order[start : start + size], rng)

    def _batch(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
        n_windows = int(rng.choice(self._settings.windows))
        shown = [self._training.recordings[row] for row in rows]
        chosen = [each[rng.integers(len(each), size=n_windows)] for each in shown]
        batch = collate(chosen, self._scale, branches=self._branches)
        targets = np.eye(self._n_genres, dtype=np.float32)[self._training.labels[rows]]
        if "wavelet" in self._branches and self._settings.gain_db:
            gains = 10 ** (rng.uniform(-1, 1, len(rows)) * self._settings.gain_db / 20)
            batch["scalogram"] *= gains.astype(np.float32)[:, np.newaxis, np.newaxis, np.newaxis]
        if self._settings.mask and "wavelet" in self._branches:
            batch["scalogram"] = SpecAugment(fill=0.0)(batch["scalogram"], rng)
        _drop_views(batch["present"], self._settings.modality_dropout, rng)
        if self._settings.mixup:
            targets = _mix(batch, targets, self._settings.mixup, rng)
        smoothing = self._settings.label_smoothing
        return batch, (1 - smoothing) * targets + smoothing / self._n_genres

    def _train_step(self, batch: dict[str, tf.Tensor], targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            out = self._network(batch, training=True)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, out["fused"]))
            if self._settings.branch_loss:
                each = -tf.einsum("bg,bvg->bv", targets, tf.nn.log_softmax(out["branches"]))
                there = batch["present"]
                own = tf.reduce_sum(each * there) / tf.maximum(tf.reduce_sum(there), 1.0)
                loss += self._settings.branch_loss * own
        variables = self._network.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        hits = tf.reduce_sum(tf.cast(tf.argmax(out["fused"], 1) == tf.argmax(targets, 1), tf.int32))
        return loss, hits

    def _validate(self) -> dict[str, float]:
        if self._validation is None:
            return {}
        from scipy.special import log_softmax

        logits = logits_of(self._network, self._validation.recordings, scale=self._scale, branches=self._branches)
        rows = np.arange(len(logits))
        of_truth = log_softmax(logits, axis=1)[rows, self._validation.labels]
        right = logits.argmax(axis=1) == self._validation.labels
        return {"val_loss": float(-of_truth.mean()), "val_accuracy": float(right.mean())}


def _drop_views(present: np.ndarray, chance: float, rng: np.random.Generator) -> None:
    """Take views away in place; every recording keeps at least one."""
    dropped = (rng.random(present.shape) < chance) & (present > 0)
    keeps_some = (present - dropped).sum(axis=1) > 0
    present[dropped & keeps_some[:, np.newaxis]] = 0.0


def _mix(batch: dict[str, np.ndarray], targets: np.ndarray, alpha: float, rng: np.random.Generator) -> np.ndarray:
    """Mix each recording with another one in place, in the views that both have; the mixed targets."""
    partners = rng.permutation(len(targets))
    shares = rng.beta(alpha, alpha, len(targets)).astype(np.float32)
    shares = np.maximum(shares, 1 - shares)
    common = batch["present"] * batch["present"][partners]
    shares[common.sum(axis=1) == 0] = 1.0  # nothing in common: it stays as it is
    mixed = shares < 1
    batch["present"][mixed] = common[mixed]
    for name in [view for view in ("tag_features", "scalogram", "attributes") if view in batch]:
        share = shares.reshape(-1, *[1] * (batch[name].ndim - 1))
        batch[name] = share * batch[name] + (1 - share) * batch[name][partners]
    return shares[:, np.newaxis] * targets + (1 - shares[:, np.newaxis]) * targets[partners]


def _dropouts(model: keras.Model) -> Iterator[keras.layers.Dropout]:
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            if layer.rate > 0:  # others draw nothing
                yield layer
        elif isinstance(layer, keras.Model | ByWindow):
            yield from _dropouts(layer.network if isinstance(layer, ByWindow) else layer)


def _groups(recordings: Sequence[HybridInput], batch_windows: int) -> Iterator[list[int]]:
    """Runs of recordings whose padded windows fit a batch; one that is longer stands alone."""
    group: list[int] = []
    longest = 0
    for index, recording in enumerate(recordings):
        longest = max(longest, len(recording))
        if group and longest * (len(group) + 1) > batch_windows:
            yield group
            group, longest = [], len(recording)
        group.append(index)
    if group:
        yield group
