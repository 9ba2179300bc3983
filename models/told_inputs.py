"""What a network over codes is told at each step, in NumPy: codes, plan and conditions, as `prior.told` sums them."""

from collections.abc import Mapping

import numpy as np

from models.plan import FRAME_WIDTH, Plan, overall_width
from models.prior_settings import CodeSettings


class ToldInputs:
    """The first layers of a network over codes.

    Parameters
    ----------
    arrays : mapping of str to np.ndarray
        Of `prior.arrays_of`.
    settings : CodeSettings
        Of the network.

    Raises
    ------
    KeyError, ValueError
        If an array is missing or does not fit the settings.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], settings: CodeSettings) -> None:
        self._taps, self._back = settings.n_codebooks + settings.look_ahead, settings.n_codebooks - 1
        n_rows, width = settings.n_codebooks * (settings.n_codes + 1), arrays["plan_overall/bias"].size
        for name, shape in (
            ("embed_codes/embeddings", (n_rows, width)),
            ("recent_codes/kernel", (settings.recent_steps, width, width)),
            ("recent_codes/bias", (width,)),
            ("plan_frames/kernel", (self._taps, FRAME_WIDTH, width)),
            ("plan_frames/bias", (width,)),
            ("plan_overall/kernel", (overall_width(settings.n_genres), width)),
        ):
            if arrays[name].shape != shape:
                raise ValueError(f"{name} of shape {arrays[name].shape}, expected {shape}")
        self._table = arrays["embed_codes/embeddings"]
        self._offsets = np.arange(settings.n_codebooks) * (settings.n_codes + 1)
        self._recent = arrays["recent_codes/kernel"].reshape(-1, width), arrays["recent_codes/bias"]
        self._frames = arrays["plan_frames/kernel"].reshape(-1, width), arrays["plan_frames/bias"]
        self._overall = arrays["plan_overall/kernel"], arrays["plan_overall/bias"]

    def of_codes(self, codes: np.ndarray) -> np.ndarray:
        """What a step is told of the delayed codes before it.

        Parameters
        ----------
        codes : np.ndarray of int, shape (n_rows, recent_steps, n_codebooks)
            Of the last steps, the latest last; `n_codes` where there are none.

        Returns
        -------
        np.ndarray, shape (n_rows, width)
        """
        kernel, bias = self._recent
        embedded = self._table[codes + self._offsets].sum(axis=2)
        return np.matmul(embedded.reshape(len(codes), 1, -1), kernel)[:, 0] + bias

    def of_plan(self, plan: Plan, start: int, stop: int) -> np.ndarray:
        """What steps from `start` to before `stop` are told of the plan, (stop - start, width); beyond it, nothing."""
        first = start - self._back
        n_frames = stop - start + self._taps - 1
        frames = np.zeros((n_frames, plan.frames.shape[1]), np.float32)
        known = slice(max(first, 0), max(min(first + n_frames, plan.n_frames), 0))
        frames[known.start - first : known.stop - first] = plan.frames[known]
        around = np.lib.stride_tricks.sliding_window_view(frames, self._taps, axis=0)  # (step, value, tap)
        kernel, bias = self._frames
        told = around.swapaxes(1, 2).reshape(stop - start, -1) @ kernel + bias
        kernel, bias = self._overall
        return told + (plan.overall @ kernel + bias)
