"""The same music in another key is the same vector; what is unknown is 0 and flagged; nothing is out of range."""

import numpy as np
import pytest

from features.attributes import ATTRIBUTES, musical_attributes
from features.tonality import PITCH_NAMES
from models.attribute_vector import LIMIT, LISTS, N_ATTRIBUTES, NAMES, SCALARS, attribute_vector

MIDDLE = {name: centre for name, centre, _ in SCALARS} | {name: [centre] * length for name, length, centre, _ in LISTS}
SCALE_OF_C = np.array([4, 0, 2, 0, 3, 1, 0, 3, 0, 2, 0, 1]) / 16


def value(vector: np.ndarray, name: str) -> float:
    return float(vector[NAMES.index(name)])


def test_the_centre_of_everything_is_zero():
    chroma = np.full(12, 1 / 12)
    np.testing.assert_allclose(attribute_vector(MIDDLE | {"chroma": chroma, "key": "C major"}), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "centre", "spread"), [*SCALARS, *((f"{n}", centre, spread) for n, _, centre, spread in LISTS)]
)
def test_a_spread_above_the_centre_is_one(name, centre, spread):
    lists = {each: length for each, length, _, _ in LISTS}
    given = centre + spread if name not in lists else [centre] * (lists[name] - 1) + [centre + spread]
    place = name if name not in lists else f"{name}[{lists[name] - 1}]"
    assert value(attribute_vector(MIDDLE | {name: given}), place) == pytest.approx(1)


@pytest.mark.parametrize("semitones", range(12))
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_music_in_another_key_has_the_same_vector(semitones, mode):
    in_c = attribute_vector(MIDDLE | {"chroma": SCALE_OF_C, "key": f"C {mode}"})
    moved = MIDDLE | {"chroma": np.roll(SCALE_OF_C, semitones), "key": f"{PITCH_NAMES[semitones]} {mode}"}
    np.testing.assert_array_equal(attribute_vector(moved), in_c)
    # A share of 4 / 16 at the tonic: 8 * (1 / 4 - 1 / 12).
    assert value(in_c, "chroma[0]") == pytest.approx(4 / 3)
    assert value(in_c, "minor") == (mode == "minor")


@pytest.mark.parametrize("semitones", range(12))
def test_without_a_key_the_strongest_note_comes_first(semitones):
    in_c = attribute_vector({"chroma": SCALE_OF_C, "key": None})
    np.testing.assert_array_equal(attribute_vector({"chroma": np.roll(SCALE_OF_C, semitones), "key": None}), in_c)
    assert value(in_c, "minor") == 0


@pytest.mark.parametrize("name", [name for name, _, _ in SCALARS])
@pytest.mark.parametrize("left_out", [False, True], ids=["none", "left out"])
def test_an_unknown_figure_is_zero_and_flagged(name, left_out):
    given = {each: centre + spread for each, centre, spread in SCALARS if each != name}
    vector = attribute_vector(given if left_out else given | {name: None})
    assert value(vector, name) == 0
    flags = {other: value(vector, f"{other} unknown") for other, _, _ in SCALARS}
    assert flags == {other: float(other == name) for other, _, _ in SCALARS}


@pytest.mark.parametrize("attributes", [{}, dict.fromkeys(ATTRIBUTES)], ids=["nothing", "all None"])
def test_nothing_known_is_zeros_and_flags(attributes):
    vector = attribute_vector(attributes)
    assert vector.shape == (N_ATTRIBUTES,)
    assert vector.dtype == np.float32
    assert [name for name, x in zip(NAMES, vector, strict=True) if x] == [f"{name} unknown" for name, _, _ in SCALARS]
    assert vector.sum() == len(SCALARS)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e6, float("inf")])
def test_whatever_the_figures_are_the_vector_stays_in_range(size, rng):
    def wild(length: int | None = None) -> np.ndarray:
        return np.sign(rng.normal(size=length)) * size

    given = {name: float(wild()) for name, _, _ in SCALARS} | {name: wild(length) for name, length, _, _ in LISTS}
    vector = attribute_vector(given | {"chroma": np.eye(12)[3], "key": "Bb minor"})
    assert vector.shape == (N_ATTRIBUTES,)
    assert np.abs(vector).max() <= LIMIT


def test_names_are_one_for_each_place():
    assert len(set(NAMES)) == N_ATTRIBUTES


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(16000),
        0.5 * np.sin(2 * np.pi * 440 * np.arange(32000) / 16000),
        np.random.default_rng(0).normal(0, 0.1, 32000),
    ],
    ids=["silence", "tone", "noise"],
)
def test_what_is_measured_on_sound_fits(y):
    vector = attribute_vector(musical_attributes(y.astype(np.float32), sr=16000))
    assert vector.shape == (N_ATTRIBUTES,)
    assert np.isfinite(vector).all()


def test_loudness_is_no_part_of_it():
    loud, soft = (attribute_vector(MIDDLE | {"loudness_lufs": lufs}) for lufs in (-8.0, -30.0))
    np.testing.assert_array_equal(loud, soft)
