"""How much of a clip's codes stands in the training material: the proof that a clip copies nothing.

A shared run is a run of consecutive frames whose coarse codes, those of the first codebooks, stand in the same order
somewhere in a training clip. The finer codebooks only say what the coarse ones left over: a copy with another noise
in it has other fine codes and the same coarse ones, so that they would hide it. The search is exact: it finds the
longest such run, not a likely one.

A steady sound repeats one code, and matches every other steady sound: it says nothing about where it comes from.
Stretches of one code therefore count at most `STEADY_FRAMES`, in the clip and in the training material: both are
shortened to that before they are compared. So a run never counts more than it lasts, silence counts next to nothing,
and a copy does not get away by holding a note longer.

A recording that is encoded again 1 dB softer, or from half a frame later, has another code now and then, and its
runs are short. It is still the same passage: most of its frames agree, place for place. So the passages that clip and
training material could have in common are compared frame by frame, too. Those are found by their runs, hence likely
and not surely all of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from features.log_mel import FRAMES_PER_S
from models.errors import ModelError
from models.matching_statistics import MatchingStatistics
from models.model_folder import load_weights, save_model

KIND = "originality"
LIMIT_S = 3.0  # of the longest shared run
NGRAM_FRAMES = 8
STEADY_FRAMES = 8  # 0.19 s
PASSAGE_S = 3.0
PASSAGE_LIMIT = 0.5  # share of its frames that agree: 0.55 or more where it is encoded again, 0.33 in other music
SEED_FRAMES = 4  # a shared run from there on tells of a passage
N_PASSAGES = 64  # that are compared
N_COMPARED = 1  # codebooks
N_CODES = 1024


@dataclass(frozen=True)
class Originality:
    """What a clip shares with the training material.

    Attributes
    ----------
    longest_run_s : float
        Length of the longest shared run, in which a stretch of one code counts at most `STEADY_FRAMES`.
    longest_run_of : str or None
        The training clip that it stands in (one of them); None where it is shorter than `NGRAM_FRAMES`.
    longest_run_at_s : tuple of float, or None
        Where it begins in the clip, and in the training clip.
    shared_ngrams : float
        Share, 0 to 1, of the runs of `NGRAM_FRAMES` frames that stand somewhere in the training material, among those
        that are not one code repeated; 0 where there are none.
    passage_share : float
        Share, 0 to 1, of `PASSAGE_S` in which the clip agrees with one training passage, frame by frame, most.
    passage_of : str or None
        The training clip that it stands in; None where nothing agrees.
    """

    longest_run_s: float
    longest_run_of: str | None
    longest_run_at_s: tuple[float, float] | None
    shared_ngrams: float
    passage_share: float
    passage_of: str | None

    @property
    def accepted(self) -> bool:
        """Whether the longest run stays within `LIMIT_S`, and no passage agrees by more than `PASSAGE_LIMIT`."""
        return self.problem is None

    @property
    def problem(self) -> str | None:
        """What is copied, for people; None where nothing is."""
        if self.longest_run_s > LIMIT_S:
            return f"{self.longest_run_s:.1f} s are those of the training clip {self.longest_run_of}"
        if self.passage_share > PASSAGE_LIMIT:
            return f"{self.passage_share:.0%} of {PASSAGE_S:g} s are those of the training clip {self.passage_of}"
        return None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "longest_run_s": round(self.longest_run_s, 3),
            "longest_run_of": self.longest_run_of,
            "longest_run_at_s": self.longest_run_at_s and [round(at_s, 3) for at_s in self.longest_run_at_s],
            "shared_ngrams": round(self.shared_ngrams, 4),
            "passage_share": round(self.passage_share, 4),
            "passage_of": self.passage_of,
            "limit_s": LIMIT_S,
            "passage_limit": PASSAGE_LIMIT,
            "accepted": self.accepted,
        }


class OriginalityIndex:
    """The training material, to compare clips with.

    Parameters
    ----------
    arrays : dict of np.ndarray
        As `save` writes them.

    Raises
    ------
    ModelError
        If an array is missing, or they do not fit together.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        try:
            text, suffixes, skipped = (arrays[name] for name in ("text", "suffixes", "skipped"))
            self.ids = tuple(str(name) for name in arrays["ids"])
            self.n_codes, self.n_compared = int(arrays["n_codes"]), int(arrays["n_compared"])
            self.frames_per_s = float(arrays["frames_per_s"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"no originality index: {error!r}") from error
        if skipped.shape != text.shape:
            raise ModelError(f"no originality index: {skipped.shape} frames skipped in a text of {text.shape}")
        self._arrays = arrays
        self._find = MatchingStatistics(text, n_symbols=self.n_codes**self.n_compared, suffixes=suffixes)
        ends = np.flatnonzero(text == self._find.n_symbols)
        if len(ends) != len(self.ids):
            raise ModelError(f"no originality index: {len(ends)} clips of {len(self.ids)} names")
        self._starts = np.concatenate([[0], ends[:-1] + 1])
        self._frames = np.arange(text.size) + np.cumsum(skipped, dtype=np.int64)

    @classmethod
    def build(
        cls,
        clips: Iterable[tuple[str, np.ndarray]],
        *,
        n_codes: int = N_CODES,
        n_compared: int = N_COMPARED,
        frames_per_s: float = FRAMES_PER_S,
    ) -> Self:
        """Index of training clips.

        Parameters
        ----------
        clips : iterable of (str, np.ndarray)
            Name and codes, int (n_codebooks, n_frames) from 0 to n_codes - 1, of each.
        n_codes : int
            Entries of a codebook.
        n_compared : int
            How many codebooks, from the first, must agree: 1 to 3.
        frames_per_s : float
            Rate of the codes.

        Raises
        ------
        ModelError
            If there is no clip, a name comes twice, or codes are none.
        """
        if not 1 <= n_compared <= 3:
            raise ModelError(f"n_compared={n_compared}: expected 1 to 3 codebooks")
        if not 2 <= n_codes <= N_CODES:
            raise ModelError(f"n_codes={n_codes}: expected 2 to {N_CODES}")
        n_symbols = n_codes**n_compared
        ids: list[str] = []
        text, skipped = [], []
        for name, codes in clips:
            symbols = _symbols(codes, n_codes=n_codes, n_compared=n_compared)
            kept = _kept(symbols)
            ids.append(name)
            text.append(np.append(symbols[kept], n_symbols))
            skipped.append(np.append(np.diff(kept, prepend=-1) - 1, 0))
        if len(set(ids)) < len(ids) or not ids:
            raise ModelError(f"{len(ids)} clips of {len(set(ids))} names: expected at least one, and each once")
        symbols = np.concatenate(text).astype(np.uint16 if n_symbols < 2**16 else np.uint32)
        return cls(
            {
                "ids": np.array(ids),
                "text": symbols,
                "suffixes": MatchingStatistics(symbols, n_symbols=n_symbols).suffixes,
                "skipped": np.concatenate(skipped).astype(np.uint32),
                "n_codes": np.array(n_codes),
                "n_compared": np.array(n_compared),
                "frames_per_s": np.array(frames_per_s),
            }
        )

    def save(self, folder: Path, card: dict[str, Any]) -> dict[str, Any]:
        """Write a model folder; the card needs `name`, `version` and `created`. Returns the card as written."""
        return save_model(folder, card | {"kind": KIND, "n_clips": len(self.ids)}, self._arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The index of a model folder.

        Raises
        ------
        ModelError
            If the folder holds none; IntegrityError if its arrays are not those that the card names.
        """
        return cls(load_weights(folder, kind=KIND)[1])

    def report(self, codes: np.ndarray, *, given: slice | np.ndarray | None = None) -> Originality:
        """Compare a clip with the training material.

        Parameters
        ----------
        codes : np.ndarray of int, shape (n_codebooks, n_frames)
            Of the clip.
        given : slice, or np.ndarray of bool of shape (n_frames,), optional
            Frames that somebody brought along: what they share is not the generator's doing, and no run goes over
            them.
        """
        symbols = _symbols(codes, n_codes=self.n_codes, n_compared=self.n_compared)
        if given is not None:
            if not isinstance(given, slice) and (given.dtype != bool or given.shape != symbols.shape):
                raise ModelError(f"given frames {given.dtype} {given.shape}: expected bool {symbols.shape}")
            symbols[given] = self._find.n_symbols + 1
        kept = _kept(symbols)
        symbols = symbols[kept]
        lengths, places = self._find(symbols)
        passage_share, passage_place = self._likest_passage(symbols, lengths, places)
        at = int(lengths.argmax())
        longest, place = int(lengths[at]), int(places[at])
        named = longest >= NGRAM_FRAMES
        frame = self._frames[place] - self._frames[self._starts[self._clip_of(place)]]
        return Originality(
            longest_run_s=longest / self.frames_per_s,
            longest_run_of=self.ids[self._clip_of(place)] if named else None,
            longest_run_at_s=(float(kept[at] / self.frames_per_s), float(frame / self.frames_per_s)) if named else None,
            shared_ngrams=self._shared_ngrams(symbols, lengths),
            passage_share=passage_share,
            passage_of=self.ids[self._clip_of(passage_place)] if passage_share else None,
        )

    def _clip_of(self, place: int) -> int:
        """Which training clip a place of the text is in."""
        return int(np.searchsorted(self._starts, place, side="right")) - 1

    def _likest_passage(self, symbols: np.ndarray, lengths: np.ndarray, places: np.ndarray) -> tuple[float, int]:
        """Share of a passage that agrees with the text, of the likest one, and the place in the text where it ends."""
        seeds = np.flatnonzero(lengths >= SEED_FRAMES)
        if not seeds.size:
            return 0.0, 0
        shifts, which = np.unique(places[seeds] - seeds, return_inverse=True)  # from the clip to the text
        told = np.bincount(which, weights=lengths[seeds])
        shifts = shifts[np.argsort(-told, kind="stable")[:N_PASSAGES]]
        text = self._arrays["text"]
        across = shifts[:, None] + np.arange(len(symbols))
        agrees = (text[across.clip(0, len(text) - 1)] == symbols) & (across >= 0) & (across < len(text))
        n_frames = round(PASSAGE_S * self.frames_per_s)
        until = np.cumsum(np.pad(agrees, ((0, 0), (n_frames, 0))), axis=1)
        shares = (until[:, n_frames:] - until[:, :-n_frames]) / n_frames  # of the passage that ends there
        best, end = np.unravel_index(shares.argmax(), shares.shape)
        end = int(np.flatnonzero(agrees[best, : end + 1])[-1])  # a place that agrees lies in the training clip
        return float(shares[best, end]), int(across[best, end])

    def _shared_ngrams(self, symbols: np.ndarray, lengths: np.ndarray) -> float:
        if len(symbols) < NGRAM_FRAMES:
            return 0.0
        ngrams = np.lib.stride_tricks.sliding_window_view(symbols, NGRAM_FRAMES)
        counted = (ngrams.min(axis=1) < ngrams.max(axis=1)) & (ngrams.max(axis=1) <= self._find.n_symbols)
        shared = lengths[: len(ngrams)] >= NGRAM_FRAMES
        return float(shared[counted].mean()) if counted.any() else 0.0


def _symbols(codes: np.ndarray, *, n_codes: int, n_compared: int) -> np.ndarray:
    """The coarse codes of each frame as one number."""
    if codes.ndim != 2 or len(codes) < n_compared or not codes.shape[1] or codes.dtype.kind not in "iu":
        raise ModelError(f"codes {codes.dtype} {codes.shape}: expected whole numbers ({n_compared} or more, frames)")
    if not 0 <= codes.min() <= codes.max() < n_codes:
        raise ModelError(f"codes from {codes.min()} to {codes.max()}: expected 0 to {n_codes - 1}")
    symbols = codes[0].astype(np.int64)
    for row in codes[1:n_compared]:
        symbols = symbols * n_codes + row
    return symbols


def _kept(symbols: np.ndarray) -> np.ndarray:
    """Places that are left where each stretch of one symbol is shortened to `STEADY_FRAMES`."""
    place = np.arange(len(symbols))
    starts = np.where(np.diff(symbols, prepend=-1) != 0, place, 0)
    return np.flatnonzero(place - np.maximum.accumulate(starts) < STEADY_FRAMES)
