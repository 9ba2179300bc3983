"""What is written as MIDI is read back by another library as it was composed."""

from dataclasses import replace
from io import BytesIO

import mido
import pytest

from datasets.composers.instruments import DRUM_BANK, Instrument
from datasets.composers.song import Note, Part, Song
from datasets.errors import DatasetError
from datasets.midi_file import DRUM_CHANNEL, TICKS_PER_BEAT, midi_bytes

PIANO = Part("piano", Instrument(0, 0), (Note(0.0, 1.0, 60, 80), Note(1.5, 0.5, 64, 100)), pan=-1.0, reverb=0.0)
STRINGS = Part("strings", Instrument(8, 48), (Note(0.0, 4.0, 67, 60),), gain_db=-12.0, pan=1.0, reverb=1.0, chorus=0.5)
DRUMS = Part("drums", Instrument(DRUM_BANK, 25), (Note(0.0, 0.25, 36, 110),))
SONG = Song("pop", 90.0, 0, "major", 3, (), (PIANO, DRUMS, STRINGS))


def read(data: bytes) -> mido.MidiFile:
    return mido.MidiFile(file=BytesIO(data))


def notes_of(track: mido.MidiTrack) -> list[Note]:
    """Notes by their times in beats."""
    now, sounding, found = 0, {}, []
    for message in track:
        now += message.time
        if message.type == "note_on":
            assert message.note not in sounding, "a note ends before the same pitch begins again"
            sounding[message.note] = now, message.velocity
        elif message.type == "note_off":
            start, velocity = sounding.pop(message.note)
            found.append(
                Note(start / TICKS_PER_BEAT, (now - start) / TICKS_PER_BEAT, message.note, velocity),
            )
    assert not sounding
    return sorted(found, key=lambda note: (note.start, note.pitch))


def controls(track: mido.MidiTrack) -> dict[int, int]:
    return {message.control: message.value for message in track if message.type == "control_change"}


def test_tempo_and_metre_stand_at_the_start():
    conductor = read(midi_bytes(SONG)).tracks[0]
    tempo = next(message for message in conductor if message.type == "set_tempo")
    metre = next(message for message in conductor if message.type == "time_signature")
    assert mido.tempo2bpm(tempo.tempo) == pytest.approx(90.0, abs=1e-3)
    assert (metre.numerator, metre.denominator) == (3, 4)
    assert tempo.time == metre.time == 0


def test_every_part_has_a_track_a_channel_a_program_and_a_bank():
    _, piano, drums, strings = read(midi_bytes(SONG)).tracks
    assert [track.name for track in (piano, drums, strings)] == ["piano", "drums", "strings"]
    channels = [{m.channel for m in track if not m.is_meta} for track in (piano, drums, strings)]
    assert channels == [{0}, {DRUM_CHANNEL}, {1}]
    programs = [next(m.program for m in track if m.type == "program_change") for track in (piano, drums, strings)]
    assert programs == [0, 25, 48]
    assert (controls(piano)[0], controls(strings)[0]) == (0, 8)
    assert 0 not in controls(drums), "the channel says that it is drums"


def test_a_bank_is_chosen_before_its_program():
    strings = read(midi_bytes(SONG)).tracks[3]
    kinds = [m.control if m.type == "control_change" else m.type for m in strings if not m.is_meta]
    assert kinds.index(0) < kinds.index("program_change") < kinds.index("note_on")


def test_volume_pan_and_effects_are_controllers():
    _, piano, _, strings = read(midi_bytes(SONG)).tracks
    assert {name: controls(piano)[name] for name in (7, 10, 91, 93)} == {7: 100, 10: 1, 91: 0, 93: 0}
    assert {name: controls(strings)[name] for name in (10, 91, 93)} == {10: 127, 91: 127, 93: 64}
    # Volume is squared by a synthesiser: half of it is a quarter of the amplitude, which is -12 dB.
    assert controls(strings)[7] == 50


def test_notes_come_back_at_their_times():
    _, piano, drums, strings = read(midi_bytes(SONG)).tracks
    assert notes_of(piano) == list(PIANO.notes)
    assert notes_of(drums) == list(DRUMS.notes)
    assert notes_of(strings) == list(STRINGS.notes)


def test_the_order_of_notes_does_not_matter():
    turned = replace(SONG, parts=(replace(PIANO, notes=PIANO.notes[::-1]),))
    assert midi_bytes(turned) == midi_bytes(replace(SONG, parts=(PIANO,)))


def test_a_repeated_pitch_is_struck_again_where_it_ends():
    again = replace(PIANO, notes=(Note(0.0, 1.0, 60, 80), Note(1.0, 1.0, 60, 80)))
    assert notes_of(read(midi_bytes(replace(SONG, parts=(again,)))).tracks[1]) == list(again.notes)


def test_a_note_lasts_one_tick_at_least():
    short = replace(PIANO, notes=(Note(2.0, 0.0, 60, 80),))
    (note,) = notes_of(read(midi_bytes(replace(SONG, parts=(short,)))).tracks[1])
    assert (note.start, note.duration) == (2.0, 1 / TICKS_PER_BEAT)


def test_only_the_parts_that_are_asked_for_are_written():
    assert [track.name for track in read(midi_bytes(SONG, [STRINGS])).tracks[1:]] == ["strings"]


def test_fifteen_pitched_parts_and_drums_fit_and_one_more_does_not():
    parts = (PIANO,) * 15 + (DRUMS,)
    tracks = read(midi_bytes(replace(SONG, parts=parts))).tracks[1:]
    assert sorted(next(m.channel for m in track if not m.is_meta) for track in tracks) == list(range(16))
    with pytest.raises(DatasetError, match="17 parts: MIDI has 15 channels for pitched ones"):
        midi_bytes(replace(SONG, parts=(*parts, PIANO)))


def test_two_parts_of_drums_are_refused():
    with pytest.raises(DatasetError, match="more than one part of drums"):
        midi_bytes(replace(SONG, parts=(DRUMS, DRUMS)))


@pytest.mark.parametrize(
    "note",
    [
        Note(0.0, 1.0, 128, 80),
        Note(0.0, 1.0, -1, 80),
        Note(0.0, 1.0, 60, 0),
        Note(0.0, 1.0, 60, 128),
        Note(-0.5, 1.0, 60, 80),
    ],
)
def test_a_note_outside_of_midi_is_refused(note):
    with pytest.raises(DatasetError, match=r"part 'piano': Note\(.*\) is outside MIDI's range"):
        midi_bytes(replace(SONG, parts=(replace(PIANO, notes=(note,)),)))
