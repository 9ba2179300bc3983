"""MIDI files whose notes are known, and files that are none."""

import csv
import io
import os
import random
import struct
from dataclasses import replace
from pathlib import Path

import mido
import pytest

from datasets.errors import DatasetError
from datasets.midi import LARGEST_FILE, MOST_NOTES, Note, Score, read_midi, scale_tempo, transpose

TICKS = 480  # per quarter note: 0.5 s at 120 bpm


def _note(pitch: int, start_s: float, duration_s: float, **other) -> Note:
    fields = {"velocity": 64, "channel": 0, "program": 0, "is_drum": False} | other
    return Note(pitch, start_s, duration_s, **fields)


def _on(pitch: int, time: int = 0, **other) -> mido.Message:
    return mido.Message("note_on", note=pitch, time=time, **other)


def _off(pitch: int, time: int = 0, **other) -> mido.Message:
    return mido.Message("note_off", note=pitch, time=time, **other)


def _pedal(value: int, time: int = 0, **other) -> mido.Message:
    return mido.Message("control_change", control=64, value=value, time=time, **other)


def _tempo(tempo_us: int, time: int = 0) -> mido.MetaMessage:
    return mido.MetaMessage("set_tempo", tempo=tempo_us, time=time)


def _midi_bytes(*tracks: list, kind: int = 1) -> bytes:
    file = io.BytesIO()
    mido.MidiFile(type=kind, ticks_per_beat=TICKS, tracks=[mido.MidiTrack(track) for track in tracks]).save(file=file)
    return file.getvalue()


def _raw_file(track: bytes, *, kind: int = 0, division: int = TICKS) -> bytes:
    return b"MThd" + struct.pack(">IHHh", 6, kind, 1, division) + b"MTrk" + struct.pack(">I", len(track)) + track


def _read(folder: Path, data: bytes) -> Score:
    path = folder / "song.mid"
    path.write_bytes(data)
    return read_midi(path)


def _notes(folder: Path, *track: mido.Message | mido.MetaMessage) -> list[tuple[int, float, float]]:
    return [(note.pitch, note.start_s, note.duration_s) for note in _read(folder, _midi_bytes(list(track))).notes]


