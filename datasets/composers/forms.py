"""Song forms as finite-state machines: a section leads to the next one by weight.

A clip is an excerpt: it may start in the middle of a song, but always at the start of a section.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from datasets.composers.song import Section


@dataclass(frozen=True)
class SectionKind:
    """A kind of section.

    Attributes
    ----------
    n_bars : int
        Its length.
    energy : float
        0 to 1, relative to the song's other sections.
    leads_to : mapping of str to float
        Weight of each section that may follow.
    """

    n_bars: int
    energy: float
    leads_to: Mapping[str, float]


Form = Mapping[str, SectionKind]


def sections(form: Form, start: str, n_bars: int, energy: float, rng: np.random.Generator) -> tuple[Section, ...]:
    """Sections from `start` on until `n_bars` are filled, the last one cut.

    Parameters
    ----------
    form : mapping of str to SectionKind
        The machine.
    start : str
        First section.
    n_bars : int
        Bars to fill, at least 1.
    energy : float
        Of the song, 0 to 1; a section's energy is moved towards it by half.
    rng : np.random.Generator
        What decides.
    """
    found, name, bar = [], start, 0
    while bar < n_bars:
        kind = form[name]
        length = min(kind.n_bars, n_bars - bar)
        found.append(Section(name, bar, length, round(0.5 * (kind.energy + energy), 3)))
        bar += length
        following, weights = zip(*kind.leads_to.items(), strict=True)
        name = following[int(rng.choice(len(following), p=np.array(weights) / sum(weights)))]
    return tuple(found)
