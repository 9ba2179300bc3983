"""Distances between sets whose answers are known: by thought, in closed form, and as the published toolbox says.

Published: https://github.com/RichardYang40148/mgeval, mgeval/utils.py at 42f1299, whose formulas were run on two sets
of four tunes (the openings of the Ode to Joy, Frère Jacques, Twinkle twinkle and Mary had a little lamb against a
chromatic scale, an arpeggio, Beethoven's fifth and triplets); the features are pretty_midi's. The overlap is that of
the toolbox's formula over the whole line: it cuts both densities at the outermost distances, and gives up to 0.22
less for these sets.
"""

import numpy as np
import pytest
from scipy.stats import gaussian_kde, norm

from models.errors import ModelError
from models.evaluation.yang_lerch import (
    absolute_measures,
    intra_inter,
    likeness,
    relative,
    relative_measures,
)

TUNES = {"pitch_count": [5.0, 5, 6, 4], "pitch_range": [7.0, 7, 9, 7], "inter_onset_s": [0.5, 7 / 13, 7 / 13, 7 / 12]}
FIGURES = {
    "pitch_count": [13.0, 7, 4, 7],
    "pitch_range": [12.0, 36, 5, 12],
    "inter_onset_s": [0.125, 0.25, 5 / 14, 3 / 14],
}


def columns(features):
    return {name: np.array(values) for name, values in features.items()}


@pytest.mark.parametrize(
    ("name", "intra_a", "intra_b", "inter", "overlap_a", "overlap_b"),
    [
        ("pitch_count", 1.0, 4.5, 3.25, 0.42504902410953727, 0.7631951319853921),
        ("pitch_range", 1.0, 15.5, 10.0, 0.20923519617595723, 0.75034219145791),
        ("inter_onset_s", 0.041666666666666685, 0.12202380952380952, 0.30345695970695974, 0.0353440103, 0.3236934304),
    ],
)
def test_two_sets_of_tunes_as_the_published_toolbox_compares_them(name, intra_a, intra_b, inter, overlap_a, overlap_b):
    found = relative_measures(columns(TUNES), columns(FIGURES))[name]
    assert (found.intra_a, found.intra_b, found.inter) == pytest.approx((intra_a, intra_b, inter))
    assert (found.a.overlap_area, found.b.overlap_area) == pytest.approx((overlap_a, overlap_b), rel=1e-3)


def test_densities_are_those_of_scipy(rng):
    """Both figures equal a slow sum over a fine grid of scipy's kernel density, which the toolbox uses."""
    x, y = rng.gamma(2.0, size=90), rng.gamma(3.0, size=120)
    points = np.linspace(-10, 30, 40001)
    p, q = gaussian_kde(x)(points), gaussian_kde(y)(points)
    tiny = np.finfo(float).tiny
    found = likeness(x, y)
    assert found.overlap_area == pytest.approx(np.trapezoid(np.minimum(p, q), points), rel=1e-3)
    kl = np.trapezoid(p * np.log(np.maximum(p, tiny) / np.maximum(q, tiny)), points)
    assert found.kl_divergence == pytest.approx(kl, rel=1e-3)


def test_two_normal_densities_as_in_closed_form():
    """Deviation 1, one apart: overlap 2 Φ(-1/2), divergence 1/2 (half of the square of the distance).

    Inman and Bradley, "The overlapping coefficient as a measure of agreement between probability distributions",
    Communications in Statistics 18(10), 1989. The kernel widens both by 1 + h², with h² of n = 4000.
    """
    quantiles = norm.ppf((np.arange(4000) + 0.5) / 4000)
    found = likeness(quantiles, quantiles + 1)
    variance = 1 + 4000 ** (-2 / 5)
    assert found.overlap_area == pytest.approx(2 * norm.cdf(-0.5 / np.sqrt(variance)), rel=1e-3)
    assert found.kl_divergence == pytest.approx(0.5 / variance, rel=2e-2)


def test_what_is_the_same_overlaps_wholly_and_what_is_far_not_at_all(rng):
    x = rng.normal(size=50)
    assert likeness(x, x).overlap_area == pytest.approx(1.0, abs=1e-4)
    assert likeness(x, x).kl_divergence == 0.0
    far = likeness(x, x + 1000)
    assert far.overlap_area < 1e-6
    assert far.kl_divergence > 100


@pytest.mark.parametrize(
    ("x", "y", "divergence", "area"),
    [([2.0, 2, 2], [2.0, 2], 0.0, 1.0), ([2.0, 2, 2], [3.0, 3], None, 0.0), ([0.0, 0], [0.0, 1, 2], None, 0.0)],
)
def test_a_single_number_has_no_density(x, y, divergence, area):
    found = likeness(np.array(x), np.array(y))
    assert (found.kl_divergence, found.overlap_area) == (divergence, area)


def test_distances_leave_one_out():
    found = intra_inter(np.array([[0.0, 0], [3, 4], [0, 1]]), np.array([[0.0, 0], [0, 2], [6, 8], [0, 0]]))
    assert sorted(found.intra_a) == pytest.approx(sorted([5, 5, 1, 1, np.sqrt(18), np.sqrt(18)]))
    assert (found.intra_b.size, found.inter.size) == (12, 12)
    assert found.inter[:4] == pytest.approx([0, 2, 10, 0])


def test_more_of_the_same_is_more_alike_than_something_else(rng):
    """Sound embeddings as well: rows of any width."""
    a, same, other = rng.normal(size=(40, 8)), rng.normal(size=(30, 8)), rng.normal(size=(30, 8)) * 2
    assert relative(intra_inter(a, same)).a.overlap_area > relative(intra_inter(a, other)).a.overlap_area + 0.3


def test_one_piece_again_and_again_is_found_out(rng):
    """Its distances to the reference are usual ones, the distances within it are none."""
    a = rng.normal(size=(40, 2))
    found = relative(intra_inter(a, np.zeros((10, 2))))
    assert found.b.overlap_area == 0.0
    assert found.b.kl_divergence is None


def test_absolute_measures_are_mean_and_deviation():
    found = absolute_measures({"pitch_count": np.array([5.0, 5, 6, 4]), "histogram": np.array([[1.0, 0], [0, 1]])})
    assert (found["pitch_count"].mean, found["pitch_count"].deviation) == (5.0, pytest.approx(np.sqrt(0.5)))
    assert found["histogram"].mean.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros((2, 3)), np.zeros((3, 3)), "expected"),
        (np.zeros((3, 3)), np.zeros((3, 4)), "expected"),
        (np.zeros(3), np.zeros(3), "expected"),
        (np.full((3, 1), np.nan), np.zeros((3, 1)), "finite"),
    ],
)
def test_sets_that_cannot_be_compared(a, b, message):
    with pytest.raises(ModelError, match=message):
        intra_inter(a, b)


def test_sets_must_be_measured_alike():
    with pytest.raises(ModelError, match="pitch_range"):
        relative_measures({"pitch_count": np.zeros(3)}, {"pitch_count": np.zeros(3), "pitch_range": np.zeros(3)})
