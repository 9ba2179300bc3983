"""A fitting that goes step by step: its clock, its figures, and the checkpoints that a killed training goes on from.

What is drawn in a step is drawn from the seed and the number of the step, and a checkpoint holds every variable: a run
that is stopped at any moment goes on from its last checkpoint as one that is left alone would.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from models.checkpoints import load_checkpoint, save_checkpoint
from models.learning_rate import cosine_by_share
from models.tensorflow_runtime import keras, tf
from models.training_log import TrainingLog

CHECKPOINT_FILE = "checkpoint.npz"
Figures = dict[str, float]
Progress = Callable[[int, float, Figures], None]


class StepSettings(Protocol):
    """What the settings of every such fitting have."""

    @property
    def steps(self) -> int:
        """At most."""

    @property
    def hours(self) -> float:
        """Of fitting, at most; 0 sets no limit."""

    @property
    def figures_every(self) -> int:
        """Steps between two lines of figures."""

    @property
    def checkpoint_minutes(self) -> float:
        """Between two checkpoints; one is written at the end in any case."""


class SteppedRun(ABC):
    """One fitting: what has been done so far, and how it goes on.

    Parameters
    ----------
    limits : StepSettings
        When it ends, and how often it tells and writes.
    """

    def __init__(self, limits: StepSettings) -> None:
        self._limits = limits
        self._recent: list[Figures] = []
        self.n_done = 0
        self._elapsed_s = 0.0
        self._since = time.monotonic()
        self.history: list[Figures] = []

    @abstractmethod
    def step(self) -> None:
        """Show one batch, and `count` it."""

    @abstractmethod
    def validate(self) -> Figures:
        """How validation stands; nothing where there is none."""

    @abstractmethod
    def variables(self) -> list[keras.Variable]:
        """All that a checkpoint holds, always in one order."""

    @abstractmethod
    def fingerprint(self) -> str:
        """What must be alike for a checkpoint to be gone on from."""

    @property
    def elapsed_s(self) -> float:
        """Time that was spent on it, before a resumption too."""
        return self._elapsed_s + time.monotonic() - self._since

    @property
    def share(self) -> float:
        """How much of the training is done, by steps or by the clock."""
        by_clock = self.elapsed_s / (3600 * self._limits.hours) if self._limits.hours else 0.0
        return max(self.n_done / self._limits.steps, by_clock)

    def set_rate(self, *optimizers: keras.optimizers.Optimizer, highest: float, n_warm: int) -> None:
        """Give optimisers the learning rate of this step, as `learning_rate.cosine_by_share` has it."""
        rate = cosine_by_share(highest, self.n_done, share=self.share, n_warm=n_warm)
        for optimizer in optimizers:
            optimizer.learning_rate.assign(rate)

    def count(self, figures: Figures) -> None:
        """Keep the figures of a step that was done."""
        self._recent.append(figures)
        self.n_done += 1

    def go_on(self, *, checkpoints: Path | None, logs: Path | None, progress: Progress | None) -> list[Figures]:
        """Do what is left.

        Parameters
        ----------
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
            If the checkpoint is damaged or of another training.
        """
        path = None if checkpoints is None else checkpoints / CHECKPOINT_FILE
        if path is not None:
            self._resume(path)
        log = TrainingLog(logs)
        saved_at = time.monotonic()
        finished = self.share >= 1 and bool(self.history) and not self._recent
        while not finished:
            self.step()
            share = min(1.0, self.share)
            finished = share == 1.0
            if self.n_done % self._limits.figures_every == 0 or finished:
                figures = self._figures()
                log.write(self.n_done, figures)
                if progress is not None:
                    progress(self.n_done, share, figures)
            if path is not None and (finished or time.monotonic() - saved_at >= 60 * self._limits.checkpoint_minutes):
                self._save(path)
                saved_at = time.monotonic()
        return self.history

    def _figures(self) -> Figures:
        """Means over the steps since the last call, and how validation stands."""
        figures = means(self._recent)
        self._recent = []
        figures |= self.validate()
        self.history.append(figures | {"step": self.n_done})
        return figures

    def _save(self, path: Path) -> None:
        """Write a checkpoint; the one before stays until this one is whole."""
        state = {
            "fingerprint": self.fingerprint(),
            "n_done": self.n_done,
            "elapsed_s": self.elapsed_s,
            "history": self.history,
            "recent": self._recent,
        }
        save_checkpoint(path, state, {"now": [variable.numpy() for variable in self.variables()]})

    def _resume(self, path: Path) -> None:
        """Go on from a checkpoint, if there is one."""
        found = load_checkpoint(path, fingerprint=self.fingerprint(), sizes={"now": len(self.variables())})
        if found is None:
            return
        state, arrays = found
        for variable, value in zip(self.variables(), arrays["now"], strict=True):
            variable.assign(value)
        self.n_done, self._elapsed_s, self.history = state["n_done"], state["elapsed_s"], state["history"]
        self._recent = state["recent"]


def numbers(terms: Mapping[str, tf.Tensor]) -> Figures:
    """Figures of scalars."""
    return {name: float(value) for name, value in terms.items()}


def means(several: list[Figures]) -> Figures:
    """Mean of each figure over some steps, at least one."""
    return {name: float(np.mean([figures[name] for figures in several])) for name in several[0]}
