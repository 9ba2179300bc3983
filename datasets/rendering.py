"""From a song to sound: FluidSynth plays it with a General MIDI sound font, then it is mixed.

FluidSynth and the font are programs and data of the system, not Python packages: `apt install fluidsynth
fluid-soundfont-gm` on Debian and Ubuntu. The same song, seed, versions of FluidSynth and of the font give the same
samples.
"""

import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.composers.song import Part, Song
from datasets.errors import DatasetError
from datasets.midi_file import midi_bytes
from datasets.mixing import amplify, master, panned, reverberant
from datasets.voice import VOICE_SR, vocalise

SR = 44100  # Hz
FONT_NAMES = ("FluidR3_GM.sf2", "FluidR3_GM2-2.sf2", "default-GM.sf2")
FONT_FOLDERS = ("/usr/share/sounds/sf2", "/usr/share/soundfonts", "/usr/local/share/soundfonts")
SYNTH_GAIN = 0.4  # no sum of parts clips in its float output anyway; this keeps numbers near full scale
TIMEOUT_S = 300.0
ADVICE = "on Debian and Ubuntu: apt install fluidsynth fluid-soundfont-gm"


class RendererMissing(DatasetError):
    """FluidSynth or a sound font is not on this machine."""


def find_sound_font(path: Path | None = None) -> Path:
    """The General MIDI sound font: the one given, `GENRELAB_SOUND_FONT`, or the system's FluidR3.

    Raises
    ------
    RendererMissing
        If FluidSynth or the font is missing; the message says how to get it.
    """
    if shutil.which("fluidsynth") is None:
        raise RendererMissing(f"the program fluidsynth is not installed; {ADVICE}")
    named = path or (Path(os.environ["GENRELAB_SOUND_FONT"]) if "GENRELAB_SOUND_FONT" in os.environ else None)
    if named is not None:
        if not named.is_file():
            raise RendererMissing(f"{named}: no sound font there; give the path of a General MIDI .sf2")
        with named.open("rb") as file:  # FluidSynth would play a broken one as silence, without a word
            form, kind = file.read(4), file.read(8)[4:]
        if (form, kind) != (b"RIFF", b"sfbk"):
            raise RendererMissing(f"{named}: no sound font by its content; give the path of a General MIDI .sf2")
        return named
    for folder in FONT_FOLDERS:
        for name in FONT_NAMES:
            if (Path(folder) / name).is_file():
                return Path(folder) / name
    raise RendererMissing(f"no sound font {FONT_NAMES[0]} in {', '.join(FONT_FOLDERS)}; {ADVICE}")


def render(song: Song, *, seconds: float, sound_font: Path, seed: int = 0, sr: int = SR) -> np.ndarray:
    """Play a song.

    Parameters
    ----------
    song : Song
        What is played.
    seconds : float
        Length of the clip: a longer song is cut, a shorter one ends in silence.
    sound_font : Path
        As `find_sound_font` gives it.
    seed : int
        Of the noise that `song.mix` may ask for, and of what voices sing.
    sr : int
        Sampling rate in Hz, 8,000 to 96,000.

    Returns
    -------
    np.ndarray, shape (round(seconds * sr), 2), float32
        Peaks stay below full scale.

    Raises
    ------
    DatasetError
        If FluidSynth fails; the message holds what it said.
    """
    n_samples = round(seconds * sr)
    y = np.zeros((n_samples, 2), np.float32)
    driven = [part for part in song.parts if part.drive > 0 and part.voice is None]
    if clean := [part for part in song.parts if part.drive == 0 and part.voice is None]:
        y += _synthesise(song, clean, n_samples, sound_font, sr)
    for part in driven:  # each through an amplifier of its own: two guitars in one would growl at each other
        dry = _synthesise(song, [replace(part, reverb=0.0, chorus=0.0, pan=0.0)], n_samples, sound_font, sr)
        y += panned(amplify(dry, part.drive, sr=sr), part.pan)
    for index, part in enumerate(song.parts):
        if part.voice is not None:
            y += _vocals(song, part, n_samples, seed, np.random.default_rng((seed, index)), sr)
    return master(y, song.mix, sr=sr, rng=np.random.default_rng(seed))


def _vocals(song: Song, part: Part, n_samples: int, text: int, rng: np.random.Generator, sr: int) -> np.ndarray:
    import soxr

    assert part.voice is not None
    seconds = n_samples / sr
    dry = vocalise(part.notes, part.voice, tempo_bpm=song.tempo_bpm, seconds=seconds, text=text, rng=rng)
    stereo = np.repeat(10 ** (part.gain_db / 20) * dry[:, np.newaxis], 2, axis=1)
    if part.drive > 0:
        stereo = amplify(stereo, part.drive, sr=VOICE_SR)
    stereo = panned(stereo, part.pan)
    if part.reverb:
        stereo = reverberant(stereo, song.mix.room, part.reverb, sr=VOICE_SR, rng=rng)
    y = soxr.resample(stereo, VOICE_SR, sr)[:n_samples]
    return np.pad(y, ((0, n_samples - len(y)), (0, 0)))


def _synthesise(song: Song, parts: list[Part], n_samples: int, sound_font: Path, sr: int) -> np.ndarray:
    with tempfile.TemporaryDirectory(prefix="genrelab-render-") as folder:
        score, raw = Path(folder) / "score.mid", Path(folder) / "sound.raw"
        score.write_bytes(midi_bytes(song, parts))
        settings = {
            "synth.reverb.room-size": 0.2 + 0.7 * song.mix.room,
            "synth.reverb.level": 0.6,
            "synth.reverb.damp": 0.3,
            "synth.polyphony": 256,
            "synth.cpu-cores": 1,
        }
        wet = any(part.reverb or part.chorus for part in parts)
        options = [item for name, value in settings.items() for item in ("-o", f"{name}={value}")]
        switches = ["-R", str(int(wet)), "-C", str(int(wet)), "-g", str(SYNTH_GAIN), "-r", str(sr)]
        target = ["-O", "float", "-T", "raw", "-E", "little", "-F", str(raw)]
        command = ["fluidsynth", "-ni", "-q", *options, *switches, *target, str(sound_font), str(score)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
        except FileNotFoundError as error:
            raise RendererMissing(f"the program fluidsynth is not installed; {ADVICE}") from error
        except subprocess.TimeoutExpired as error:
            raise DatasetError(f"fluidsynth did not finish a song within {TIMEOUT_S:g} s") from error
        # In place of a damaged font it plays the system's own, with exit code 0: only its words tell.
        if done.returncode != 0 or not raw.is_file() or b"fluidsynth: error" in done.stderr:
            words = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
            raise DatasetError(f"fluidsynth could not play the song: {words}")
        found = np.fromfile(raw, dtype="<f4")
    y = found[: len(found) // 2 * 2].reshape(-1, 2)[:n_samples]
    return np.pad(y, ((0, n_samples - len(y)), (0, 0)))
