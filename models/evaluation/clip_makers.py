"""Who makes the clips that are measured: the generator, baselines over the same codes, composers, the autoencoder.

All give clips of `features.log_mel.SR`. The autoencoder is the limit of whatever is made of its codes: it is given real
recordings, so that what is missing then is what codes and vocoder lose.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from datasets.composers import compose, make_brief
from datasets.manifest import Manifest, Recording
from datasets.rendering import find_sound_font, render
from features.audio import load
from features.log_mel import SR, log_mel
from features.resampling import to_mono
from models.clip_plan import outline
from models.clip_sound import frames_for, sound_of_codes
from models.clip_wish import ClipWish
from models.errors import ModelError
from models.evaluation.real_reference import RealReference
from models.plan import Plan
from models.vocoder import Vocoder
from models.vqvae_inference import VqvaeInference

Codes = Callable[[Plan, int], np.ndarray]  # of a plan and a seed: (n_codebooks, n_frames)


@dataclass(frozen=True)
class RawClip:
    """Samples (n_samples,) at `sr`, and how they were made."""

    y: np.ndarray
    sr: int = SR
    report: dict[str, Any] = field(default_factory=dict)

    def samples(self) -> np.ndarray:
        """The samples."""
        return self.y


@dataclass(frozen=True)
class Sounding:
    """What makes sound of codes, and codes of sound: the generator's autoencoder and vocoder."""

    autoencoder: VqvaeInference
    vocoder: Vocoder

    @classmethod
    def load(cls, folder: Path) -> "Sounding":
        """Those of a generator's folder; errors as `VqvaeInference.load`."""
        return cls(VqvaeInference.load(folder / "autoencoder"), Vocoder.load(folder / "vocoder"))

    def sound(self, codes: np.ndarray, n_samples: int) -> np.ndarray:
        """Samples of codes: (n_codebooks, n_frames) to (n_samples,)."""
        blocks: Iterator[np.ndarray] = sound_of_codes(
            codes, autoencoder=self.autoencoder, vocoder=self.vocoder, n_samples=n_samples
        )
        return np.concatenate(list(blocks))

    def through(self, y: np.ndarray) -> np.ndarray:
        """A recording at `SR`, encoded, decoded and vocoded: (n_samples,) to the same."""
        return self.sound(self.autoencoder.encode(log_mel(y)), y.size)


@dataclass(frozen=True)
class CodeBaseline:
    """A baseline that draws codes, told of the same plan as the prior, and heard through the same vocoder."""

    name: str
    genres: tuple[str, ...]
    codes: Codes
    sounding: Sounding

    def make(self, wish: ClipWish) -> RawClip:
        """A clip; the same for the same wish."""
        n_samples = round(wish.seconds * SR)
        planned = outline(
            wish,
            None,
            n_frames=frames_for(n_samples),
            n_codebooks=self.sounding.autoencoder.settings.n_codebooks,
            genres=self.genres,
        )
        return RawClip(self.sounding.sound(self.codes(planned.mix.leading, wish.seed), n_samples))


class Composers:
    """The composers themselves, played by a synthesizer: what the rendered corpus is made of."""

    name = "composers"

    def __init__(self) -> None:
        self._sound_font = find_sound_font()

    def make(self, wish: ClipWish) -> RawClip:
        """A clip of one genre. Raises ModelError for a blend, which no composer writes."""
        if len(wish.genre) != 1:
            raise ModelError(f"a blend of {', '.join(wish.genre)}: composers write one genre at a time")
        brief = make_brief(
            next(iter(wish.genre)),
            wish.seed,
            seconds=wish.seconds,
            tempo_bpm=wish.tempo_bpm,
            key=wish.key,
            energy=wish.energy,
        )
        y = render(compose(brief), seconds=wish.seconds, sound_font=self._sound_font, seed=wish.seed, sr=SR)
        return RawClip(to_mono(y))


class AutoencodedRecordings:
    """Held-out recordings, encoded, decoded and vocoded.

    Parameters
    ----------
    manifest : Manifest
        The recordings that the reference was made of.
    reference : RealReference
        Only recordings of its first half, and of its test part, are taken: those that nothing is compared with.
    through : callable
        What is done to samples at `SR`.
    seed : int
        Of the halves.
    """

    name = "autoencoder"

    def __init__(
        self,
        manifest: Manifest,
        reference: RealReference,
        through: Callable[[np.ndarray], np.ndarray],
        *,
        seed: int = 0,
    ) -> None:
        first, _ = reference.halves(seed=seed)
        allowed = set(reference.ids[first & reference.of_split("test")].tolist())
        self._recordings: dict[str, list[Recording]] = {}
        for recording in manifest:
            if recording.path.stem in allowed:
                self._recordings.setdefault(recording.label, []).append(recording)
        if not self._recordings:
            raise ModelError(f"{manifest.name} holds none of the recordings of {reference.name}")
        self._through = through

    def wishes(self, per_genre: int, *, seconds: float, length_s: float) -> list[ClipWish]:
        """Excerpts that can be made: genre, tempo and key are the recording's, the seed says which excerpt it is.

        Parameters
        ----------
        per_genre : int
            As many of each genre, or as there are.
        seconds, length_s : float
            Length of an excerpt, and of each recording; excerpts do not overlap.
        """
        per_recording = max(1, int(length_s // seconds))
        return [
            ClipWish(
                genre={genre: 1.0},
                seconds=seconds,
                seed=number,
                tempo_bpm=recordings[number % len(recordings)].details["tempo_bpm"],
                key=recordings[number % len(recordings)].details["key"],
            )
            for genre, recordings in self._recordings.items()
            for number in range(min(per_genre, len(recordings) * per_recording))
        ]

    def make(self, wish: ClipWish) -> RawClip:
        """An excerpt of `wishes`, after the codes. Raises ModelError for a genre of which there are no recordings."""
        genre = next(iter(wish.genre))
        if genre not in self._recordings:
            raise ModelError(f"no held-out recordings of {genre}; there are some of {', '.join(self._recordings)}")
        recordings = self._recordings[genre]
        turn, index = divmod(wish.seed, len(recordings))
        y = load(recordings[index].path, sr=SR, offset_s=turn * wish.seconds, duration_s=wish.seconds)
        return RawClip(self._through(y))
