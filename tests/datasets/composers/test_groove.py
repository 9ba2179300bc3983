import json
from importlib.resources import files

import numpy as np
import pytest

from datasets.composers.drums import DRUMS, VELOCITIES, play
from datasets.composers.groove import FEEL_FILE, GROUP_OF, GROUPS, MAX_SHIFT_MS, STEPS, feel_of, groove, styles
from datasets.composers.song import Note
from datasets.errors import DatasetError

BEAT = {"kick": "X.......X.......", "snare": "....X.......X...", "closed_hat": "x.x.x.x.x.x.x.x."}


def bars(pattern, n_bars):
    return [note for bar in range(n_bars) for note in play(pattern, bar * 4)]


def test_nothing_changes_at_amount_zero():
    notes = bars(BEAT, 2)
    assert groove(notes, "rock", np.random.default_rng(0), 120.0, amount=0.0) == notes


def test_strokes_lie_where_the_card_says_on_average():
    feel, tempo = feel_of("rock")["cymbals"], 178.0  # fast: few strokes meet the limit
    notes = [Note(4.0 * bar + 0.25, 0.2, DRUMS["closed_hat"], 80) for bar in range(4000)]
    played = groove(notes, "rock", np.random.default_rng(1), tempo)
    shifts = np.array([after.start - before.start for before, after in zip(notes, played, strict=True)]) / 0.25
    assert shifts.mean() == pytest.approx(feel["shift"][1], abs=0.01)
    assert shifts.std() == pytest.approx(feel["shift_deviation"][1], abs=0.01)


def test_strokes_between_the_sixteenths_are_only_loosened():
    """Triplets are their composer's wish."""
    notes = [Note(4.0 * bar + 2 / 3, 0.2, DRUMS["closed_hat"], 80) for bar in range(3000)]
    played = groove(notes, "blues", np.random.default_rng(2), 100.0)
    assert np.mean([after.start - before.start for before, after in zip(notes, played, strict=True)]) == pytest.approx(
        0.0, abs=0.003
    )


def test_no_stroke_moves_further_than_a_flam():
    for tempo in (40.0, 100.0, 178.0):
        notes = bars(BEAT, 50)
        played = groove(notes, "jazz", np.random.default_rng(3), tempo)
        moved_ms = [abs(a.start - b.start) * 60000 / tempo for a, b in zip(notes, played, strict=True)]
        assert max(moved_ms) <= MAX_SHIFT_MS + 1e-6
        assert min(note.start for note in played) >= 0


def test_accents_stay_above_ghost_notes():
    notes = bars({"snare": "X.g.g.g.X.g.g.g."}, 200)
    played = groove(notes, "funk", np.random.default_rng(4), 100.0)
    strengths = [(before.velocity, after.velocity) for before, after in zip(notes, played, strict=True)]
    accents = np.mean([after for before, after in strengths if before == VELOCITIES["X"]])
    ghosts = np.mean([after for before, after in strengths if before == VELOCITIES["g"]])
    assert accents > ghosts + 40
    assert all(1 <= after <= 127 for _, after in strengths)


def test_shuffles_lean_towards_triplets():
    """The fourth sixteenth of a beat comes early and the second late: a triplet lies a third of a step from each."""
    shift = np.array(feel_of("blues")["cymbals"]["shift"]).reshape(4, 4)
    assert (shift[:, 3] < -0.15).all()
    assert (shift[:, 1] > 0.15).all()


def test_the_backbeat_is_the_loudest_snare():
    for style in ("rock", "pop", "hiphop", "soul", "funk"):
        velocity = feel_of(style)["snare"]["velocity"]
        assert set(np.argsort(velocity)[-2:].tolist()) == {4, 12}, style


def test_every_drum_of_the_patterns_has_a_group():
    assert set(DRUMS.values()) <= set(GROUP_OF)
    assert GROUP_OF[DRUMS["open_conga"]] == "toms"
    assert GROUP_OF[DRUMS["shaker"]] == "cymbals"


def test_the_card_says_where_it_comes_from():
    text = (files("datasets.composers") / FEEL_FILE).read_text(encoding="utf-8")
    card = json.loads(text)
    assert "CC BY 4.0" in card["licence"]
    assert "Gillick" in card["attribution"]
    assert len(card["info_csv_sha256"]) == 64
    assert len(text) < 100_000
    assert card["settings"]["splits"] == ["train"]
    for style in styles():
        feel = feel_of(style)
        assert set(feel) == set(GROUPS)
        assert all(len(values) == STEPS for group in feel.values() for values in group.values())
        assert all(abs(shift) <= 0.5 for group in feel.values() for shift in group["shift"])


def test_impossible_wishes_are_told():
    with pytest.raises(DatasetError, match="no groove of style 'polka'; there are rock, pop, funk"):
        groove([], "polka", np.random.default_rng(0), 120.0)
    with pytest.raises(DatasetError, match=r"amount=1.5: expected 0"):
        groove([], "rock", np.random.default_rng(0), 120.0, amount=1.5)