def test_notes_of_several_tracks_in_order_of_time(tmp_path: Path) -> None:
    melody = [
        mido.Message("program_change", program=11, channel=2),
        _on(69, velocity=100, channel=2, time=TICKS),
        _off(69, channel=2, time=TICKS // 2),
        mido.Message("program_change", program=12, channel=2),
        _on(71, velocity=90, channel=2),
        _off(71, channel=2, time=TICKS),
    ]
    drums = [_on(36, velocity=127, channel=9), _off(36, channel=9, time=TICKS)]
    score = _read(tmp_path, _midi_bytes(melody, drums))
    assert score.notes == (
        _note(36, 0.0, 0.5, velocity=127, channel=9, is_drum=True),
        _note(69, 0.5, 0.25, velocity=100, channel=2, program=11),
        _note(71, 0.75, 0.5, velocity=90, channel=2, program=12),
    )
    assert [(tempo.start_s, tempo.bpm) for tempo in score.tempos] == [(0.0, 120.0)]
    assert score.time_signatures == ()
    assert score.duration_s == 1.25


def test_the_tempo_changes_while_a_note_sounds(tmp_path: Path) -> None:
    """One beat at 60, then one at 120 bpm: 1.5 s; the change comes from another track."""
    conductor = [_tempo(1_000_000), _tempo(500_000, time=TICKS)]
    score = _read(tmp_path, _midi_bytes(conductor, [_on(60), _off(60, time=2 * TICKS), _on(62), _off(62, time=TICKS)]))
    assert [(note.start_s, note.duration_s) for note in score.notes] == [(0.0, 1.5), (1.5, 0.5)]
    assert [(tempo.start_s, tempo.bpm) for tempo in score.tempos] == [(0.0, 60.0), (1.0, 120.0)]


def test_time_signatures_have_their_place(tmp_path: Path) -> None:
    track = [
        mido.MetaMessage("time_signature", numerator=3, denominator=4),
        mido.MetaMessage("time_signature", numerator=6, denominator=8, time=3 * TICKS),
    ]
    signatures = _read(tmp_path, _midi_bytes(track)).time_signatures
    assert [(each.start_s, each.numerator, each.denominator) for each in signatures] == [(0.0, 3, 4), (1.5, 6, 8)]


def test_a_note_on_without_velocity_is_a_note_off_and_running_status_is_read(tmp_path: Path) -> None:
    beat = b"\x83\x60"  # 480 ticks
    track = b"\x00\x90\x3c\x40" + beat + b"\x3c\x00" + beat + b"\x40\x40" + beat + b"\x40\x00" + b"\x00\xff\x2f\x00"
    assert _read(tmp_path, _raw_file(track)).notes == (_note(60, 0.0, 0.5), _note(64, 1.0, 0.5))


def test_notes_that_hang_end_with_the_file(tmp_path: Path) -> None:
    end = mido.MetaMessage("end_of_track", time=2 * TICKS)
    assert _notes(tmp_path, _on(60), _on(64, time=TICKS), end) == [(60, 0.0, 1.5), (64, 0.5, 1.0)]


def test_a_release_without_a_note_is_nothing(tmp_path: Path) -> None:
    assert _notes(tmp_path, _off(60), _on(64, time=TICKS), _off(60), _off(64, time=TICKS)) == [(64, 0.5, 0.5)]


def test_each_release_ends_the_earliest_note_of_its_key(tmp_path: Path) -> None:
    struck_twice = [_on(60), _on(60, time=TICKS), _off(60, time=TICKS), _off(60, time=TICKS)]
    assert _notes(tmp_path, *struck_twice) == [(60, 0.0, 1.0), (60, 0.5, 1.0)]
    on_before_off = [_on(60), _on(60, time=TICKS), _off(60), _off(60, time=TICKS)]
    assert _notes(tmp_path, *on_before_off) == [(60, 0.0, 0.5), (60, 0.5, 0.5)]


def test_a_note_of_another_channel_goes_on(tmp_path: Path) -> None:
    track = [_on(60, channel=0), _on(60, channel=1), _off(60, channel=1, time=TICKS), _off(60, channel=0, time=TICKS)]
    assert _notes(tmp_path, *track) == [(60, 0.0, 1.0), (60, 0.0, 0.5)]


def test_the_pedal_holds_notes(tmp_path: Path) -> None:
    track = [_pedal(127), _on(60), _off(60, time=TICKS), _on(64), _pedal(0, time=TICKS), _off(64, time=TICKS)]
    assert _notes(tmp_path, *track) == [(60, 0.0, 1.0), (64, 0.5, 1.0)]


def test_a_key_struck_again_ends_what_the_pedal_holds(tmp_path: Path) -> None:
    track = [
        _pedal(64),
        _on(60),
        _off(60, time=TICKS),
        _on(60, time=TICKS),
        _off(60, time=TICKS),
        _pedal(63, time=TICKS),
    ]
    assert _notes(tmp_path, *track) == [(60, 0.0, 1.0), (60, 1.0, 1.0)]


def test_drums_have_no_pedal(tmp_path: Path) -> None:
    track = [_pedal(127, channel=9), _on(36, channel=9), _off(36, channel=9, time=TICKS), _pedal(0, 960, channel=9)]
    assert _notes(tmp_path, *track) == [(36, 0.0, 0.5)]


def test_a_pedal_that_stays_down_ends_with_the_file(tmp_path: Path) -> None:
    end = mido.MetaMessage("end_of_track", time=TICKS)
    assert _notes(tmp_path, _pedal(127), _on(60), _off(60, time=TICKS), end) == [(60, 0.0, 1.0)]


SCORE = Score(
    notes=(_note(36, 0.0, 1.0, channel=9, is_drum=True), _note(60, 1.0, 2.0), _note(126, 3.0, 1.0)),
    tempos=(),
    time_signatures=(),
    duration_s=4.0,
)


@pytest.mark.parametrize(
    ("semitones", "expected"),
    [
        (0, [36, 60, 126]),
        (1, [36, 61, 127]),
        (2, [36, 62, 116]),  # 128 is an octave too high
        (-61, [36, 11, 65]),
        (-127, [36, 5, 11]),
        (127, [36, 127, 121]),
    ],
)
def test_transposing(semitones: int, expected: list[int]) -> None:
    moved = transpose(SCORE, semitones)
    assert [note.pitch for note in moved.notes] == expected
    assert [replace(note, pitch=0) for note in moved.notes] == [replace(note, pitch=0) for note in SCORE.notes]


def test_transposing_keeps_notes_in_range_and_their_pitch_classes() -> None:
    chromatic = replace(SCORE, notes=tuple(_note(pitch, float(pitch), 1.0) for pitch in range(128)))
    for semitones in range(-127, 128):
        for before, after in zip(chromatic.notes, transpose(chromatic, semitones).notes, strict=True):
            assert 0 <= after.pitch <= 127
            assert (after.pitch - before.pitch - semitones) % 12 == 0


def test_scaling_the_tempo(tmp_path: Path) -> None:
    track = [
        mido.MetaMessage("time_signature", numerator=3, denominator=4, time=TICKS),
        _tempo(1_000_000),
        _on(60, time=TICKS),
        _off(60, time=TICKS),
    ]
    score = _read(tmp_path, _midi_bytes(track))
    faster = scale_tempo(score, 2.0)
    assert faster.notes == (_note(60, 0.75, 0.5),)
    assert [(tempo.start_s, tempo.bpm) for tempo in faster.tempos] == [(0.0, 240.0), (0.25, 120.0)]
    assert faster.time_signatures[0].start_s == 0.25
    assert faster.duration_s == score.duration_s / 2 == 1.25
    assert scale_tempo(faster, 0.5) == score


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: transpose(SCORE, 128), "semitones=128"),
        (lambda: transpose(SCORE, 0.5), r"semitones=0\.5"),
        (lambda: scale_tempo(SCORE, 0.0), r"factor=0\.0"),
        (lambda: scale_tempo(SCORE, float("nan")), "factor=nan"),
        (lambda: scale_tempo(SCORE, 1000.0), "factor=1000"),
    ],
)
def test_changes_that_make_no_sense_are_refused(change, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        change()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "begins with b''"),
        (b"no music at all", "begins with b'no m'"),
        (b"MThd", "damaged or cut off"),
        (_midi_bytes([_on(60)])[:-6], "damaged or cut off"),
        (_midi_bytes([_on(60)], kind=2), "type 2, expected 0 or 1"),
        (_raw_file(b"\x00\xff\x2f\x00", division=-7640), "SMPTE"),
        (_raw_file(b"\x00\xff\x2f\x00", division=0), "SMPTE"),
        (_raw_file(b"\x00\xff\x51\x03\x00\x00\x00"), "tempo of 0"),
        (_raw_file(b"\x00\xff\x58\x04\x00\x02\x18\x08"), "time signature of 0/4"),
        (_raw_file(b"\x00\xff\x58\x04\x04\xff\x18\x08"), "time signature of 4/"),
        (_raw_file(b"\x00\xff\x59\x02\x7f\x00"), "damaged or cut off"),  # a key of 127 sharps
        (_raw_file(b"\x80" * 5000), "number without an end"),
        (_raw_file(b"\xff" * 990 + b"\x7f\x90\x3c\x40"), "longer than 24 hours"),
        (_raw_file(b"\x87\xff\xff\x7f\x90\x3c\x40", division=1), "longer than 24 hours"),
        (_raw_file(b"\x00\x90\x3c\x40" + b"\x00\x3c\x40" * MOST_NOTES), f"more than {MOST_NOTES} notes"),
        (_raw_file(b"\x00\xff\x01\x00" * (LARGEST_FILE // 4)), f"more than {LARGEST_FILE} bytes"),
    ],
)
def test_files_that_cannot_be_used_are_named(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(DatasetError, match=words) as caught:
        _read(tmp_path, data)
    assert "song.mid" in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mid")
    for path in (tmp_path, tmp_path / "missing.mid", tmp_path / "pipe.mid"):
        with pytest.raises(DatasetError, match="no file there"):
            read_midi(path)


def test_whatever_is_damaged_is_a_named_error_or_a_sound_score(tmp_path: Path) -> None:
    notes = [
        message
        for k in range(16)
        for message in (_on(60 + k, 10, channel=k), _pedal(8 * k, channel=k), _off(60 + k, 30, channel=k))
    ]
    metas = [
        _tempo(400_000),
        *(mido.MetaMessage(kind) for kind in ("time_signature", "key_signature", "smpte_offset", "sequence_number")),
        mido.MetaMessage("text", text="words"),
        mido.Message("sysex", data=(1, 2, 3)),
    ]
    whole = _midi_bytes(metas, notes)
    draw = random.Random(0)
    path = tmp_path / "song.mid"
    n_read, messages = 0, []
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(draw.choice([0, 1, 2, 8])):
            data[draw.randrange(8, len(data))] = draw.choice([0, 127, 128, 255, 0xF0, draw.randrange(256)])
        path.write_bytes(data[: draw.choice([len(data), draw.randrange(len(data))])])
        try:
            score = read_midi(path)
        except DatasetError as error:
            messages.append(str(error))
            continue
        n_read += 1
        assert all(0 <= note.start_s <= note.start_s + note.duration_s for note in score.notes)
    assert all("song.mid" in message for message in messages)
    assert min(n_read, len(messages)) > 100


@pytest.mark.shared
def test_human_drumming_is_read_as_its_corpus_describes_it(shared_data: Path) -> None:
    with (shared_data / "groove/info.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[::50]
    assert len(rows) == 23
    for row in rows:
        score = read_midi(shared_data / "groove" / row["midi_filename"])
        assert score.notes
        assert all(note.is_drum for note in score.notes)
        assert score.tempos[0].bpm == pytest.approx(float(row["bpm"]), abs=0.5)
        signature = score.time_signatures[0]
        assert f"{signature.numerator}-{signature.denominator}" == row["time_signature"]
        last_s = max(note.start_s + note.duration_s for note in score.notes)
        assert last_s - 1e-3 <= float(row["duration"]) <= score.duration_s + 1e-3
