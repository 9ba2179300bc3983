"""A form is walked from section to section, and fills its bars exactly."""

from itertools import pairwise

import numpy as np
import pytest

from datasets.composers.forms import SectionKind, sections

SONG = {
    "verse": SectionKind(8, 0.4, {"chorus": 1}),
    "chorus": SectionKind(8, 0.8, {"verse": 1}),
}
CHOICE = {"a": SectionKind(1, 0.5, {"a": 3, "b": 1, "never": 0}), "b": SectionKind(1, 0.5, {"a": 1})}


@pytest.mark.parametrize("n_bars", [1, 7, 8, 9, 16, 33])
def test_sections_fill_the_bars_without_gaps_and_the_last_is_cut(n_bars, rng):
    found = sections(SONG, "verse", n_bars, 0.5, rng)
    assert [bar for each in found for bar in range(each.start_bar, each.start_bar + each.n_bars)] == list(range(n_bars))
    assert [each.name for each in found] == (["verse", "chorus"] * 3)[: len(found)]
    assert all(each.n_bars == 8 for each in found[:-1])


def test_a_section_is_half_as_energetic_as_it_is_and_half_as_the_song(rng):
    quiet = sections(SONG, "chorus", 16, 0.0, rng)
    loud = sections(SONG, "chorus", 16, 1.0, rng)
    assert [each.energy for each in quiet] == [0.4, 0.2]
    assert [each.energy for each in loud] == [0.9, 0.7]


def test_a_section_leads_to_the_next_by_weight(rng):
    names = [each.name for each in sections(CHOICE, "a", 4000, 0.5, rng)]
    after_a = [after for before, after in pairwise(names) if before == "a"]
    assert set(after_a) == {"a", "b"}
    assert abs(after_a.count("a") / len(after_a) - 0.75) < 0.04


def test_the_same_generator_walks_the_same_way():
    first, again = (sections(CHOICE, "a", 50, 0.5, np.random.default_rng(3)) for _ in range(2))
    assert first == again
