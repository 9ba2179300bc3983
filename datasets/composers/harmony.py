"""Chord grammars: rewriting rules whose terminals are Roman numerals.

A grammar starts from one symbol and replaces every symbol that has rules by one of its expansions, drawn by weight,
until only chords are left (Steedman, "A generative grammar for jazz chord sequences", Music Perception 2(1), 1984, is
the best known). "ii7:2" lasts two beats; a chord without a number lasts a bar.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from datasets.composers.theory import Chord, roman
from datasets.errors import DatasetError

MAX_DEPTH = 32
Rules = Mapping[str, Sequence[tuple[float, str]]]  # symbol: weight and expansion, symbols apart by spaces


@dataclass(frozen=True)
class ChordSpan:
    """A chord and when it sounds, in beats from the start of the piece."""

    chord: Chord
    start: float
    duration: float
    symbol: str = ""

    @property
    def end(self) -> float:
        """Beat at which it ends."""
        return self.start + self.duration


def expand(rules: Rules, start: str, rng: np.random.Generator) -> list[str]:
    """Terminals that a grammar derives from a symbol.

    Raises
    ------
    DatasetError
        If the rules never end within `MAX_DEPTH` replacements of one symbol by another.
    """
    return _expand(rules, start, rng, depth=0)


def progression(
    symbols: Sequence[str], tonic: int, *, beats_per_bar: int = 4, start_beat: float = 0.0
) -> list[ChordSpan]:
    """Chords of Roman numerals one after the other, from `start_beat` on."""
    spans, beat = [], start_beat
    for symbol in symbols:
        numeral, _, length = symbol.partition(":")
        duration = float(length) if length else float(beats_per_bar)
        spans.append(ChordSpan(roman(numeral, tonic), beat, duration, numeral))
        beat += duration
    return spans


def repeated(symbols: Sequence[str], n_bars: int, *, beats_per_bar: int = 4) -> list[str]:
    """The sequence over and over until it fills `n_bars`, the last chord cut to fit."""
    filled: list[str] = []
    left = float(n_bars * beats_per_bar)
    while left > 0:
        for symbol in symbols:
            numeral, _, length = symbol.partition(":")
            duration = min(float(length) if length else float(beats_per_bar), left)
            if duration > 0:
                filled.append(f"{numeral}:{duration:g}")
            left -= duration
    return filled


def chord_at(spans: Sequence[ChordSpan], beat: float) -> Chord:
    """The chord that sounds at a beat; the last one after the end."""
    for span in spans:
        if beat < span.end - 1e-9:
            return span.chord
    return spans[-1].chord


def _expand(rules: Rules, symbol: str, rng: np.random.Generator, *, depth: int) -> list[str]:
    if symbol not in rules:
        return [symbol]
    if depth > MAX_DEPTH:
        raise DatasetError(f"the chord grammar does not end: {symbol} is {depth} rules deep")
    weights = np.array([weight for weight, _ in rules[symbol]], dtype=float)
    _, chosen = rules[symbol][int(rng.choice(len(weights), p=weights / weights.sum()))]
    return [terminal for part in chosen.split() for terminal in _expand(rules, part, rng, depth=depth + 1)]
