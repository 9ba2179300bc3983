"""Songs as standard MIDI files: one track a part, one channel a part, percussion on channel 10."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from datasets.composers.song import Part, Song
from datasets.errors import DatasetError

if TYPE_CHECKING:
    import mido

TICKS_PER_BEAT = 480
DRUM_CHANNEL = 9
PITCHED_CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
FULL_VOLUME = 100  # of controller 7, at 0 dB
BANK, VOLUME, PAN, REVERB, CHORUS = 0, 7, 10, 91, 93  # controllers


def midi_bytes(song: Song, parts: Sequence[Part] | None = None) -> bytes:
    """A song as a MIDI file of type 1.

    Parameters
    ----------
    song : Song
        Tempo and metre are taken from it.
    parts : sequence of Part, optional
        Only these of its parts.

    Raises
    ------
    DatasetError
        If there are more parts than channels, or a note is outside MIDI's range.
    """
    import mido

    chosen = song.parts if parts is None else tuple(parts)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    conductor = mido.MidiTrack()
    conductor.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(song.tempo_bpm)))
    conductor.append(mido.MetaMessage("time_signature", numerator=song.beats_per_bar, denominator=4))
    file.tracks.append(conductor)
    for part, channel in zip(chosen, _channels(chosen), strict=True):
        file.tracks.append(_track(part, channel))
    buffer = BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def _channels(parts: Sequence[Part]) -> list[int]:
    if sum(part.instrument.is_drums for part in parts) > 1:
        raise DatasetError("more than one part of drums: MIDI has one channel for them")
    free = iter(PITCHED_CHANNELS)
    try:
        return [DRUM_CHANNEL if part.instrument.is_drums else next(free) for part in parts]
    except StopIteration:
        raise DatasetError(f"{len(parts)} parts: MIDI has {len(PITCHED_CHANNELS)} channels for pitched ones") from None


def _track(part: Part, channel: int) -> "mido.MidiTrack":
    import mido

    track = mido.MidiTrack([mido.MetaMessage("track_name", name=part.name)])
    if not part.instrument.is_drums:
        track.append(mido.Message("control_change", channel=channel, control=BANK, value=part.instrument.bank))
    track.append(mido.Message("program_change", channel=channel, program=part.instrument.program))
    volume = FULL_VOLUME * 10 ** (part.gain_db / 40)  # the synthesiser squares it
    for control, value in (
        (VOLUME, volume),
        (PAN, 64 + 63 * part.pan),
        (REVERB, 127 * part.reverb),
        (CHORUS, 127 * part.chorus),
    ):
        number = int(min(max(round(value), 0), 127))
        track.append(mido.Message("control_change", channel=channel, control=control, value=number))
    now = 0
    for tick, kind, pitch, velocity in _events(part):
        track.append(mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=tick - now))
        now = tick
    return track


def _events(part: Part) -> list[tuple[int, str, int, int]]:
    """Notes on and off by time; a note ends before the same pitch begins again."""
    events = []
    for note in part.notes:
        if not (0 <= note.pitch <= 127 and 1 <= note.velocity <= 127 and note.start >= 0):
            raise DatasetError(f"part {part.name!r}: {note} is outside MIDI's range")
        start = round(note.start * TICKS_PER_BEAT)
        end = max(round(note.end * TICKS_PER_BEAT), start + 1)
        events += [(start, "note_on", note.pitch, note.velocity), (end, "note_off", note.pitch, 0)]
    return sorted(events)  # "note_off" sorts before "note_on"
