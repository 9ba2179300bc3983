"""Standard MIDI files read as notes in seconds, and changes of key and tempo.

Times are seconds from the start, through the file's tempo map. Files are untrusted: what mido cannot parse, or what
would take much time or memory, is a `DatasetError` that names the file.
"""

import io
import re
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.errors import DatasetError

if TYPE_CHECKING:
    import mido

DRUM_CHANNEL = 9  # the tenth, by General MIDI
SUSTAIN = 64  # controller; 64 and above is down
PITCHES = 128
DEFAULT_TEMPO_US = 500_000  # microseconds per quarter note: 120 bpm, where the file says nothing
LARGEST_FILE = 1 << 20  # bytes; each may become 200 bytes of messages
MOST_NOTES = 100_000
LONGEST_S = 24 * 3600.0
MOST_TICKS = 1 << 40
# A number of variable length is 4 bytes at most, but mido reads on while the high bit is set, in quadratic time.
ENDLESS_NUMBER = re.compile(rb"[\x80-\xff]{1000}")
TEMPO_FACTORS = (0.01, 100.0)


@dataclass(frozen=True)
class Note:
    """One note.

    Attributes
    ----------
    pitch : int
        0 to 127; 60 is middle C, 69 is A at 440 Hz. For drums, which drum.
    start_s, duration_s : float
        In seconds; a duration may be 0, as some drum machines write it.
    velocity : int
        1 to 127.
    channel : int
        0 to 15.
    program : int
        Of the channel when the note begins, 0 to 127.
    is_drum : bool
        Whether it is on the channel for drums.
    """

    pitch: int
    start_s: float
    duration_s: float
    velocity: int
    channel: int
    program: int
    is_drum: bool


@dataclass(frozen=True)
class TempoChange:
    """From `start_s` on, `bpm` quarter notes per minute."""

    start_s: float
    bpm: float


@dataclass(frozen=True)
class TimeSignature:
    """From `start_s` on, `numerator` notes of 1 / `denominator` in a bar."""

    start_s: float
    numerator: int
    denominator: int


@dataclass(frozen=True)
class Score:
    """What a MIDI file says is to be played.

    Attributes
    ----------
    notes : tuple of Note
        In order of start, pitch and channel.
    tempos : tuple of TempoChange
        In order of time; the first is at 0 s.
    time_signatures : tuple of TimeSignature
        In order of time; none where the file has none.
    duration_s : float
        To the last event of the file; no note ends later.
    """

    notes: tuple[Note, ...]
    tempos: tuple[TempoChange, ...]
    time_signatures: tuple[TimeSignature, ...]
    duration_s: float


def read_midi(path: Path) -> Score:
    """Read a MIDI file of type 0 or 1.

    A key that is struck again while it sounds makes a second note; each release ends the earliest. Notes that are
    released under the sustain pedal sound on until it goes up or the key is struck again; drums have no pedal. Notes
    that are never released end with the file.

    Parameters
    ----------
    path : Path
        The file, at most 1 MiB.

    Returns
    -------
    Score
        At most 100,000 notes and 24 hours.

    Raises
    ------
    DatasetError
        If the file cannot be read, is damaged, of type 2, timed by SMPTE frames, or beyond the limits.
    """
    file = _parsed(path)
    if file.type not in (0, 1):
        raise DatasetError(f"{path}: a MIDI file of type {file.type}, expected 0 or 1 (tracks that run together)")
    if file.ticks_per_beat <= 0:
        raise DatasetError(f"{path}: timed by SMPTE frames or not at all, expected ticks per quarter note")
    player = _Player(path, file.ticks_per_beat)
    for tick, message in _merged(file):
        player.take(tick, message)
    return player.score()


def transpose(score: Score, semitones: int) -> Score:
    """The score in another key.

    Parameters
    ----------
    score : Score
        What is to be moved.
    semitones : int
        -127 to 127; up where positive.

    Returns
    -------
    Score
        Drums stay as they are; notes that would leave MIDI's range are moved back into it by octaves.

    Raises
    ------
    DatasetError
        If the number is out of range.
    """
    if not -PITCHES < semitones < PITCHES or semitones != int(semitones):
        raise DatasetError(f"semitones={semitones}: expected a whole number, -127 to 127")
    notes = (
        note if note.is_drum else replace(note, pitch=_folded(note.pitch + int(semitones))) for note in score.notes
    )
    return replace(score, notes=_ordered(notes))


def scale_tempo(score: Score, factor: float) -> Score:
    """The score at another tempo.

    Parameters
    ----------
    score : Score
        What is to be played faster or slower.
    factor : float
        0.01 to 100; 2 is twice as fast, in half the time.

    Returns
    -------
    Score
        With all times divided by the factor and all tempos multiplied.

    Raises
    ------
    DatasetError
        If the factor is out of range.
    """
    if not TEMPO_FACTORS[0] <= factor <= TEMPO_FACTORS[1]:
        raise DatasetError(f"factor={factor}: expected {TEMPO_FACTORS[0]:g} to {TEMPO_FACTORS[1]:g}")
    return Score(
        notes=tuple(
            replace(note, start_s=note.start_s / factor, duration_s=note.duration_s / factor) for note in score.notes
        ),
        tempos=tuple(TempoChange(tempo.start_s / factor, tempo.bpm * factor) for tempo in score.tempos),
        time_signatures=tuple(replace(each, start_s=each.start_s / factor) for each in score.time_signatures),
        duration_s=score.duration_s / factor,
    )


