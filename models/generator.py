"""The generator: makes a clip as it was wished for, from the plan of a composer, a prior over codes and a vocoder.

    from models import Generator
    Generator.load().generate({"jazz": 0.7, "blues": 0.3}, seconds=10, seed=1).samples()

A composer writes what is to be played and the prior plays it: no recording of it is ever rendered. A take that is
silent, stuck, or that repeats the training material for too long is thrown away and made again, from another plan and
with a derived seed. The same wish gives the same clip, to the last bit, on one machine.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from features.audio import load, open_audio
from features.errors import FeatureError
from features.log_mel import FRAMES_PER_S, HOP_LENGTH, SR, log_mel
from features.looping import close_loop, loop_samples, seam_error
from features.mastering import gain_to_target, loudness_of, master
from features.resampling import MonoResampler
from models.blas_threads import one_blas_thread
from models.clip import Clip
from models.clip_measurement import Measurement, measure
from models.clip_plan import Outline, looped, metre_of, mixed_genres, outline
from models.clip_sound import frames_for, joined, sound_of_codes
from models.clip_source import SHORTEST_S, Source, Use
from models.clip_wish import SECONDS, ClipWish, derived_seed
from models.code_stream import stream_codes
from models.errors import BadWish, CopiesTraining
from models.generator_folder import load_generator_card
from models.originality import Originality, OriginalityIndex
from models.paths import PRETRAINED_DIR
from models.plan_of_sound import plan_of_sound
from models.prior_inference import PriorInference
from models.sampling import Sampling
from models.take_health import HealthMeter, TakeHealth
from models.vocoder import Vocoder
from models.vqvae_inference import VqvaeInference

FOLDER = PRETRAINED_DIR / "generation" / "generator-1"
RETRIES = 3
FIRST_RETRY = 1000  # number of the seed derived for it: takes of a wish have the small ones
PROMPT_S = 7.0  # of a recording that is continued, where no span is given: what the prior looks back on
LOOP_OVERLAP_S = 0.1
SHARE_OF_CODES = 0.85  # of the work, as far as progress is concerned

KEPT_S = 60.0  # samples of longer clips are made again each time they are asked for, in constant memory

Progress = Callable[[float], None]
Sound = Callable[[], Iterator[np.ndarray]]


class Generator:
    """Makes clips; safe to use from several threads.

    Parameters
    ----------
    card : dict
        Of the generator (`models.generator_folder`).
    autoencoder, prior, vocoder, originality
        Its parts.
    """

    def __init__(
        self,
        card: dict[str, Any],
        *,
        autoencoder: VqvaeInference,
        prior: PriorInference,
        vocoder: Vocoder,
        originality: OriginalityIndex,
    ) -> None:
        self.card = card
        self.genres: tuple[str, ...] = tuple(card["genres"])
        self._autoencoder, self._prior, self._vocoder, self._originality = autoencoder, prior, vocoder, originality

    @classmethod
    def load(cls, folder: Path | None = None) -> "Generator":
        """The generator of a folder; the one that is shipped by default.

        Raises
        ------
        IntegrityError, ModelError
            If there is none, or a part is missing or damaged.
        """
        folder = folder or FOLDER
        card = load_generator_card(folder)
        return cls(
            card,
            autoencoder=VqvaeInference.load(folder / "autoencoder"),
            prior=PriorInference.load(folder / "prior")[1],
            vocoder=Vocoder.load(folder / "vocoder"),
            originality=OriginalityIndex.load(folder / "originality"),
        )

    @property
    def name(self) -> str:
        """Name and version."""
        return f"{self.card['name']}-{self.card['version']}"

    def generate(self, genre: str | Mapping[str, float], *, progress: Progress | None = None, **wish: Any) -> Clip:
        """Make a clip of a genre or a mix; further arguments are those of `ClipWish`, and errors those of `make`."""
        return self.make(ClipWish.from_dict({"genre": genre, **wish}), progress=progress)

    def make(self, wish: ClipWish, *, source: Source | None = None, progress: Progress | None = None) -> Clip:
        """Make a clip.

        Parameters
        ----------
        wish : ClipWish
            What it shall be.
        source : Source, optional
            What it starts from (`source_of`).
        progress : callable, optional
            Called every 1.5 s of music with the share that is done, 0 to 1. What it raises ends the work.

        Raises
        ------
        BadWish
            If wish and source do not fit each other.
        CopiesTraining
            If every take repeats the training material (`originality.Originality.accepted`).
        """
        began, cpu = time.monotonic(), time.thread_time()
        tell = _Rising(progress)
        retries: list[dict[str, Any]] = []
        for attempt in range(RETRIES + 1):
            tried = wish if attempt == 0 else wish.with_seed(derived_seed(wish.seed, FIRST_RETRY + attempt))
            task = self._task(tried, source)  # anew: a plan may be what leads to a training clip each time
            take = self._take(tried, task, tell)
            if take.problem is None:
                break
            retries.append({"seed": tried.seed, "reason": take.problem})
        if not take.originality.accepted:
            raise CopiesTraining(
                f"{RETRIES + 1} takes, and of the last one {take.originality.problem}: try another seed, or a higher "
                "temperature"
            )
        sound, level = self._finished(task, take)
        wall_s = time.monotonic() - began
        report = {
            "model": self.name,
            "generator": self.card["sha256"],
            "wish": wish.to_dict(),
            "mixed": {genre: round(share, 6) for genre, share in mixed_genres(wish).items()},
            "seconds": round(task.n_samples / SR, 4),
            "seed": wish.seed,
            "takes_tried": attempt + 1,
            "retries": retries,
            "tempo_bpm": take.measured.tempo_bpm,
            "key": take.measured.key,
            **level,
            "originality": take.originality.to_dict(),
            "health": take.health.to_dict(),
            "codes_sha256": hashlib.sha256(take.codes.astype("<u2").tobytes()).hexdigest(),
            "cost": {
                "wall_s": round(wall_s, 3),
                "cpu_s": round(time.thread_time() - cpu, 3),
                "realtime_factor": round(task.n_samples / SR / max(wall_s, 1e-9), 2),
            },
        }
        tell(1.0)
        return Clip(wish, take.codes, SR, task.n_samples, report, sound)

    def source_of(
        self,
        recording: str | Path | np.ndarray,
        *,
        sr: int | None = None,
        use: Use,
        start_s: float = 0.0,
        end_s: float | None = None,
        strength: float = 0.5,
    ) -> Source:
        """Take a recording as what a clip starts from.

        Parameters
        ----------
        recording : path, or np.ndarray of shape (n_samples,)
            File, or mono samples with their `sr` in Hz.
        use : str
            See `clip_source.Source`.
        start_s, end_s : float
            Span; to the recording's end by default, and of what is continued its last `PROMPT_S`.
        strength : float
            How much is varied, 0 to 1.

        Raises
        ------
        BadWish
            If the span does not lie within the recording, or the recording is longer than a clip may be.
        FeatureError
            If it cannot be read.
        """
        y = _samples_of(recording, sr)
        seconds = y.size / SR
        stop_s = seconds if end_s is None else end_s
        if use == "continue" and end_s is None:
            start_s = max(start_s, stop_s - PROMPT_S)
        if not 0 <= start_s < stop_s <= seconds + 0.01:  # people round
            raise BadWish(
                f"span from {start_s:g} to {stop_s:g} s: expected one within the {seconds:.2f} s of the recording"
            )
        with one_blas_thread():
            codes = self._autoencoder.encode(log_mel(y))
        heard = measure([y])
        return Source(
            use=use,
            codes=codes,
            start_frame=round(start_s * FRAMES_PER_S),
            stop_frame=min(round(stop_s * FRAMES_PER_S), codes.shape[1]),
            strength=strength,
            blocks=plan_of_sound(y, tempo_bpm=heard.tempo_bpm),
            samples=y,
            tempo_bpm=heard.tempo_bpm,
            key=heard.key,
        )

    def _task(self, wish: ClipWish, source: Source | None) -> "_Task":
        """What is to be done, whatever is drawn."""
        settings = self._prior.settings
        plan_for = partial(outline, n_codebooks=settings.n_codebooks, genres=self.genres)
        n_samples = round(wish.seconds * SR)
        if source is None and wish.loop:
            metre = metre_of(wish)
            n_samples = loop_samples(wish.seconds, tempo_bpm=metre.tempo_bpm, beats_per_bar=metre.beats_per_bar, sr=SR)
            overlap = round(LOOP_OVERLAP_S * SR)
            planned = plan_for(wish, None, n_frames=frames_for(n_samples + overlap))
            return _Task(looped(planned, round(n_samples / SR * FRAMES_PER_S)), n_samples, overlap)
        if source is None:
            return _Task(plan_for(wish, None, n_frames=frames_for(n_samples)), n_samples)
        if wish.loop:
            raise BadWish("loop=true: a clip that starts from a recording cannot be a loop; leave one of them out")
        there = source.samples[source.start_frame * HOP_LENGTH :]
        if source.use == "inpaint":
            there, n_samples = source.samples, (source.codes.shape[1] - 1) * HOP_LENGTH
        elif source.use in ("restyle", "vary"):
            n_samples = min(n_samples, (source.stop_frame - source.start_frame - 1) * HOP_LENGTH)
        planned = plan_for(wish, source, n_frames=frames_for(n_samples))
        return _Task(planned, n_samples, recording=there if source.use in ("continue", "inpaint") else None)

    def _take(self, wish: ClipWish, task: "_Task", tell: "_Rising") -> "_Take":
        """Draw codes, and listen to them."""
        sampling = Sampling(wish.temperature, wish.top_k, wish.top_p)
        blocks, n_done = [], 0
        for block in stream_codes(
            self._prior,
            [task.outline.mix],
            seeds=[wish.seed],
            sampling=sampling,
            guidance=wish.guidance,
            given=task.outline.given,
        ):
            blocks.append(block[0])
            n_done += block.shape[-1]
            tell(SHARE_OF_CODES * n_done / task.outline.mix.n_frames)
        codes = np.concatenate(blocks, axis=1)
        raw = partial(self._raw, task, codes)
        if task.n_samples <= KEPT_S * SR:
            kept = list(raw())
            raw = partial(iter, kept)
        meter = HealthMeter()
        measured = measure(_tapped(raw(), meter.push))
        return _Take(
            codes,
            raw=raw,
            measured=measured,
            health=meter.finish(codes),
            originality=self._originality.report(codes, given=~task.outline.made),
        )

    def _raw(self, task: "_Task", codes: np.ndarray) -> Iterator[np.ndarray]:
        """Samples as they come out of the vocoder, with what is kept of a recording."""
        n_samples = task.n_samples + task.overlap
        made = sound_of_codes(codes, autoencoder=self._autoencoder, vocoder=self._vocoder, n_samples=n_samples)
        return made if task.recording is None else joined(made, task.recording, ~task.outline.made)

    def _finished(self, task: "_Task", take: "_Take") -> tuple[Sound, dict[str, Any]]:
        """The clip's sound at its level, and what is to be said of it."""
        heard = take.measured
        if task.overlap == 0:
            gain_db = gain_to_target(heard.loudness_lufs)

            def sound() -> Iterator[np.ndarray]:
                return master(take.raw(), sr=SR, n_samples=task.n_samples, gain_db=gain_db)

            return sound, {"loudness_lufs": _rounded(loudness_of(sound(), SR))}
        closed = close_loop(np.concatenate(list(take.raw())), overlap=task.overlap)
        peak = float(np.abs(closed).max())
        y = closed * np.float32(10 ** (gain_to_target(heard.loudness_lufs, peak=peak) / 20))
        seam = seam_error(y, SR)
        level = {
            "loudness_lufs": _rounded(loudness_of([y], SR)),
            "loop": {"seam_step": round(seam.step, 2), "seam_flux": round(seam.flux, 2)},
        }
        return lambda: iter([y]), level


