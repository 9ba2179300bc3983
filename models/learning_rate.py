"""Learning rates by step."""

import math


def warmed_cosine(highest: float, step: int, *, n_steps: int, n_warm: int) -> float:
    """Up in a straight line over the first steps, then down along half a cosine.

    Parameters
    ----------
    highest : float
        What is reached.
    step : int
        From 0.
    n_steps, n_warm : int
        Of the whole training, and of its rise, at least 1.

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    """
    if step < n_warm:
        return highest * (step + 1) / n_warm
    return highest * 0.5 * (1 + math.cos(math.pi * (step - n_warm) / max(1, n_steps - n_warm)))


def cosine_by_share(highest: float, step: int, *, share: float, n_warm: int) -> float:
    """The same where the clock may end a training: it falls by the share of it that is done.

    Parameters
    ----------
    highest : float
        What the rate comes close to.
    step : int
        From 0; over the first `n_warm` steps, at least 1, it rises.
    share : float
        Of the training that is done; beyond 1 the rate stays at zero.
    n_warm : int
        Steps.
    """
    rise = min(1.0, (step + 1) / n_warm)
    return highest * rise * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