def _parsed(path: Path) -> "mido.MidiFile":
    import mido  # slow to import
    from mido.midifiles.meta import KeySignatureError

    if not path.is_file():  # opening a pipe would wait for ever
        raise DatasetError(f"{path}: no file there, expected a MIDI file")
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    if len(data) > LARGEST_FILE:
        raise DatasetError(f"{path}: more than {LARGEST_FILE} bytes, expected a MIDI file of less")
    if not data.startswith(b"MThd"):
        raise DatasetError(f"{path}: begins with {data[:4]!r}, expected a MIDI file, which begins with b'MThd'")
    if ENDLESS_NUMBER.search(data):
        raise DatasetError(f"{path}: damaged, it holds a number without an end; export or copy it again")
    try:
        return mido.MidiFile(file=io.BytesIO(data))
    except (OSError, EOFError, ValueError, TypeError, LookupError, ArithmeticError, KeySignatureError) as error:
        raise DatasetError(
            f"{path}: damaged or cut off ({type(error).__name__}: {error}); export or copy it again"
        ) from error


def _merged(file: "mido.MidiFile") -> list[tuple[int, Any]]:
    """Messages of all tracks with their tick, in order of time; at one tick in the order of the file."""
    events = []
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            events.append((tick, message))
    return sorted(events, key=lambda event: event[0])


@dataclass
class _Channel:
    """What a channel sounds: by pitch, the notes whose key is down, and those that only the pedal holds."""

    program: int = 0
    pedal: bool = False
    down: defaultdict[int, deque[Note]] = field(default_factory=lambda: defaultdict(deque))
    held: defaultdict[int, list[Note]] = field(default_factory=lambda: defaultdict(list))


class _Player:
    """Takes the messages in order of time and gives the score."""

    def __init__(self, path: Path, ticks_per_beat: int) -> None:
        self._path = path
        self._ticks_per_beat = ticks_per_beat
        self._tick, self._now_s, self._tempo_us = 0, 0.0, DEFAULT_TEMPO_US
        self._channels = [_Channel() for _ in range(16)]
        self._n_begun = 0
        self._notes: list[Note] = []
        self._tempos = [TempoChange(0.0, _bpm(DEFAULT_TEMPO_US))]
        self._time_signatures: list[TimeSignature] = []

    def take(self, tick: int, message: Any) -> None:
        self._move_to(tick)
        match message.type:
            case "note_on" if message.velocity > 0:
                self._begin(message)
            case "note_on" | "note_off":
                self._release(message.channel, message.note)
            case "control_change" if message.control == SUSTAIN and message.channel != DRUM_CHANNEL:
                self._press(self._channels[message.channel], message.value >= 64)
            case "program_change":
                self._channels[message.channel].program = message.program
            case "set_tempo":
                self._set_tempo(message.tempo)
            case "time_signature":
                self._time_signatures.append(self._time_signature(message))

    def score(self) -> Score:
        for channel in self._channels:
            self._press(channel, False)
            for notes in channel.down.values():
                self._end(notes)
        return Score(_ordered(self._notes), tuple(self._tempos), tuple(self._time_signatures), self._now_s)

    def _move_to(self, tick: int) -> None:
        n_ticks = tick - self._tick
        if n_ticks > MOST_TICKS:  # as a float it might be infinite
            raise self._too_long()
        self._tick = tick
        self._now_s += n_ticks * self._tempo_us / 1e6 / self._ticks_per_beat
        if self._now_s > LONGEST_S:
            raise self._too_long()

    def _begin(self, message: Any) -> None:
        self._n_begun += 1
        if self._n_begun > MOST_NOTES:
            raise DatasetError(f"{self._path}: more than {MOST_NOTES} notes, expected fewer")
        channel = self._channels[message.channel]
        self._end(channel.held.pop(message.note, []))
        is_drum = message.channel == DRUM_CHANNEL
        note = Note(message.note, self._now_s, 0.0, message.velocity, message.channel, channel.program, is_drum)
        channel.down[message.note].append(note)

    def _release(self, number: int, pitch: int) -> None:
        channel = self._channels[number]
        if not channel.down[pitch]:
            return
        note = channel.down[pitch].popleft()
        if channel.pedal:
            channel.held[pitch].append(note)
        else:
            self._end([note])

    def _press(self, channel: _Channel, pedal: bool) -> None:
        channel.pedal = pedal
        if not pedal:
            for notes in channel.held.values():
                self._end(notes)
            channel.held.clear()

    def _end(self, notes: Iterable[Note]) -> None:
        self._notes += [replace(note, duration_s=self._now_s - note.start_s) for note in notes]

    def _set_tempo(self, tempo_us: int) -> None:
        if tempo_us == 0:
            raise DatasetError(f"{self._path}: a tempo of 0 microseconds per quarter note, expected more")
        self._tempo_us = tempo_us
        if self._tempos[-1].start_s == self._now_s:  # of two at one moment the last holds
            self._tempos.pop()
        self._tempos.append(TempoChange(self._now_s, _bpm(tempo_us)))

    def _time_signature(self, message: Any) -> TimeSignature:
        if message.numerator == 0 or message.denominator > 64:
            raise DatasetError(
                f"{self._path}: a time signature of {message.numerator}/{message.denominator}, expected 1/1 to 255/64"
            )
        return TimeSignature(self._now_s, message.numerator, message.denominator)

    def _too_long(self) -> DatasetError:
        return DatasetError(f"{self._path}: longer than {LONGEST_S / 3600:g} hours, expected less")


def _bpm(tempo_us: int) -> float:
    return 60e6 / tempo_us


def _ordered(notes: Iterable[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda note: (note.start_s, note.pitch, note.channel)))


def _folded(pitch: int) -> int:
    if pitch < 0:
        return pitch % 12
    if pitch >= PITCHES:
        return pitch - -(-(pitch - PITCHES + 1) // 12) * 12
    return pitch
