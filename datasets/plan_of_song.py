"""What a song has planned for every frame of its recording: metre, harmony, bass, form and drums, without timbre.

Frame i lasts from i / frames_per_s to (i + 1) / frames_per_s seconds. Beats and bars follow the song's grid; what
people play around it (swing, pick-ups, rubato, notes behind the beat) is in the notes, so that harmony, bass and
drums are where they are heard.
"""

from collections.abc import Iterable

import numpy as np

from datasets.composers.drums import DRUMS
from datasets.composers.song import Note, Part, Song
from datasets.errors import DatasetError

FRAME_BLOCKS = {"pulse": 4, "harmony": 12, "bass": 12, "form": 3, "drums": 3}  # values in a frame, in this order
BASS_PARTS = ("bass", "basses", "sub", "thumb")  # names that composers give them
BASS_BELOW = 48  # MIDI pitch: without such a part, notes below it are the bass
DRUM_CLASSES = {  # by how they sound; a drum of no class is none of a kit
    "kick": ("kick", "floor_tom", "low_tom", "low_conga", "low_bongo", "low_timbale"),
    "snare": (
        *("side_stick", "snare", "clap", "snare_2", "mid_tom", "high_tom", "high_bongo", "mute_conga", "open_conga"),
        *("high_timbale", "high_woodblock", "low_woodblock", "claves"),
    ),
    "hat": (
        *("closed_hat", "pedal_hat", "open_hat", "crash", "ride", "china", "ride_bell", "tambourine", "splash"),
        *("cowbell", "crash_2", "high_agogo", "low_agogo", "cabasa", "maracas", "short_guiro", "long_guiro"),
        *("mute_triangle", "open_triangle", "shaker"),
    ),
}
CLASS_OF_DRUM = {DRUMS[name]: index for index, names in enumerate(DRUM_CLASSES.values()) for name in names}
MAX_FRAMES_PER_S = 1000.0
QUIET = 0.03  # of the loudest pitch class of a plan: 30 dB below it


def plan_of_song(song: Song, *, n_frames: int, frames_per_s: float) -> dict[str, np.ndarray]:
    """The plan that a recording of a song follows.

    Parameters
    ----------
    song : Song
        Played from beat 0 on at time 0, as `rendering.render` does.
    n_frames : int
        Frames from time 0, at least 1; where the song has ended there is silence, and the metre goes on.
    frames_per_s : float
        Their rate, above 0, at most 1,000.

    Returns
    -------
    dict of str to np.ndarray, shape (n_frames, FRAME_BLOCKS[name]), float32
        pulse : sine and cosine of the place in the beat, then in the bar, at the frame's start; -1 to 1.
        harmony, bass : by pitch class from C, how loudly it sounds among the parts without and with the role of a
            bass, relative to the loudest of the frame, or to `QUIET` where all is softer; 0 to 1.
        form : place in the section, 0 to 1; 1 in every second section, else 0; energy of the section, 0 to 1.
        drums : velocity of the strongest stroke that begins in the frame, for each of `DRUM_CLASSES`; 0 to 1.

    Raises
    ------
    DatasetError
        If a number is out of range.
    """
    if n_frames < 1:
        raise DatasetError(f"n_frames={n_frames}: expected 1 or more")
    if not 0 < frames_per_s <= MAX_FRAMES_PER_S:
        raise DatasetError(f"frames_per_s={frames_per_s}: expected more than 0, at most {MAX_FRAMES_PER_S:g}")
    frames_per_beat = frames_per_s * 60 / song.tempo_bpm
    beats = np.arange(n_frames) / frames_per_beat
    pitched = [part for part in song.parts if not part.instrument.is_drums]
    basses, others = _by_role(pitched)
    drums = [note for part in song.parts if part.instrument.is_drums for note in part.notes]
    blocks = {
        "pulse": np.concatenate([_turn(beats), _turn(beats / song.beats_per_bar)], axis=1),
        "harmony": _pitch_classes(others, n_frames, frames_per_beat),
        "bass": _pitch_classes(basses, n_frames, frames_per_beat),
        "form": _form(song, beats / song.beats_per_bar),
        "drums": _strokes(drums, n_frames, frames_per_beat),
    }
    return {name: block.astype(np.float32) for name, block in blocks.items()}


def _turn(phase: np.ndarray) -> np.ndarray:
    """Sine and cosine of a phase in turns."""
    return np.stack([np.sin(2 * np.pi * phase), np.cos(2 * np.pi * phase)], axis=1)


def _by_role(parts: Iterable[Part]) -> tuple[list[tuple[Note, float]], list[tuple[Note, float]]]:
    """Notes of the bass and all others, each with its loudness as an amplitude."""
    named = [part for part in parts if part.name in BASS_PARTS]
    basses: list[tuple[Note, float]] = []
    others: list[tuple[Note, float]] = []
    for part in parts:
        for note in part.notes:
            # General MIDI squares velocities, as it does the controller of a part's volume.
            heard = (note, (note.velocity / 127) ** 2 * 10 ** (part.gain_db / 20))
            is_bass = part.name in BASS_PARTS if named else note.pitch < BASS_BELOW
            (basses if is_bass else others).append(heard)
    return basses, others


def _pitch_classes(notes: Iterable[tuple[Note, float]], n_frames: int, frames_per_beat: float) -> np.ndarray:
    loudness = np.zeros((n_frames, 12))
    for note, amplitude in notes:
        start, end = note.start * frames_per_beat, min(note.end * frames_per_beat, n_frames)
        if start >= end:
            continue
        first, last = int(start), int(np.ceil(end))
        frames = np.arange(first, last)
        covered = np.minimum(frames + 1, end) - np.maximum(frames, start)  # share of each frame
        loudness[first:last, note.pitch % 12] += amplitude * covered
    loudest = np.maximum(loudness.max(axis=1, keepdims=True), QUIET * loudness.max())
    return np.divide(loudness, loudest, out=np.zeros_like(loudness), where=loudest > 0)


def _form(song: Song, bars: np.ndarray) -> np.ndarray:
    starts = np.array([section.start_bar for section in song.sections])
    lengths = np.array([section.n_bars for section in song.sections])
    energies = np.array([section.energy for section in song.sections])
    index = np.searchsorted(starts, bars, side="right") - 1
    place = np.clip((bars - starts[index]) / lengths[index], 0, 1)
    return np.stack([place, index % 2, energies[index]], axis=1)


def _strokes(notes: Iterable[Note], n_frames: int, frames_per_beat: float) -> np.ndarray:
    strength = np.zeros((n_frames, len(DRUM_CLASSES)))
    for note in notes:
        frame = int(note.start * frames_per_beat + 1e-6)  # what is on the edge is not early for rounding
        if frame < n_frames and note.pitch in CLASS_OF_DRUM:
            place = frame, CLASS_OF_DRUM[note.pitch]
            strength[place] = max(strength[place], note.velocity / 127)
    return strength
