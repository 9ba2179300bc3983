"""A Markov baseline: n-grams of codes for each genre, which back off to shorter contexts and to all genres.

The first codebook of a frame follows its own last codes; every other one follows the codebook before it in the same
frame, then its own code of the frame before. Contexts that were not seen, or seldom, lend their probability to the
next shorter one (Witten-Bell), down to all codes alike.

References
----------
Witten and Bell, "The zero-frequency problem", IEEE Transactions on Information Theory 37(4), 1991.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.errors import ModelError
from models.prior_settings import CodeSettings
from models.sampling import Sampling, draw
from models.setting_ranges import check_ranges


@dataclass(frozen=True)
class NgramSettings(CodeSettings):
    """Shape of an n-gram model.

    Attributes
    ----------
    order : int
        Codes of the first codebook that the next one follows.
    """

    order: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, order=(1, 8))
        if self.n_genres * (self.n_codes + 1) ** (max(self.order, 2) + 1) >= 2**63:
            raise ModelError(f"order={self.order}: too long for {self.n_codes} codes, expected less")


@dataclass(frozen=True)
class _Counts:
    """How often codes followed contexts of one kind: (context, code) pairs in ascending order, and totals."""

    pairs: np.ndarray
    counts: np.ndarray
    n_codes: int

    @classmethod
    def of(cls, contexts: np.ndarray, codes: np.ndarray, n_codes: int) -> "_Counts":
        pairs, counts = np.unique(contexts * n_codes + codes, return_counts=True)
        return cls(pairs, counts, n_codes)

    def followers(self, contexts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First and last place (excluded) of each context's pairs."""
        first = np.searchsorted(self.pairs, contexts * self.n_codes)
        return first, np.searchsorted(self.pairs, (contexts + 1) * self.n_codes)

    def blend(self, contexts: np.ndarray, codes: np.ndarray, shorter: np.ndarray) -> np.ndarray:
        """Probabilities of codes after contexts, where a shorter context gives `shorter`; all (n,)."""
        first, stop = self.followers(contexts)
        ends = np.append(0, np.cumsum(self.counts))
        total, kinds = ends[stop] - ends[first], stop - first
        wanted = contexts * self.n_codes + codes
        place = np.minimum(np.searchsorted(self.pairs, wanted), len(self.pairs) - 1)
        seen = np.where(self.pairs[place] == wanted, self.counts[place], 0)
        return (seen + kinds * shorter) / np.maximum(total + kinds, 1) + (kinds == 0) * shorter

    def blend_all(self, context: int, shorter: np.ndarray) -> np.ndarray:
        """Probabilities of all codes after one context, (n_codes,)."""
        (first,), (stop,) = self.followers(np.array([context]))
        if first == stop:
            return shorter
        seen = np.zeros(self.n_codes)
        seen[self.pairs[first:stop] - context * self.n_codes] = self.counts[first:stop]
        return (seen + (stop - first) * shorter) / (seen.sum() + stop - first)


