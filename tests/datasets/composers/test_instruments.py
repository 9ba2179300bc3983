"""No voice sings on both sides of the split."""

import numpy as np
import pytest

from datasets.composers import instruments
from datasets.composers.instruments import DRUM_BANK, HELD_OUT, PIANO, STANDARD_KIT, Instrument, Palette
from datasets.errors import DatasetError

FAMILIES = {
    name: family
    for name, family in vars(instruments).items()
    if isinstance(family, tuple) and family and all(isinstance(each, Instrument) for each in family)
}


@pytest.mark.parametrize("register", ["female", "male"])
def test_voices_of_the_two_sides_differ_in_tract_and_pitch(register):
    voices = {
        side: [Palette(side, np.random.default_rng(seed)).pick_voice(register) for seed in range(200)]
        for side in ("training", "held_out")
    }
    tracts = {side: [voice.tract_cm for voice in found] for side, found in voices.items()}
    assert max(tracts["held_out"]) <= min(tracts["training"])
    centres = {side: {voice.centre for voice in found} for side, found in voices.items()}
    assert not centres["training"] & centres["held_out"]


def test_women_have_shorter_tracts_and_higher_voices_than_men():
    women, men = (
        [Palette("all", np.random.default_rng(seed)).pick_voice(register) for seed in range(100)]
        for register in ("female", "male")
    )
    assert max(voice.tract_cm for voice in women) < min(voice.tract_cm for voice in men)
    assert min(voice.centre for voice in women) > max(voice.centre for voice in men)


def test_all_voices_may_sing_where_no_side_is_asked_for():
    tracts = [Palette("all", np.random.default_rng(seed)).pick_voice("female").tract_cm for seed in range(200)]
    assert min(tracts) < 13.3 < max(tracts)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_has_members_on_both_sides(name):
    sides = {instrument in HELD_OUT for instrument in FAMILIES[name]}
    assert sides == {True, False}
    assert len({instrument.is_drums for instrument in FAMILIES[name]}) == 1, "drums and pitched ones do not mix"


@pytest.mark.parametrize(("side", "programs"), [("training", {0}), ("held_out", {1}), ("all", {0, 1})])
def test_a_palette_draws_from_its_side_alone(side, programs, rng):
    palette = Palette(side, rng)
    assert {palette.pick(PIANO).program for _ in range(50)} == programs


def test_members_are_equally_likely(rng):
    palette = Palette("training", rng)
    drawn = [palette.pick(STANDARD_KIT).program for _ in range(4000)]
    allowed = {instrument.program for instrument in STANDARD_KIT if instrument not in HELD_OUT}
    assert set(drawn) == allowed
    assert all(abs(drawn.count(program) / 4000 - 1 / len(allowed)) < 0.04 for program in allowed)


def test_a_family_of_the_other_side_is_refused(rng):
    with pytest.raises(DatasetError, match="no held_out instrument among"):
        Palette("held_out", rng).pick((Instrument(0, 0),))


def test_drums_are_those_of_the_drum_bank():
    assert Instrument(DRUM_BANK, 3).is_drums
    assert not Instrument(0, 3).is_drums