@dataclass(frozen=True)
class _Task:
    """What is to be made, whatever is drawn.

    Attributes
    ----------
    outline : Outline
        What the prior is told and given.
    n_samples : int
        Length of the clip.
    overlap : int
        Samples that are made beyond it, for the seam of a loop; 0 for clips that are none.
    recording : np.ndarray, shape (n,), optional
        What is heard where the clip's frames are given.
    """

    outline: Outline
    n_samples: int
    overlap: int = 0
    recording: np.ndarray | None = None


@dataclass(frozen=True)
class _Take:
    """Codes that were drawn, how they sound before they are at their level, and what was found about them."""

    codes: np.ndarray
    raw: Sound
    measured: Measurement
    health: TakeHealth
    originality: Originality

    @property
    def problem(self) -> str | None:
        """Why it is to be made again."""
        return self.originality.problem or self.health.problem


class _Rising:
    """Progress that never goes back, also where a take is made again."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._share = progress, 0.0

    def __call__(self, share: float) -> None:
        self._share = max(self._share, share)
        if self._progress is not None:
            self._progress(self._share)


def _tapped(blocks: Iterator[np.ndarray], hear: Callable[[np.ndarray], None]) -> Iterator[np.ndarray]:
    """The same blocks, each heard on its way."""
    for block in blocks:
        hear(block)
        yield block


def _samples_of(recording: str | Path | np.ndarray, sr: int | None) -> np.ndarray:
    """Mono samples at `SR`, no longer than a clip may be."""
    if isinstance(recording, np.ndarray):
        if sr is None:
            raise FeatureError("samples without their sampling rate: give sr in Hz")
        _refuse_longer(recording.size / sr)
        resampler = MonoResampler(sr, SR)
        y = np.concatenate([resampler.push(recording[:, np.newaxis]), resampler.finish()])
    else:
        with open_audio(recording) as stream:
            _refuse_longer(stream.info.duration_s or 0.0)  # where the header does not say, what is read is bounded
        y = load(recording, sr=SR, duration_s=SECONDS[1])
    if y.size < SHORTEST_S * SR:
        raise BadWish(f"a recording of {y.size / SR:.2f} s: expected {SHORTEST_S:g} s or more to start a clip from")
    return y


def _refuse_longer(seconds: float) -> None:
    if seconds > SECONDS[1]:
        raise BadWish(f"a recording of {seconds:.0f} s: expected at most {SECONDS[1]:g} s to start a clip from")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