class Ngrams:
    """Counted n-grams."""

    def __init__(self, settings: NgramSettings, counts: Sequence[Sequence[_Counts]]) -> None:
        self.settings = settings
        self._counts = counts  # for each codebook, from the shortest context to the longest

    @classmethod
    def fit(cls, clips: Sequence[np.ndarray], genres: Sequence[int], settings: NgramSettings) -> "Ngrams":
        """Count.

        Parameters
        ----------
        clips : sequence of np.ndarray, each (n_codebooks, n_frames)
            Codes.
        genres : sequence of int
            Of each clip, 0 to below n_genres.
        settings : NgramSettings
            Shape.

        Raises
        ------
        ModelError
            If there is nothing to count, or codes or genres are not as the settings say.
        """
        if not clips or len(clips) != len(genres):
            raise ModelError(f"{len(clips)} clips with {len(genres)} genres: expected one or more, and as many genres")
        for clip, genre in zip(clips, genres, strict=True):
            _check(clip, genre, settings)
        counts = []
        for k in range(settings.n_codebooks):
            each = [
                _contexts(clip.astype(np.int64), genre, k, settings) for clip, genre in zip(clips, genres, strict=True)
            ]
            codes = np.concatenate([clip[k].astype(np.int64) for clip in clips])
            counts.append(
                [_Counts.of(np.concatenate(kind), codes, settings.n_codes) for kind in zip(*each, strict=True)]
            )
        return cls(settings, counts)

    def bits(self, clip: np.ndarray, genre: int) -> np.ndarray:
        """Surprise of a clip, (n_codebooks,): mean bits that a code of each codebook takes.

        Raises
        ------
        ModelError
            If codes or genre are not as the settings say.
        """
        _check(clip, genre, self.settings)
        clip = clip.astype(np.int64)
        found = []
        for k, kinds in enumerate(self._counts):
            probabilities = np.full(clip.shape[1], 1 / self.settings.n_codes)
            for contexts, counts in zip(_contexts(clip, genre, k, self.settings), kinds, strict=True):
                probabilities = counts.blend(contexts, clip[k], probabilities)
            found.append(-np.log2(probabilities).mean())
        return np.array(found)

    def generate(
        self,
        genre_mix: Sequence[float] | np.ndarray,
        n_frames: int,
        *,
        seed: int,
        sampling: Sampling = Sampling(),
        prompt: np.ndarray | None = None,
    ) -> np.ndarray:
        """Make codes.

        Parameters
        ----------
        genre_mix : sequence of float, shape (n_genres,)
            Shares that sum to 1: each code is drawn from the genres' mixed probabilities.
        n_frames : int
            Length, with the prompt.
        seed : int
            Of what is drawn.
        sampling : Sampling
            How codes are drawn.
        prompt : np.ndarray, shape (n_codebooks, n), optional
            Codes to go on from.

        Returns
        -------
        np.ndarray of int, shape (n_codebooks, n_frames)
        """
        shares = np.asarray(genre_mix, np.float64)
        if shares.shape != (self.settings.n_genres,) or not np.isclose(shares.sum(), 1) or (shares < 0).any():
            raise ModelError(f"genre mix {genre_mix!r}: expected {self.settings.n_genres} shares that sum to 1")
        codes = np.zeros((self.settings.n_codebooks, n_frames), np.int64)
        n_given = 0
        if prompt is not None:
            _check(prompt, 0, self.settings)
            n_given = min(prompt.shape[1], n_frames)
            codes[:, :n_given] = prompt[:, :n_given]
        temperatures = sampling.temperatures(self.settings.n_codebooks)
        rng = np.random.default_rng(seed)
        sounding = np.flatnonzero(shares)
        for frame in range(n_given, n_frames):
            recent = codes[:, max(frame - self.settings.order, 0) : frame + 1]
            for k in range(self.settings.n_codebooks):
                mixed = sum(shares[genre] * self._distribution(recent, int(genre), k) for genre in sounding)
                of_codebook = Sampling(float(temperatures[k]), sampling.top_k, sampling.top_p)
                code = draw(np.log(mixed)[np.newaxis], rng.random(1), of_codebook)
                recent[k, -1] = code[0]  # a view of `codes`
        return codes

    def arrays(self) -> dict[str, np.ndarray]:
        """What has been counted, for a model folder."""
        return {
            f"codebook_{k}/context_{i}/{name}": array
            for k, kinds in enumerate(self._counts)
            for i, each in enumerate(kinds)
            for name, array in (("pairs", each.pairs), ("counts", each.counts))
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], settings: NgramSettings) -> "Ngrams":
        """The model of `arrays`. Raises ModelError where one is missing."""
        counts = []
        try:
            for k in range(settings.n_codebooks):
                names = [f"codebook_{k}/context_{i}" for i in range(_n_contexts(k, settings))]
                counts.append(
                    [_Counts(arrays[f"{name}/pairs"], arrays[f"{name}/counts"], settings.n_codes) for name in names]
                )
        except KeyError as error:
            raise ModelError(f"no n-grams: {error} is missing") from error
        return cls(settings, counts)

    def _distribution(self, recent: np.ndarray, genre: int, k: int) -> np.ndarray:
        probabilities = np.full(self.settings.n_codes, 1 / self.settings.n_codes)
        for contexts, counts in zip(_contexts(recent, genre, k, self.settings), self._counts[k], strict=True):
            probabilities = counts.blend_all(int(contexts[-1]), probabilities)
        return probabilities


def _check(clip: np.ndarray, genre: int, settings: NgramSettings) -> None:
    if clip.ndim != 2 or len(clip) != settings.n_codebooks or not clip.shape[1]:
        raise ModelError(f"codes of shape {clip.shape}: expected ({settings.n_codebooks}, n_frames)")
    if not 0 <= clip.min() <= clip.max() < settings.n_codes:
        raise ModelError(f"codes from {clip.min()} to {clip.max()}: expected 0 to below {settings.n_codes}")
    if not 0 <= genre < settings.n_genres:
        raise ModelError(f"genre {genre}: expected 0 to below {settings.n_genres}")


def _n_contexts(k: int, settings: NgramSettings) -> int:
    return 2 + (settings.order if k == 0 else 2)


def _contexts(clip: np.ndarray, genre: int, k: int, settings: NgramSettings) -> list[np.ndarray]:
    """What codebook k follows in each frame, as numbers, from the shortest context to the longest.

    None at all; the genre; then one more code each.
    """
    n_frames = clip.shape[1]
    if k == 0:
        followed = [_earlier(clip[0], back, settings.n_codes) for back in range(1, settings.order + 1)]
    else:
        followed = [clip[k - 1], _earlier(clip[k], 1, settings.n_codes)]
    found = [np.zeros(n_frames, np.int64), np.full(n_frames, genre, np.int64)]
    for codes in followed:
        found.append(found[-1] * (settings.n_codes + 1) + codes)
    return found


def _earlier(codes: np.ndarray, back: int, filler: int) -> np.ndarray:
    """The code of `back` frames before each; the filler before the first."""
    return np.concatenate([np.full(back, filler), codes])[: len(codes)]
