"""Recordings for the music gate that no package ships: solo instruments, drums, synthetic speech.

python -m benchmarks.gate_material --groove FOLDER --out FOLDER

Needs the programs `fluidsynth` and `espeak-ng`, a General MIDI sound font, and the Groove MIDI data set. Writes
`solos/`, `drums/` and `espeak/`, 16 kHz mono WAV, the same for the same seed and versions of the programs.
"""

import argparse
import csv
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

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
    rng = np.random.default_rng(0)
    for name in ("solos", "drums", "espeak"):
        (options.out / name).mkdir(parents=True, exist_ok=True)
    for index in range(N_SOLOS):
        with tempfile.TemporaryDirectory() as folder:
            score = Path(folder) / "solo.mid"
            compose_solo(score, rng, chords=index % 3 == 0)
            y = render(score, options.sound_font)
        soundfile.write(options.out / "solos" / f"{index:03d}.wav", y[: int(rng.uniform(6, 20) * SR)], SR)
    with (options.groove / "info.csv").open(encoding="utf-8") as file:
        long_ones = [row["midi_filename"] for row in csv.DictReader(file) if float(row["duration"]) > 20]
    for index, chosen in enumerate(rng.permutation(len(long_ones))[:N_DRUMS]):
        y = render(options.groove / long_ones[chosen], options.sound_font)
        start = int(rng.uniform(0, max(y.size - 12 * SR, 1)))
        soundfile.write(options.out / "drums" / f"{index:03d}.wav", y[start : start + 12 * SR], SR)
    for index in range(N_TALKS):
        target = options.out / "espeak" / f"{index:03d}.wav"
        pace, pitch, start = rng.integers(110, 220), rng.integers(20, 80), rng.integers(0, 150)
        voice = ["-v", VOICES[index % len(VOICES)], "-s", str(pace), "-p", str(pitch)]
        subprocess.run(["espeak-ng", *voice, "-w", str(target), TEXT[start : start + 200]], check=True)


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
