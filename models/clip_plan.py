"""The plan and the given codes of a clip: what its wish and, where there is one, its source come to for the prior.

Of a mix every genre has its own composer, and they agree on tempo, key and energy: their plans are played at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from datasets.composers import TEMPO_BPM, compose, make_brief
from datasets.composers.style import Brief
from datasets.plan_of_song import FRAME_BLOCKS
from features.log_mel import FRAMES_PER_S
from models.clip_source import Source
from models.clip_wish import SECONDS, ClipWish
from models.code_stream import FREE
from models.errors import BadWish
from models.plan import Plan, frame_blocks, plan_of_wish
from models.plan_mix import PlanMix

PLAN_SEEDS = 10**12  # beyond the seeds of every rendered corpus: no plan is that of a song that was learned from
LONGEST_BAR_S = 8.0  # four beats at the slowest tempo: looked ahead for a place in the bar
USUAL_BPM = 120.0  # for beats that are varied where none were heard
MAX_MIXED = 3  # genres: each takes as much time as one alone
WEIGHT_EXPONENT = 0.4  # measured: from weights of 0.4 to 0.6 what is heard goes from one genre to the other
BAR = slice(2, 4)  # in the block "pulse": sine and cosine of the place in the bar


@dataclass(frozen=True)
class Metre:
    """Quarter notes per minute, and beats of a bar."""

    tempo_bpm: float
    beats_per_bar: int


@dataclass(frozen=True)
class Outline:
    """What the prior is told and given.

    Attributes
    ----------
    mix : PlanMix
        One plan of each genre that is mixed, with one row per frame.
    given : np.ndarray of int, shape (n_codebooks, n_frames)
        Codes that the clip has in any case, `FREE` elsewhere.
    """

    mix: PlanMix
    given: np.ndarray

    @property
    def made(self) -> np.ndarray:
        """Which frames are made, (n_frames,) bool."""
        return (self.given == FREE).any(axis=0)


def outline(
    wish: ClipWish, source: Source | None, *, n_frames: int, n_codebooks: int, genres: tuple[str, ...]
) -> Outline:
    """Plan a clip.

    Parameters
    ----------
    wish : ClipWish
        What counts before what was heard of the source. Of more than `MAX_MIXED` genres those with the largest shares
        are mixed.
    source : Source, optional
        What it starts from.
    n_frames, n_codebooks : int
        Of its codes; with a source "inpaint" the recording's length counts.
    genres : tuple of str
        Of the prior.

    Raises
    ------
    BadWish
        If the clip is no longer than what it is to continue.
    """
    wish = wish if source is None else _completed(wish, source)
    alone = single_wishes(wish)
    outlines = [_of_one(each, source, n_frames, n_codebooks, genres) for each in alone.values()]
    plans, given = zip(*outlines, strict=True)
    return Outline(PlanMix(plans, _weights(mixed_genres(wish).values())), given[0])


def mixed_genres(wish: ClipWish) -> dict[str, float]:
    """Genres that are mixed, those with the largest shares, and their shares, which sum to 1; in the wish's order."""
    largest = sorted(wish.genre, key=lambda genre: -wish.genre[genre])[:MAX_MIXED]
    total = sum(wish.genre[genre] for genre in largest)
    return {genre: share / total for genre, share in wish.genre.items() if genre in largest}


def single_wishes(wish: ClipWish) -> dict[str, ClipWish]:
    """A wish for each genre of a mix: they agree on tempo, key and energy.

    Where the wish leaves them open, the tempo is the mean of the octaves of what each genre's composer would take, the
    energy the mean, by their shares, and the key that of the genre with the largest.
    """
    shares = mixed_genres(wish)
    if len(shares) == 1:
        return {genre: replace(wish, genre={genre: 1.0}) for genre in shares}
    briefs = {genre: _brief(replace(wish, genre={genre: 1.0})) for genre in shares}
    octaves = sum(share * np.log2(briefs[genre].tempo_bpm) for genre, share in shares.items())
    agreed = replace(
        wish,
        tempo_bpm=float(np.clip(np.round(2**octaves, 1), *TEMPO_BPM)),
        key=briefs[_leading(wish)].key,
        energy=round(sum(share * briefs[genre].energy for genre, share in shares.items()), 3),
    )
    return {genre: replace(agreed, genre={genre: 1.0}) for genre in shares}


def metre_of(wish: ClipWish) -> Metre:
    """Of the song that is planned for a wish; of a mix, of the genre with the largest share."""
    song = compose(_brief(single_wishes(wish)[_leading(wish)]))
    return Metre(song.tempo_bpm, song.beats_per_bar)


def looped(planned: Outline, n_frames: int) -> Outline:
    """The same, but that after so many frames the plan begins again."""
    again = np.arange(planned.mix.n_frames) % n_frames
    plans = [replace(plan, frames=plan.frames[again]) for plan in planned.mix.plans]
    return replace(planned, mix=planned.mix.with_plans(plans))


def _weights(shares: Iterable[float]) -> tuple[float, ...]:
    """How much each plan's logits count, so that about as much of a genre is heard as was wished for: they sum to 1."""
    powers = np.array([*shares]) ** WEIGHT_EXPONENT
    return tuple((powers / powers.sum()).tolist())


def _leading(wish: ClipWish) -> str:
    """The genre with the largest share, the first of several that are equal."""
    return max(wish.genre, key=lambda genre: wish.genre[genre])


def _brief(wish: ClipWish) -> Brief:
    """What the composer of a single genre is told."""
    return make_brief(
        next(iter(wish.genre)),
        PLAN_SEEDS + wish.seed,
        seconds=wish.seconds,
        tempo_bpm=wish.tempo_bpm,
        key=wish.key,
        energy=wish.energy,
    )


