"""No voice sings on both sides of the split."""

import numpy as np
import pytest

from datasets.composers.instruments import Palette


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
