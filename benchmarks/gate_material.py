"""Lays out the recordings that the music gate learns from and is tested on: games' music, voices and effects.

python -m benchmarks.gate_material --groove FOLDER --out FOLDER

Needs a Debian system with the packages of `PACKAGES` (`apt-get install`), the programs `fluidsynth` and `espeak-ng`,
a General MIDI sound font, and the Groove MIDI data set. Recordings of packages are linked; solo instruments, drums
and synthetic speech, which no package ships, are made: 16 kHz mono WAV, the same for the same seed and versions of the
programs.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from datasets.sources import LICENCE_FILE

SR = 16000
SOUND_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
N_SOLOS = 110
N_DRUMS = 60
N_TALKS = 60
VOICES = [
    "en-us",
    "en-gb",
    "de",
    "fr",
    "es",
    "it",
    "pl",
    "ru",
    "en-us+f3",
    "en-gb+m5",
    "fr+f2",
    "de+f4",
    "pt",
    "nl",
    "sv",
]
GAMES = Path("/usr/share/games")
HEDGEWARS = GAMES / "hedgewars/Data"
VOICE_PACKS = [
    "British",
    "Classic",
    "Default",
    "Default_es",
    "Default_pl",
    "Default_ru",
    "Default_uk",
    "HillBilly",
    "Mobster",
    "Pirate",
    "Robot",
    "Russian",
    "Russian_pl",
    "Surfer",
]  # not Singer: singing is music
PHONE = Path("/usr/share/asterisk/sounds")
PHONE_LICENCE = "CC-BY-SA-3.0"
PACKAGES = [
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-fr-wav",
    "asterisk-core-sounds-it-wav",
    "extremetuxracer-data",
    "frozen-bubble-data",
    "hedgewars-data",
    "hyperrogue-music",
    "singularity-music",
    "sound-theme-freedesktop",
    "supertuxkart-data",
    "warzone2100-music",
    "wesnoth-1.16-music",
    "xmoto-data",
]
LINKED = {  # target: folder, licence as Debian's copyright file of the package states it
    "train/music/wesnoth-music": (GAMES / "wesnoth/1.16/data/core/music", "GPL-2+"),
    "train/music/hedgewars-music": (HEDGEWARS / "Music", "GPL-2"),
    "train/music/supertuxkart-music": (GAMES / "supertuxkart/data/music", "CC-BY-SA-3.0 and others"),
    "train/music/warzone2100-music": (GAMES / "warzone2100/music/albums", "GPL-2+ and others"),
    **{f"train/speech/{name}": (HEDGEWARS / "Sounds/voices" / name, "GPL-2") for name in VOICE_PACKS},
    "train/speech/asterisk-allison": (PHONE / "en_US_f_Allison", PHONE_LICENCE),
    "train/effect/hedgewars-effects": (HEDGEWARS / "Sounds", "GPL-2"),
    "train/effect/supertuxkart-effects": (GAMES / "supertuxkart/data/sfx", "CC-BY-SA-3.0 and others"),
    "test/music/frozen-bubble-music": (GAMES / "frozen-bubble/snd", "GPL-2"),
    "test/music/hyperrogue-music": (Path("/usr/share/hyperrogue/music"), "CC-BY-SA-3.0 and others"),
    "test/music/singularity-music": (GAMES / "singularity/music", "CC-BY-SA-3.0 and others"),
    "test/music/xmoto-music": (GAMES / "xmoto/Textures/Musics", "GPL-2+"),
    "test/music/extremetuxracer-music": (GAMES / "etr/music", "GPL-2+"),
    "test/speech/asterisk-june": (PHONE / "fr_CA_f_June", PHONE_LICENCE),
    "test/speech/asterisk-carlo": (PHONE / "it_IT_m_Carlo", PHONE_LICENCE),
    "test/effect/hyperrogue-effects": (Path("/usr/share/hyperrogue/sounds"), "CC-BY-SA-3.0 and others"),
    "test/effect/freedesktop-effects": (Path("/usr/share/sounds/freedesktop/stereo"), "CC-BY-SA-3.0 and others"),
}
SUFFIXES = (".ogg", ".oga", ".opus", ".wav")
MIN_MUSIC_BYTES = 100_000  # a game's folder of music holds its noises too
MADE = {  # target: licence of what it is made from
    "train/music/solos": "MIT (FluidR3_GM)",
    "train/music/drums": "CC-BY-4.0 (Groove MIDI), MIT (FluidR3_GM)",
    "train/speech/espeak": "Apache-2.0 (the text), read by eSpeak NG",
}
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
TICKS_PER_BEAT = 480
TEXT = (
    "The licensor grants you a licence to use the work as long as you keep this notice. You may change the work and "
    "give it to others, if you say what you changed. There is no warranty of any kind, and nobody is liable for what "
    "the work does or fails to do. If you do not agree, you may not use the work at all, and you should delete it."
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groove", type=Path, required=True, help="folder of the Groove MIDI data set")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sound-font", type=Path, default=SOUND_FONT)
    options = parser.parse_args(arguments)
    if missing := [str(folder) for folder, _ in LINKED.values() if not folder.is_dir()]:
        sys.exit(f"{', '.join(missing)}: not there; apt-get install {' '.join(PACKAGES)}")
    for target, (folder, licence) in LINKED.items():
        link_recordings(folder, _source(options.out / target, licence))
    solos, drums, espeak = (_source(options.out / target, licence) for target, licence in MADE.items())
    rng = np.random.default_rng(0)
    for index in range(N_SOLOS):
        with tempfile.TemporaryDirectory() as folder:
            score = Path(folder) / "solo.mid"
            compose_solo(score, rng, chords=index % 3 == 0)
            y = render(score, options.sound_font)
        soundfile.write(solos / f"{index:03d}.wav", y[: int(rng.uniform(6, 20) * SR)], SR)
    with (options.groove / "info.csv").open(encoding="utf-8") as file:
        long_ones = [row["midi_filename"] for row in csv.DictReader(file) if float(row["duration"]) > 20]
    for index, chosen in enumerate(rng.permutation(len(long_ones))[:N_DRUMS]):
        y = render(options.groove / long_ones[chosen], options.sound_font)
        start = int(rng.uniform(0, max(y.size - 12 * SR, 1)))
        soundfile.write(drums / f"{index:03d}.wav", y[start : start + 12 * SR], SR)
    for index in range(N_TALKS):
        target = espeak / f"{index:03d}.wav"
        pace, pitch, start = rng.integers(110, 220), rng.integers(20, 80), rng.integers(0, 150)
        voice = ["-v", VOICES[index % len(VOICES)], "-s", str(pace), "-p", str(pitch)]
        subprocess.run(["espeak-ng", *voice, "-w", str(target), TEXT[start : start + 200]], check=True)


def link_recordings(folder: Path, target: Path) -> None:
    """Link the recordings of a folder; of effects, only those that lie in it and not deeper."""
    deep = target.parent.name != "effect"
    least = MIN_MUSIC_BYTES if target.parent.name == "music" else 1
    for path in sorted(folder.rglob("*") if deep else folder.glob("*")):
        if path.suffix.lower() in SUFFIXES and path.parent.name != "silence" and path.stat().st_size >= least:
            # The decoder goes by content; `.oga` is Ogg.
            name = f"{path.parent.name}-{path.stem}".removeprefix(f"{folder.name}-")
            suffix = ".ogg" if path.suffix == ".oga" else path.suffix
            (target / f"{name}{suffix}").symlink_to(path)


def _source(target: Path, licence: str) -> Path:
    target.mkdir(parents=True)
    (target / LICENCE_FILE).write_text(licence + "\n", encoding="utf-8")
    return target


def compose_solo(target: Path, rng: np.random.Generator, *, chords: bool) -> None:
    """A random walk over a scale on a random melodic instrument, one note at a time or in triads."""
    import mido

    track = mido.MidiTrack([mido.Message("program_change", program=int(rng.integers(0, 110)))])
    scale = MAJOR if rng.random() < 0.5 else MINOR
    root, degree, step = int(rng.integers(48, 72)), 0, int(rng.uniform(140, 400))
    for _ in range(40):
        degree += int(rng.integers(-2, 3))
        steps = [degree + third for third in ((0, 2, 4) if chords else (0,))]
        notes = [int(np.clip(root + 12 * (s // 7) + scale[s % 7], 30, 96)) for s in steps]
        loudness = int(rng.integers(60, 110))
        track += [mido.Message("note_on", note=note, velocity=loudness) for note in notes]
        wait = step * int(rng.choice([1, 1, 2, 4]))
        track += [mido.Message("note_off", note=note, time=0 if i else wait) for i, note in enumerate(notes)]
    score = mido.MidiFile(ticks_per_beat=TICKS_PER_BEAT)
    score.tracks.append(track)
    score.save(target)


def render(score: Path, sound_font: Path) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "score.wav"
        command = ["fluidsynth", "-ni", "-q", "-g", "0.7", "-r", str(SR), "-F", str(wav), str(sound_font), str(score)]
        subprocess.run(command, check=True, capture_output=True)
        y, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    return y.mean(axis=1)


if __name__ == "__main__":
    main()
