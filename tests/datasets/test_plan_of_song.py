"""Frames of a song say what sounds in them: metre by its grid, chords, bass and drums by the notes."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.composers import GENRES, compose, make_brief
from datasets.composers.drums import DRUMS
from datasets.composers.humanise import swing
from datasets.composers.instruments import Instrument
from datasets.composers.song import Note, Part, Section, Song
from datasets.errors import DatasetError
from datasets.plan_of_song import CLASS_OF_DRUM, DRUM_CLASSES, FRAME_BLOCKS, plan_of_song

PIANO, BASS, KIT = Instrument(0, 0), Instrument(0, 33), Instrument(128, 0)
RATE = 8.0  # at 120 bpm four frames a beat, sixteen a bar


def song(*parts: Part, **changes) -> Song:
    """Two sections of one bar at 120 bpm in C major."""
    sections = (Section("verse", 0, 1, 0.25), Section("chorus", 1, 1, 0.75))
    return replace(Song("pop", 120.0, 0, "major", 4, sections, parts), **changes)


def chord(*pitches: int, start: float = 0.0, duration: float = 4.0, velocity: int = 100) -> tuple[Note, ...]:
    return tuple(Note(start, duration, pitch, velocity) for pitch in pitches)


def frames(made: Song, n_frames: int = 32, rate: float = RATE) -> dict[str, np.ndarray]:
    return plan_of_song(made, n_frames=n_frames, frames_per_s=rate)


def test_blocks_have_the_widths_that_are_promised():
    found = frames(song(Part("piano", PIANO, chord(60))), n_frames=5)
    assert {name: block.shape for name, block in found.items()} == {
        name: (5, width) for name, width in FRAME_BLOCKS.items()
    }
    assert {block.dtype for block in found.values()} == {np.dtype(np.float32)}


def test_the_pulse_goes_round_once_a_beat_and_once_a_bar():
    pulse = frames(song())["pulse"]
    np.testing.assert_allclose(pulse[0], [0, 1, 0, 1], atol=1e-6)
    np.testing.assert_allclose(pulse[1], [1, 0, np.sin(np.pi / 8), np.cos(np.pi / 8)], atol=1e-6)
    # 0.25 s at 120 bpm: half a beat, an eighth of a bar.
    np.testing.assert_allclose(pulse[2], [0, -1, np.sqrt(0.5), np.sqrt(0.5)], atol=1e-6)
    np.testing.assert_allclose(pulse[8], [0, 1, 0, -1], atol=1e-6)  # the third beat
    np.testing.assert_allclose(pulse[16:], pulse[:16], atol=1e-5)


def test_a_bar_of_three_beats_goes_round_in_three_beats():
    pulse = frames(song(beats_per_bar=3))["pulse"]
    np.testing.assert_allclose(pulse[12], [0, 1, 0, 1], atol=1e-6)
    np.testing.assert_allclose(pulse[6], [0, -1, 0, -1], atol=1e-6)


def test_a_chord_and_its_bass_are_told_apart():
    found = frames(song(Part("piano", PIANO, chord(60, 64, 67)), Part("bass", BASS, chord(36, duration=2.0))))
    np.testing.assert_array_equal(np.flatnonzero(found["harmony"][5]), [0, 4, 7])
    np.testing.assert_allclose(found["harmony"][:16, [0, 4, 7]], 1)
    np.testing.assert_allclose(found["bass"][:8, 0], 1)
    assert not found["bass"][:, 1:].any()
    assert not found["bass"][8:].any()
    assert not found["harmony"][16:].any()


def test_without_a_part_of_that_name_low_notes_are_the_bass():
    found = frames(song(Part("left hand", PIANO, chord(38, 47, 48))))
    np.testing.assert_array_equal(np.flatnonzero(found["bass"][0]), [2, 11])
    np.testing.assert_array_equal(np.flatnonzero(found["harmony"][0]), [0])


def test_loudness_is_that_of_velocity_gain_and_share_of_the_frame():
    loud = Part("piano", PIANO, chord(60, velocity=126))
    soft = Part("organ", PIANO, (*chord(64, velocity=63), *chord(67, duration=0.125, velocity=126)))
    quiet = Part("pad", PIANO, chord(62, velocity=126), gain_db=-20.0)
    harmony = frames(song(loud, soft, quiet))["harmony"]
    np.testing.assert_allclose(harmony[0, [0, 4, 7, 2]], [1, 0.25, 0.5, 0.1], rtol=1e-5)
    np.testing.assert_allclose(harmony[1, [0, 4, 7, 2]], [1, 0.25, 0, 0.1], rtol=1e-5)


def test_parts_on_one_pitch_class_add_up():
    harmony = frames(song(Part("piano", PIANO, chord(60, 72, 64))))["harmony"]
    np.testing.assert_allclose(harmony[0, [0, 4]], [1, 0.5], rtol=1e-6)


def test_what_rounding_puts_over_the_edge_of_a_frame_is_not_heard():
    early = Part("piano", PIANO, chord(60, start=1 - 1e-9))
    assert frames(song(early))["harmony"][3].max() < 1e-6


def test_strokes_are_where_they_begin_and_as_strong_as_the_strongest():
    notes = (
        Note(0.0, 0.2, DRUMS["kick"], 127),
        Note(1.0, 0.2, DRUMS["snare"], 100),
        Note(1.05, 0.2, DRUMS["clap"], 60),
        *swing([Note(0.5, 0.2, DRUMS["closed_hat"], 64)], 2 / 3),  # at 2/3 of a beat
        Note(3.75, 0.2, DRUMS["kick"], 50),  # a pick-up to the second bar
        Note(8.0, 0.2, DRUMS["kick"], 90),  # beyond the plan
    )
    drums = frames(song(Part("drums", KIT, notes)))["drums"]
    expected = np.zeros((32, 3))
    expected[0, 0], expected[4, 1], expected[2, 2], expected[15, 0] = 1, 100 / 127, 64 / 127, 50 / 127
    np.testing.assert_allclose(drums, expected, rtol=1e-6)


def test_every_drum_that_composers_know_has_one_class():
    assert set(CLASS_OF_DRUM) == set(DRUMS.values())
    assert sum(map(len, DRUM_CLASSES.values())) == len(DRUMS)


def test_the_form_says_place_turn_and_energy_of_the_section():
    form = frames(song(), n_frames=40)["form"]
    np.testing.assert_allclose(form[0], [0, 0, 0.25])
    np.testing.assert_allclose(form[8], [0.5, 0, 0.25])
    np.testing.assert_allclose(form[20], [0.25, 1, 0.75])
    np.testing.assert_allclose(form[36], [1, 1, 0.75])  # after the end of the last section


@pytest.mark.parametrize("genre", GENRES)
def test_what_composers_write_is_planned_as_a_slow_loop_would(genre):
    made = compose(make_brief(genre, 5, seconds=10.0))
    rate = 20.0
    found = plan_of_song(made, n_frames=200, frames_per_s=rate)
    sounding = np.zeros((200, 12), bool)
    for part in made.parts:
        for note in part.notes:
            start, end = (beat * 60 / made.tempo_bpm for beat in (note.start, note.end))
            for frame in range(200):
                if not part.instrument.is_drums and start < frame / rate + 0.04 and end > frame / rate + 0.01:
                    sounding[frame, note.pitch % 12] = True
    heard = found["harmony"] + found["bass"]
    assert (heard[sounding] > 0).all()
    for name, block in found.items():
        low = -1 if name == "pulse" else 0
        assert low <= block.min() <= block.max() <= 1 + 1e-6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_frames": 0}, "n_frames=0: expected 1 or more"),
        ({"frames_per_s": 0.0}, "frames_per_s=0.0: expected more than 0"),
        ({"frames_per_s": 1001.0}, "at most 1000"),
        ({"frames_per_s": float("nan")}, "frames_per_s=nan"),
    ],
)
def test_numbers_out_of_range_are_named(changes, message):
    with pytest.raises(DatasetError, match=message):
        plan_of_song(song(), **{"n_frames": 4, "frames_per_s": 8.0} | changes)
