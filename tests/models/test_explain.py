"""What moved the decision, with heads whose decision is known: by its best window, or by the mean of all."""

import numpy as np
import pytest

from models.classification import Evidence
from models.explain import MAX_STRETCHES, MIN_EFFECT, effects, evidence


class ByMean:
    """Tag 0 is the probability of the first genre; a recording is the mean of its windows."""

    def track_probabilities(self, taggram: np.ndarray) -> np.ndarray:
        p = taggram[:, 0].mean()
        return np.array([p, 1 - p])


class ByBest:
    """The window with the most of tag 0 decides alone."""

    def track_probabilities(self, taggram: np.ndarray) -> np.ndarray:
        p = taggram[:, 0].max()
        return np.array([p, 1 - p])


def windows(*p: float) -> np.ndarray:
    return np.array(p)[:, np.newaxis]


def found(head, *p: float, sounding: list[bool] | None = None, duration_s: float = 1000.0, top: int = 3):
    sounds = np.ones(len(p), bool) if sounding is None else np.array(sounding)
    return evidence(head, windows(*p), sounding=sounds, duration_s=duration_s, top=top)


def test_each_window_has_what_the_genre_loses_without_it():
    p = np.array([0.9, 0.5, 0.8, 0.6, 0.7])
    whole = p.mean()
    expected = [whole - np.delete(p, i).mean() for i in range(len(p))]
    np.testing.assert_allclose(effects(ByMean(), windows(*p)), expected, atol=1e-12)


def test_the_genre_that_is_asked_for_is_the_one_of_the_whole():
    p = np.array([0.1, 0.4, 0.2])  # the second genre wins: what speaks for it is a low value of tag 0
    expected = [(1 - p.mean()) - (1 - np.delete(p, i).mean()) for i in range(len(p))]
    np.testing.assert_allclose(effects(ByMean(), windows(*p)), expected, atol=1e-12)
    assert effects(ByMean(), windows(*p))[0] > 0 > effects(ByMean(), windows(*p))[1]


def test_a_window_that_decides_alone_has_all_the_effect():
    np.testing.assert_allclose(effects(ByBest(), windows(0.6, 0.6, 0.9, 0.6)), [0, 0, 0.3, 0], atol=1e-12)


@pytest.mark.parametrize("n_windows", [0, 1])
def test_what_cannot_be_left_out_has_no_effect(n_windows):
    class Deaf:
        def track_probabilities(self, taggram: np.ndarray) -> np.ndarray:
            raise AssertionError("nothing is left to be asked about")

    np.testing.assert_array_equal(effects(Deaf(), np.full((n_windows, 1), 0.9)), np.zeros(n_windows))


def test_windows_that_are_all_alike_move_nothing():
    np.testing.assert_allclose(effects(ByMean(), windows(*[0.8] * 7)), 0, atol=1e-12)
    assert found(ByMean(), *[0.8] * 7) == ()


def test_a_long_recording_is_asked_about_in_stretches_whose_windows_share_evenly(rng):
    n_windows = 3 * MAX_STRETCHES
    p = rng.uniform(0.5, 1, n_windows)
    asked = []

    class Counted(ByMean):
        def track_probabilities(self, taggram: np.ndarray) -> np.ndarray:
            asked.append(len(taggram))
            return super().track_probabilities(taggram)

    of_window = effects(Counted(), windows(*p))
    assert asked == [n_windows, *[n_windows - 3] * MAX_STRETCHES]
    for first in range(0, n_windows, 3):
        lost = p.mean() - np.delete(p, [first, first + 1, first + 2]).mean()
        np.testing.assert_allclose(of_window[first : first + 3], lost / 3, atol=1e-12)


def test_the_window_that_decides_is_the_evidence():
    assert found(ByBest(), 0.6, 0.6, 0.9, 0.6, 0.6) == (Evidence(3.0, 6.0, 0.3),)


def test_a_window_that_speaks_against_the_genre_has_a_negative_effect():
    (against,) = found(ByMean(), 1.0, 1.0, 1.0, 1.0, 0.0)
    assert (against.start_s, against.end_s) == (6.0, 9.0)
    assert against.effect == pytest.approx(-0.2)  # 0.8 with it, 1.0 without it


def test_neighbours_that_pull_one_way_are_one_stretch_and_silence_parts_them():
    (stretch,) = found(ByMean(), 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5)
    assert (stretch.start_s, stretch.end_s) == (0.0, 6.0)
    assert stretch.effect == pytest.approx(3 * (5 / 7 - 4 / 6), abs=1e-4)
    p = (1.0, 1.0, 0.0, 1.0, 0.5, 0.5, 0.5, 0.5)
    sounding = [True, True, False, *[True] * 5]  # the third of these windows is silent and counts for nothing
    stretches = found(ByMean(), *p, sounding=sounding)
    assert [(each.start_s, each.end_s) for each in stretches] == [(0.0, 4.5), (4.5, 7.5)]
    assert sum(each.effect for each in stretches) == pytest.approx(stretch.effect, abs=1e-4)


def test_neighbours_that_pull_two_ways_are_two_stretches():
    for_it, against = sorted(found(ByMean(), 1.0, 0.0, *[0.7] * 8), key=lambda each: each.start_s)
    assert (for_it.start_s, for_it.end_s, against.start_s, against.end_s) == (0.0, 3.0, 1.5, 4.5)
    assert for_it.effect > 0 > against.effect


def test_the_strongest_comes_first_and_only_so_many_are_named():
    p = (1.0, 0.6, 0.0, 0.6, 0.1, 0.6, 0.95, 0.6, 0.6)
    every = found(ByMean(), *p, top=10)
    assert [each.start_s for each in every] == [3.0, 6.0, 0.0, 9.0]
    assert [abs(each.effect) for each in every] == sorted((abs(each.effect) for each in every), reverse=True)
    assert found(ByMean(), *p) == every[:3]
    assert found(ByMean(), *p, top=0) == ()


def test_a_stretch_ends_with_the_recording():
    assert found(ByBest(), 0.6, 0.6, 0.9, duration_s=5.2) == (Evidence(3.0, 5.2, 0.3),)


@pytest.mark.parametrize(("effect", "n_found"), [(0.9 * MIN_EFFECT, 0), (1.1 * MIN_EFFECT, 1)])
def test_what_moved_next_to_nothing_is_no_evidence(effect, n_found):
    assert len(found(ByBest(), 0.6, 0.6 + effect, 0.6)) == n_found


def test_a_recording_that_is_silent_throughout_has_no_evidence():
    assert found(ByMean(), 0.9, 0.1, sounding=[False, False]) == ()
