"""Making codes: a network over codes goes step by step, guided by its plan, and what it says is drawn.

Several takes are made at once. A take depends on its plan and its seed alone, not on the others.

References
----------
Ho and Salimans, "Classifier-free diffusion guidance", 2022; Copet et al., "Simple and controllable music generation",
NeurIPS 2023 (guidance of logits).
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from models.blas_threads import one_blas_thread
from models.delay_pattern import delayed, undelayed
from models.errors import ModelError
from models.plan import FRAME_WIDTH, Plan
from models.plan_mix import PlanMix
from models.prior_settings import CodeSettings
from models.sampling import Sampling, draw
from models.told_inputs import ToldInputs

FREE = -1  # stands among given codes where one is to be made
BLOCK_STEPS = 64  # made between two answers
MAX_GUIDANCE = 20.0


class StepMemory(Protocol):
    """What a network remembers of the steps so far."""

    def step(self, x: np.ndarray) -> np.ndarray:
        """Take what a step is told, (n_rows, width), to its logits, (n_rows, n_codebooks, n_codes)."""


class StepNetwork(Protocol):
    """A network over codes that goes step by step."""

    @property
    def settings(self) -> CodeSettings:
        """Of its codes."""

    @property
    def told(self) -> ToldInputs:
        """Its first layers."""

    def start(self, n_rows: int) -> StepMemory:
        """An empty memory."""


def stream_codes(
    network: StepNetwork,
    plans: Sequence[Plan | PlanMix],
    *,
    seeds: Sequence[int],
    sampling: Sampling = Sampling(),
    guidance: float = 1.0,
    given: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """Make codes, block by block, in memory that does not grow with their number.

    Parameters
    ----------
    network : StepNetwork
        What has learned how codes follow each other.
    plans : sequence of Plan or PlanMix
        One for each take, of one length. Of a mix every plan is followed at once, and the logits are the mean of what
        each gives, by their weights: what is drawn is likely for all of them.
    seeds : sequence of int
        One for each take, 0 or more.
    sampling : Sampling
        How codes are drawn.
    guidance : float
        How far logits are moved away from those without a plan: 1 not at all, which is twice as fast; 0 to 20.
    given : np.ndarray, shape (n_codebooks, n), optional
        Codes of the first n frames, at most the plans' length, that every take has; `FREE` where one is to be made.
        What goes on after them, or between them, hears those before it.

    Yields
    ------
    np.ndarray of int, shape (n_takes, n_codebooks, n)
        The next n frames. All blocks together have the plans' length.

    Raises
    ------
    ModelError
        If plans, seeds and given codes do not fit each other or the network.
    """
    mixes = [each if isinstance(each, PlanMix) else PlanMix.of(each) for each in plans]
    _check(network.settings, mixes, seeds, guidance, given)
    return _blocks(network, mixes, seeds, sampling, guidance, given)


def make_codes(
    network: StepNetwork,
    plans: Sequence[Plan | PlanMix],
    *,
    seeds: Sequence[int],
    sampling: Sampling = Sampling(),
    guidance: float = 1.0,
    given: np.ndarray | None = None,
) -> np.ndarray:
    """All blocks of `stream_codes` at once: (n_takes, n_codebooks, n_frames)."""
    blocks = stream_codes(network, plans, seeds=seeds, sampling=sampling, guidance=guidance, given=given)
    return np.concatenate(list(blocks), axis=-1)


def _check(
    settings: CodeSettings, mixes: Sequence[PlanMix], seeds: Sequence[int], guidance: float, given: np.ndarray | None
) -> None:
    if not mixes or len({mix.n_frames for mix in mixes}) != 1 or mixes[0].n_frames < 1:
        raise ModelError("expected one plan or more, all of one length")
    for plan in (plan for mix in mixes for plan in mix.plans):
        if plan.frames.shape[1:] != (FRAME_WIDTH,) or plan.n_genres != settings.n_genres:
            raise ModelError(f"a plan for {plan.n_genres} genres, the network knows {settings.n_genres}")
    if len(seeds) != len(mixes) or not all(seed >= 0 for seed in seeds):
        raise ModelError(f"{len(seeds)} seeds for {len(mixes)} plans: expected one each, 0 or more")
    if not 0 <= guidance <= MAX_GUIDANCE:
        raise ModelError(f"guidance={guidance}: expected 0 to {MAX_GUIDANCE:g}")
    if given is None:
        return
    if given.ndim != 2 or len(given) != settings.n_codebooks or given.shape[1] > mixes[0].n_frames:
        raise ModelError(
            f"given codes of shape {given.shape}: expected ({settings.n_codebooks}, at most {mixes[0].n_frames} frames)"
        )
    if given.size and not FREE <= given.min() <= given.max() < settings.n_codes:
        raise ModelError(
            f"given codes from {given.min()} to {given.max()}: expected 0 to below {settings.n_codes}, or {FREE}"
        )


def _blocks(
    network: StepNetwork,
    mixes: Sequence[PlanMix],
    seeds: Sequence[int],
    sampling: Sampling,
    guidance: float,
    given: np.ndarray | None,
) -> Iterator[np.ndarray]:
    settings = network.settings
    n_takes, n_codebooks, filler = len(mixes), settings.n_codebooks, settings.n_codes
    n_steps = mixes[0].n_frames + n_codebooks - 1
    fixed = delayed(np.zeros((n_codebooks, 0), np.int64) if given is None else given.astype(np.int64), filler=FREE)
    rows = [plan for mix in mixes for plan in mix.plans]
    weights = [weight for mix in mixes for weight in mix.weights]
    takes = [take for take, mix in enumerate(mixes) for _ in mix.plans]  # of the rows
    if guidance != 1:
        rows += [mix.plans[0].nothing() for mix in mixes]
        takes += range(n_takes)
    generators = [np.random.default_rng(seed) for seed in seeds]
    memory = network.start(len(rows))
    recent = np.full((n_takes, settings.recent_steps, n_codebooks), filler)
    pending = np.zeros((n_takes, n_codebooks, 0), np.int64)  # steps of frames that are not whole yet
    for start in range(0, n_steps, BLOCK_STEPS):
        stop = min(start + BLOCK_STEPS, n_steps)
        numbers = np.stack([generator.random((stop - start, n_codebooks)) for generator in generators])
        made = []
        with one_blas_thread():
            planned = np.stack([network.told.of_plan(plan, start, stop) for plan in rows])
            for step in range(start, stop):
                told = network.told.of_codes(recent)[takes]
                answers = memory.step(told + planned[:, step - start])
                logits = np.zeros((n_takes, *answers.shape[1:]), np.float32)
                for take, weight, answer in zip(takes, weights, answers, strict=False):
                    logits[take] += np.float32(weight) * answer
                if guidance != 1:
                    without = answers[-n_takes:]
                    logits = without + guidance * (logits - without)
                codes = draw(logits, numbers[:, step - start], sampling)
                if step < fixed.shape[1]:
                    codes = np.where(fixed[:, step] == FREE, codes, fixed[:, step])
                frames = step - np.arange(n_codebooks)  # that the codebooks say
                made.append(np.where((frames >= 0) & (frames < mixes[0].n_frames), codes, filler))
                recent[:, :-1], recent[:, -1] = recent[:, 1:].copy(), made[-1]
        pending = np.concatenate([pending, np.stack(made, axis=-1)], axis=-1)
        n_whole = pending.shape[-1] - n_codebooks + 1
        if n_whole > 0:
            yield undelayed(pending)
            pending = pending[:, :, n_whole:]
