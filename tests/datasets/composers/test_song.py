"""A song knows its key, its length and its facts."""

import json

from datasets.composers.instruments import DRUM_BANK, Instrument
from datasets.composers.song import Note, Part, Section, Song

PIANO = Part("piano", Instrument(0, 0), (Note(0.0, 4.0, 60, 80), Note(6.0, 1.5, 64, 80)))
DRUMS = Part("drums", Instrument(DRUM_BANK, 0), (Note(0.0, 0.2, 36, 100),))
SONG = Song("rock", 120.0, 9, "minor", 4, (Section("verse", 0, 2, 0.5),), (PIANO, DRUMS))


def test_it_lasts_until_its_last_note_ends():
    assert SONG.duration_s == 7.5 * 0.5
    assert Song("rock", 120.0, 0, "major", 4, (), ()).duration_s == 0.0


def test_transposing_moves_key_and_pitches_but_no_drum():
    higher = SONG.transposed(5)
    assert (SONG.key, higher.key) == ("A minor", "D minor")
    assert [note.pitch for note in higher.parts[0].notes] == [65, 69]
    assert higher.parts[1] == DRUMS
    assert higher.transposed(-5) == SONG


def test_its_facts_can_be_written_as_json():
    assert json.loads(json.dumps(SONG.facts())) == {
        "tempo_bpm": 120.0,
        "key": "A minor",
        "beats_per_bar": 4,
        "form": [["verse", 2]],
        "instruments": [["piano", 0, 0], ["drums", 128, 0]],
    }
