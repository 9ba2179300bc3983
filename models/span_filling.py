"""Filling a span so that what follows it fits.

A prior hears what came before a code, not what comes after it: what it fills a span with need not lead to what stands
behind the span. So several fillings are drawn, and the one after which the rest is likeliest is kept.
"""

from collections.abc import Callable, Sequence

import numpy as np

from features.log_mel import FRAMES_PER_S
from models.blas_threads import one_blas_thread
from models.code_stream import FREE, StepNetwork, stream_codes
from models.delay_pattern import delayed
from models.plan_mix import PlanMix
from models.sampling import Sampling

AFTER_FRAMES = round(2 * FRAMES_PER_S)  # behind the span, that a filling has to lead to


def fill_span(
    network: StepNetwork,
    mix: PlanMix,
    given: np.ndarray,
    span: slice,
    *,
    before: int,
    seeds: Sequence[int],
    sampling: Sampling = Sampling(),
    guidance: float = 1.0,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Make the codes of a span, once with each seed, and keep those that what follows agrees with best.

    Parameters
    ----------
    network : StepNetwork
        What has learned how codes follow each other.
    mix : PlanMix
        Of all frames.
    given : np.ndarray of int, shape (n_codebooks, n_frames)
        Codes around the span; what stands in it does not matter.
    span : slice
        Frames that are made.
    before : int
        Frames before the span that the network hears, at most.
    seeds : sequence of int
        One for each filling. Where nothing follows the span, the first alone is drawn.
    sampling : Sampling
        How codes are drawn.
    guidance : float
        As for `stream_codes`.
    progress : callable, optional
        Called with the share that is done. What it raises ends the work.

    Returns
    -------
    np.ndarray of int, shape (n_codebooks, n_frames)

    Raises
    ------
    ModelError
        If plan, seeds and given codes do not fit each other or the network.
    """
    heard = slice(max(span.start - before, 0), min(span.stop + AFTER_FRAMES, given.shape[1]))
    near = mix.with_plans([plan[heard] for plan in mix.plans])
    inner = slice(span.start - heard.start, span.stop - heard.start)
    around = given[:, heard].astype(np.int64)
    around[:, inner] = FREE
    seeds = seeds if span.stop < given.shape[1] else seeds[:1]
    blocks, n_done = [], 0
    for block in stream_codes(
        network, [near] * len(seeds), seeds=seeds, sampling=sampling, guidance=guidance, given=around
    ):
        blocks.append(block)
        n_done += block.shape[-1]
        if progress is not None:
            progress(n_done / near.n_frames)
    fillings = np.concatenate(blocks, axis=-1)
    best = 0
    if len(seeds) > 1:
        best = int(log_likelihoods(network, near, fillings, slice(inner.stop, near.n_frames)).argmax())
    found = given.astype(np.int64)
    found[:, span] = fillings[best][:, inner]
    return found


def log_likelihoods(network: StepNetwork, mix: PlanMix, codes: np.ndarray, frames: slice) -> np.ndarray:
    """How likely the codes of some frames are after those before them.

    Parameters
    ----------
    network : StepNetwork
        What has learned how codes follow each other.
    mix : PlanMix
        What the network is told, the same for every take.
    codes : np.ndarray of int, shape (n_takes, n_codebooks, n_frames)
        Takes.
    frames : slice
        Which frames count.

    Returns
    -------
    np.ndarray, shape (n_takes,), float64
        Mean natural logarithm of the probability of a code.
    """
    settings = network.settings
    n_takes, n_plans = len(codes), len(mix.plans)
    steps = delayed(codes.astype(np.int64), filler=settings.n_codes)
    counted = np.zeros((settings.n_codebooks, codes.shape[-1]), bool)
    counted[:, frames] = True
    counted = delayed(counted, filler=False)
    shares = np.array(mix.shares, np.float32)[:, np.newaxis, np.newaxis]
    memory = network.start(n_takes * n_plans)
    recent = np.full((n_takes, settings.recent_steps, settings.n_codebooks), settings.n_codes)
    total = np.zeros(n_takes)
    with one_blas_thread():
        planned = np.stack([network.told.of_plan(plan, 0, steps.shape[-1]) for plan in mix.plans])
        for step in range(steps.shape[-1]):
            told = network.told.of_codes(recent)[:, np.newaxis] + planned[np.newaxis, :, step]
            answers = memory.step(told.reshape(n_takes * n_plans, -1))
            if counted[:, step].any():
                logits = (answers.reshape(n_takes, n_plans, *answers.shape[1:]) * shares).sum(axis=1, dtype=np.float64)
                own = np.take_along_axis(logits, np.minimum(steps[:, :, step], settings.n_codes - 1)[..., None], -1)
                sure = own[..., 0] - np.logaddexp.reduce(logits, axis=-1)
                total += sure[:, counted[:, step]].sum(axis=1)
            recent[:, :-1], recent[:, -1] = recent[:, 1:].copy(), steps[:, :, step]
    return total / max(counted.sum(), 1)