def _of_one(
    wish: ClipWish, source: Source | None, n_frames: int, n_codebooks: int, genres: tuple[str, ...]
) -> tuple[Plan, np.ndarray]:
    """Plan and given codes of a wish for a single genre."""
    free = np.full((n_codebooks, n_frames), FREE, np.int64)
    if source is None:
        return _composed(wish, n_frames, genres), free
    if source.use == "continue":
        prompt = source.codes[:, source.span]
        if prompt.shape[1] >= n_frames:
            raise BadWish(
                f"seconds={wish.seconds:g}: the clip begins with {prompt.shape[1] / FRAMES_PER_S:.2f} s of the "
                "recording; expected more, or a shorter span"
            )
        free[:, : prompt.shape[1]] = prompt
        return _continued(wish, source, n_frames, genres), free
    if source.use == "restyle":
        return _with_blocks(_composed(wish, n_frames, genres), source, slice(0, n_frames)), free
    if source.use == "inpaint":
        given = source.codes.astype(np.int64)
        given[:, source.span] = FREE
        return _filled(wish, source, genres), given
    given = np.where(_varied_frames(wish, source, n_frames), FREE, source.codes[:, source.span][:, :n_frames])
    return _with_blocks(_composed(wish, n_frames, genres), source, slice(0, n_frames)), given


def _completed(wish: ClipWish, source: Source) -> ClipWish:
    """The wish with what was heard of the source where it says nothing."""
    tempo_bpm = wish.tempo_bpm
    if tempo_bpm is None and source.tempo_bpm is not None:
        tempo_bpm = float(np.clip(source.tempo_bpm, *TEMPO_BPM))
    return replace(wish, tempo_bpm=tempo_bpm, key=wish.key or source.key)


def _composed(wish: ClipWish, n_frames: int, genres: tuple[str, ...]) -> Plan:
    plan = plan_of_wish(
        next(iter(wish.genre)),
        seconds=max(n_frames / FRAMES_PER_S, SECONDS[0]),
        seed=PLAN_SEEDS + wish.seed,
        frames_per_s=FRAMES_PER_S,
        tempo_bpm=wish.tempo_bpm,
        key=wish.key,
        energy=wish.energy,
        genres=genres,
    )
    return plan[:n_frames]


def _with_blocks(plan: Plan, source: Source, frames: slice) -> Plan:
    """The plan, but for the blocks that were heard of the source's span, in some frames from the start."""
    heard = {name: block[source.span][frames] for name, block in source.blocks.items()}
    return _replaced(plan, heard, start=frames.start)


def _continued(wish: ClipWish, source: Source, n_frames: int, genres: tuple[str, ...]) -> Plan:
    """What was heard of the span, then a composed plan that goes on at its place in the bar."""
    n_given = source.stop_frame - source.start_frame
    composed = _entering(wish, source, source.stop_frame, n_frames - n_given, genres)
    begun = Plan(np.concatenate([composed.frames[:1].repeat(n_given, axis=0), composed.frames]), composed.overall)
    return _replaced(begun, {name: block[source.span] for name, block in source.blocks.items()}, start=0)


def _filled(wish: ClipWish, source: Source, genres: tuple[str, ...]) -> Plan:
    """What was heard around the span, and a composed plan in it."""
    n_frames, n_made = source.codes.shape[1], source.stop_frame - source.start_frame
    composed = _entering(wish, source, source.start_frame, n_made, genres)
    around = _replaced(_composed(wish, n_frames, genres), source.blocks, start=0)
    frames = around.frames.copy()
    frames[source.span] = composed.frames
    return Plan(frames, around.overall)


def _entering(wish: ClipWish, source: Source, frame: int, n_frames: int, genres: tuple[str, ...]) -> Plan:
    """A composed plan of so many frames that begins where the source is in its bar at a frame."""
    spare = int(LONGEST_BAR_S * FRAMES_PER_S)
    composed = _composed(wish, n_frames + spare, genres)
    if "pulse" not in source.blocks:
        return composed[:n_frames]
    heard = source.blocks["pulse"][:, BAR]
    at = min(frame, len(heard) - 1)
    bars = frame_blocks(composed)["pulse"][:spare, BAR]
    start = int(np.argmax(np.round(bars @ heard[at], 4)))  # rounded: of places that are alike, the first
    return composed[start : start + n_frames]


def _varied_frames(wish: ClipWish, source: Source, n_frames: int) -> np.ndarray:
    """Which frames are made anew: whole beats, as many as the strength says, (frames of the span,) bool."""
    n_frames = min(n_frames, source.stop_frame - source.start_frame)
    frames_per_beat = FRAMES_PER_S * 60 / (wish.tempo_bpm or source.tempo_bpm or USUAL_BPM)
    beat = (np.arange(n_frames) / frames_per_beat).astype(int)
    n_beats = beat[-1] + 1
    order = np.random.default_rng(wish.seed).permutation(n_beats)
    return np.isin(beat, order[: int(np.ceil(source.strength * n_beats))])


def _replaced(plan: Plan, blocks: Mapping[str, np.ndarray], *, start: int) -> Plan:
    """The plan with other values of some blocks from a frame on, as many as there are."""
    frames, column = plan.frames.copy(), 0
    for name, width in FRAME_BLOCKS.items():
        if name in blocks:
            n = min(len(blocks[name]), len(frames) - start)
            frames[start : start + n, column : column + width] = blocks[name][:n]
        column += width
    return replace(plan, frames=frames)
