"""What holds for the composer of every genre."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.composers import GENRES, compose, make_brief, parse_key, style_of
from datasets.composers.instruments import HELD_OUT
from datasets.composers.theory import SCALES
from datasets.errors import DatasetError
from datasets.midi_file import midi_bytes

SEEDS = range(6)


@pytest.fixture(scope="module", params=GENRES)
def genre(request):
    return request.param


def test_the_same_brief_gives_the_same_song_and_another_seed_another_one(genre):
    first, again, other = (midi_bytes(compose(make_brief(genre, seed))) for seed in (3, 3, 4))
    assert first == again
    assert first != other


@pytest.mark.parametrize("seconds", [1.0, 10.0, 90.0])
def test_a_song_fills_its_time(genre, seconds):
    for seed in range(4):
        song = compose(make_brief(genre, seed, seconds=seconds))
        bar_s = song.beats_per_bar * 60 / song.tempo_bpm
        bars = sum(section.n_bars for section in song.sections)
        assert bars * bar_s >= seconds
        assert song.duration_s >= seconds - 2 * bar_s
        starts = [note.start for part in song.parts for note in part.notes]
        assert min(starts) < song.beats_per_bar
        quiet = np.diff(np.unique([0.0, *starts]))
        assert quiet.max() * 60 / song.tempo_bpm < 6.0, "nothing begins for six seconds"


def test_tempo_and_key_are_those_that_were_asked_for(genre):
    for key in ("F# minor", "Eb major"):
        song = compose(make_brief(genre, 5, tempo_bpm=111.0, key=key))
        assert song.tempo_bpm == 111.0
        assert (song.tonic, song.mode) == parse_key(key)


def test_most_notes_are_of_the_key(genre):
    """Blue notes, chromatic approaches and secondary dominants are the rest."""
    for seed in SEEDS:
        song = compose(make_brief(genre, seed))
        durations = np.zeros(12)
        for part in song.parts:
            if not part.instrument.is_drums:
                for note in part.notes:
                    durations[(note.pitch - song.tonic) % 12] += note.duration
        scales = [SCALES[song.mode], SCALES["harmonic_minor" if song.mode == "minor" else "mixolydian"]]
        best = max(durations[list(scale)].sum() for scale in scales) / durations.sum()
        assert best > 0.75, (genre, seed, best)


def test_every_note_can_be_played(genre):
    for seed in SEEDS:
        song = compose(make_brief(genre, seed, energy=float(seed % 3) / 2))
        for part in song.parts:
            assert part.notes, part.name
            pitches = np.array([note.pitch for note in part.notes])
            velocities = np.array([note.velocity for note in part.notes])
            low, high = (35, 82) if part.instrument.is_drums else (24, 108)
            assert low <= pitches.min() <= pitches.max() <= high, part.name
            assert 1 <= velocities.min() <= velocities.max() <= 127
            assert min(note.duration for note in part.notes) > 0
            assert min(note.start for note in part.notes) >= 0


def test_no_instrument_plays_on_both_sides_of_the_split(genre):
    for seed in SEEDS:
        for side, allowed in (("training", False), ("held_out", True)):
            song = compose(make_brief(genre, seed, instruments=side))
            assert {part.instrument in HELD_OUT for part in song.parts} == {allowed}, side


def test_energy_brings_more_and_louder_notes(genre):
    def weight(energy: float) -> float:
        songs = [compose(make_brief(genre, seed, energy=energy, tempo_bpm=110.0)) for seed in SEEDS]
        return sum(note.velocity for song in songs for part in song.parts for note in part.notes)

    assert weight(1.0) > weight(0.0)


def test_sections_are_gapless(genre):
    song = compose(make_brief(genre, 1, seconds=120))
    ends = [0, *(section.start_bar + section.n_bars for section in song.sections)]
    assert [section.start_bar for section in song.sections] == ends[:-1]


def test_usual_tempo_and_energy_are_within_the_style(genre):
    style = style_of(genre)
    briefs = [make_brief(genre, seed) for seed in range(50)]
    assert all(style.tempo_bpm[0] <= brief.tempo_bpm <= style.tempo_bpm[1] for brief in briefs)
    assert all(style.energy[0] <= brief.energy <= style.energy[1] for brief in briefs)
    assert len({brief.tonic for brief in briefs}) > 6


def test_the_same_seed_in_another_key_is_the_same_brief_otherwise(genre):
    brief = make_brief(genre, 7)
    assert replace(make_brief(genre, 7, key="B major"), tonic=brief.tonic, mode=brief.mode) == brief


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"seconds": 0.0}, "seconds=0.0: expected 1 to 600"),
        ({"seconds": float("nan")}, "seconds=nan"),
        ({"tempo_bpm": 5000}, "tempo_bpm=5000: expected 30 to 300"),
        ({"energy": 1.5}, "energy=1.5: expected 0 to 1"),
        ({"key": "H moll"}, "key 'H moll': expected a tonic and a mode"),
        ({"seed": -1}, "seed=-1: expected 0 or more"),
        ({"genre": "polka"}, "no composer for 'polka'; there are blues"),
    ],
)
def test_impossible_wishes_are_told(wishes, message):
    arguments = {"genre": "rock", "seed": 0} | wishes
    with pytest.raises(DatasetError, match=message):
        make_brief(arguments.pop("genre"), arguments.pop("seed"), **arguments)


@pytest.mark.parametrize(
    ("key", "expected"),
    [("C major", (0, "major")), ("Bb minor", (10, "minor")), ("F# major", (6, "major")), ("Cb major", (11, "major"))],
)
def test_keys_are_read(key, expected):
    assert parse_key(key) == expected
