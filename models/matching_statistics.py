"""For each place of a sequence, the longest run from there that also stands somewhere in a text: exact, in NumPy.

A suffix array puts all places of the text in the order of what follows them; what shares the longest run with a
sequence are then the two places that it would stand between. Symbols are whole numbers from 0 to n_symbols - 1. In a
text, `n_symbols` ends a part, and no run goes over it; in a sequence, `n_symbols + 1` stands for what matches nothing.

References
----------
Manber and Myers, "Suffix arrays: a new method for on-line string searches", SIAM J. Computing 22(5), 1993.
Chang and Lawler, "Sublinear approximate string matching and biological applications", Algorithmica 12, 1994.
"""

import numpy as np

from models.errors import ModelError


class MatchingStatistics:
    """A text in which the runs of sequences are found.

    Parameters
    ----------
    text : np.ndarray of int, shape (n,)
        The parts one after the other, each ended by `n_symbols`.
    n_symbols : int
        At most 2**30.
    suffixes : np.ndarray of int, shape (n,), optional
        Of `suffixes` of the same text, where they are known: they take some seconds for a million symbols.

    Raises
    ------
    ModelError
        If the text is not ended, holds other symbols, or `suffixes` are not its places.
    """

    def __init__(self, text: np.ndarray, *, n_symbols: int, suffixes: np.ndarray | None = None) -> None:
        if text.ndim != 1 or text.size == 0 or text.dtype.kind not in "iu" or text[-1] != n_symbols:
            raise ModelError(f"text {text.dtype} {text.shape}: expected whole numbers (n,) that end with {n_symbols}")
        if not 0 <= text.min() <= text.max() <= n_symbols:
            raise ModelError(f"text of {text.min()} to {text.max()}: expected 0 to {n_symbols}")
        self.n_symbols = n_symbols
        self._bits = (n_symbols + 2).bit_length()
        self._per_word = 63 // self._bits
        self._words = self._packed(text, filler=-1)
        self.suffixes = self._sorted() if suffixes is None else suffixes
        if self.suffixes.shape != text.shape or not 0 <= self.suffixes.min() <= self.suffixes.max() < text.size:
            raise ModelError(f"suffixes of shape {self.suffixes.shape}: expected the {text.size} places of the text")

    def __call__(self, sequence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The longest runs.

        Parameters
        ----------
        sequence : np.ndarray of int, shape (m,)
            Symbols, or `n_symbols + 1` where nothing matches.

        Returns
        -------
        lengths, places : np.ndarray of int, shape (m,)
            Symbols of the longest run from each place on, and where in the text one such run begins; the place means
            nothing where the length is 0.
        """
        words = self._packed(np.append(sequence, self.n_symbols + 1), filler=self.n_symbols + 1)
        n = len(sequence)
        # of the suffixes before `low`, all are smaller; from `high` on, all are larger; what the sequence has in
        # common with the last and the first of those, it has in common with all between them
        low, high = np.zeros(n, np.int64), np.full(n, len(self.suffixes))
        common_low, common_high = np.zeros(n, np.int64), np.zeros(n, np.int64)
        while (open_ := np.flatnonzero(low < high)).size:
            middle = (low[open_] + high[open_]) // 2
            known = np.minimum(common_low[open_], common_high[open_])
            common, smaller = self._compared(self.suffixes[middle], words, open_, known)
            low[open_[smaller]], common_low[open_[smaller]] = middle[smaller] + 1, common[smaller]
            high[open_[~smaller]], common_high[open_[~smaller]] = middle[~smaller], common[~smaller]
        before = common_low >= common_high
        nearest = np.where(before, low - 1, high).clip(0, len(self.suffixes) - 1)
        return np.maximum(common_low, common_high), self.suffixes[nearest]

    def _compared(
        self, places: np.ndarray, words: np.ndarray, starts: np.ndarray, known: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Symbols that the text from `places` on and a sequence from `starts` on have in common, of which `known` are
        known; and whether the text is the smaller. They differ at the latest where the sequence ends.
        """
        common, smaller = known.copy(), np.empty(len(known), bool)
        going = np.arange(len(known))
        while going.size:
            ours, theirs = self._words[places[going] + common[going]], words[starts[going] + common[going]]
            equal = ours == theirs
            ended, difference = going[~equal], (ours ^ theirs)[~equal]
            smaller[ended] = (ours < theirs)[~equal]
            common[ended] += sum(
                (difference >> (self._bits * k) == 0).astype(np.int64) for k in range(1, self._per_word)
            )
            going = going[equal]
            common[going] += self._per_word
        return common, smaller

    def _packed(self, symbols: np.ndarray, *, filler: int) -> np.ndarray:
        """At each place the next symbols as one number: comparing two compares several symbols at once.

        After the end stands `filler`: -1, less than all symbols, makes all suffixes of a text differ.
        """
        padded = np.concatenate([symbols.astype(np.int64), np.full(self._per_word - 1, filler)]) + 1
        words = np.zeros(len(symbols), np.int64)
        for k in range(self._per_word):
            words = words << self._bits | padded[k : k + len(symbols)]
        return words

    def _sorted(self) -> np.ndarray:
        """The suffix array, by doubling: places in the order of their next 2, 4, 8, ... words."""
        n, span = len(self._words), self._per_word
        ranks = np.unique(self._words, return_inverse=True)[1]
        while ranks.max() < n - 1:
            next_ranks = np.zeros(n, np.int64)  # 0 where the text has ended
            next_ranks[: max(0, n - span)] = ranks[span:] + 1
            ranks = np.unique(ranks * (n + 1) + next_ranks, return_inverse=True)[1]
            span *= 2
        suffixes = np.empty(n, np.int32)
        suffixes[ranks] = np.arange(n, dtype=np.int32)
        return suffixes
