from datasets.composers.accompaniment import bass, looped, riff
from datasets.composers.harmony import progression
from datasets.composers.song import Note


def test_a_riff_is_chord_notes_in_its_rhythm_in_close_harmony():
    chords = progression(["I", "V7"], tonic=0)
    voices = riff(chords, "..x-..X.", beats_per_bar=4, low=66, high=78)
    assert len(voices) == 3
    for voice in voices:
        assert [note.start for note in voice] == [1.0, 3.0, 5.0, 7.0]
        assert all(note.pitch % 12 in {0, 4, 7} for note in voice[:2])
        assert all(note.pitch % 12 in {7, 11, 2, 5} for note in voice[2:])
    for highest, middle, lowest in zip(*voices, strict=True):
        assert 66 <= highest.pitch <= 78
        assert lowest.pitch < middle.pitch < highest.pitch
        assert highest.pitch - lowest.pitch < 12
    assert voices[0][1].velocity > voices[0][0].velocity, "an accent"
    assert voices[0][0].duration > voices[0][1].duration, "a note that goes on"


def test_a_boogie_bass_climbs_to_the_minor_seventh_and_comes_back():
    line = bass(progression(["I7"], tonic=0), "R3567653", low=36)
    assert [note.pitch for note in line] == [36, 40, 43, 45, 46, 45, 43, 40]


def test_a_loop_is_repeated_and_cut_at_the_end():
    notes = [Note(0.0, 0.5, 60, 80), Note(3.0, 0.5, 64, 90)]
    again = looped(notes, 4.0, 8.0, 14.0)
    assert [(note.start, note.pitch, note.velocity) for note in again] == [(8, 60, 80), (11, 64, 90), (12, 60, 80)]
