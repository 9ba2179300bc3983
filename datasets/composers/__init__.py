"""Composers: one for each genre, rule-based and statistical, that write songs of a known tempo, key, form and energy.

Each genre is a module with a `STYLE`. What they share: chord grammars (`harmony`), finite-state forms (`forms`),
Markov melodies (`melody`), hidden Markov harmonies (`harmoniser`), voice leading (`voicing`), drum patterns
(`drums`), human timing (`humanise`) and the presets of the sound font (`instruments`).
"""

import hashlib
import re
from importlib import import_module

import numpy as np

from datasets.composers.instruments import Palette, Side
from datasets.composers.song import TONICS, Mode, Song
from datasets.composers.style import Brief, Style
from datasets.errors import DatasetError

GTZAN = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
NICHE = ("bossa_nova", "cumbia", "drum_and_bass", "waltz")
GENRES = (*GTZAN, *NICHE)
TEMPO_BPM = (30.0, 300.0)  # that may be asked for
SECONDS = (1.0, 600.0)
KEY = re.compile(r"(?P<tonic>[A-G][#b]?) (?P<mode>major|minor)")
OTHER_NAMES = {"Db": "C#", "D#": "Eb", "Fb": "E", "E#": "F", "Gb": "F#", "G#": "Ab", "A#": "Bb", "Cb": "B", "B#": "C"}


def compose(brief: Brief) -> Song:
    """Write the song of a brief: the same song for the same brief."""
    rng = _generator(brief.genre, brief.seed, "song")
    return style_of(brief.genre).compose(brief, rng, Palette(brief.instruments, rng))


def make_brief(
    genre: str,
    seed: int,
    *,
    seconds: float = 30.0,
    tempo_bpm: float | None = None,
    key: str | None = None,
    energy: float | None = None,
    instruments: Side = "all",
) -> Brief:
    """Fill in what is usual for a genre where nothing is wished for.

    Parameters
    ----------
    genre : str
        One of `GENRES`.
    seed : int
        0 or more; what is not given is drawn from it.
    seconds : float
        Length, within `SECONDS`.
    tempo_bpm : float, optional
        Quarter notes per minute, within `TEMPO_BPM`.
    key : str, optional
        Such as "A minor" or "Eb major".
    energy : float, optional
        0 to 1.
    instruments : "training", "held_out" or "all"
        Which presets may play.

    Raises
    ------
    DatasetError
        If a value is outside its range.
    """
    style = style_of(genre)
    rng = _generator(genre, seed, "brief")
    usual_tempo, minor = rng.uniform(*style.tempo_bpm), rng.random() < style.minor
    usual_tonic, usual_energy = int(rng.integers(12)), rng.uniform(*style.energy)
    for name, value, (low, high) in (
        ("seconds", seconds, SECONDS),
        ("tempo_bpm", tempo_bpm, TEMPO_BPM),
        ("energy", energy, (0.0, 1.0)),
    ):
        if value is not None and not low <= value <= high:
            raise DatasetError(f"{name}={value}: expected {low:g} to {high:g}")
    usual_mode: Mode = "minor" if minor else "major"
    tonic, mode = (usual_tonic, usual_mode) if key is None else parse_key(key)
    return Brief(
        genre=genre,
        seed=seed,
        seconds=seconds,
        tempo_bpm=round(usual_tempo, 1) if tempo_bpm is None else float(tempo_bpm),
        tonic=tonic,
        mode=mode,
        energy=round(usual_energy, 3) if energy is None else float(energy),
        instruments=instruments,
    )


def parse_key(key: str) -> tuple[int, Mode]:
    """Pitch class and mode of a key such as "F# minor". Raises DatasetError for anything else."""
    found = KEY.fullmatch(key.strip())
    if not found:
        raise DatasetError(f"key {key!r}: expected a tonic and a mode, such as 'A minor' or 'Eb major'")
    tonic = OTHER_NAMES.get(found["tonic"], found["tonic"])
    return TONICS.index(tonic), "minor" if found["mode"] == "minor" else "major"


def style_of(genre: str) -> Style:
    """What a genre's composer declares. Raises DatasetError for a genre that has none."""
    if genre not in GENRES:
        raise DatasetError(f"no composer for {genre!r}; there are {', '.join(GENRES)}")
    return import_module(f"datasets.composers.{genre}").STYLE


def _generator(genre: str, seed: int, purpose: str) -> np.random.Generator:
    """Independent of every other genre, seed and purpose."""
    if seed < 0:
        raise DatasetError(f"seed={seed}: expected 0 or more")
    digest = hashlib.sha256(f"{genre}/{seed}/{purpose}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
