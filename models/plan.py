"""The plan of a clip: what the prior is told of it, frame by frame and as a whole.

Either may be known in part only: the continuation of an upload has a tempo, perhaps, and no chords. Values come in
blocks; a block that is not known is zeros, and a flag for each block, after all values, says which are known. A
prior learns with blocks dropped at random, and with nothing known at all, which is what guidance moves away from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from datasets.composers import GENRES, compose, make_brief
from datasets.composers.song import Mode, Song
from datasets.composers.style import Brief
from datasets.plan_of_song import FRAME_BLOCKS, plan_of_song
from models.errors import ModelError

FRAME_WIDTH = sum(FRAME_BLOCKS.values()) + len(FRAME_BLOCKS)
OVERALL_BLOCKS = {"tempo": 1, "key": 13, "energy": 1}  # values in this order; the genre mix follows as the last block
TEMPO_MIDDLE_BPM = 120.0


def overall_width(n_genres: int) -> int:
    """Values and flags of what is known of a whole clip."""
    return sum(OVERALL_BLOCKS.values()) + n_genres + len(OVERALL_BLOCKS) + 1


@dataclass(frozen=True)
class Plan:
    """What is known of a clip.

    Attributes
    ----------
    frames : np.ndarray, shape (n_frames, FRAME_WIDTH), float32
        Values of `FRAME_BLOCKS`, then their flags.
    overall : np.ndarray, shape (overall_width(n_genres),), float32
        Values of `OVERALL_BLOCKS` and the genre mix, then their flags: octaves from 120 bpm, tonic as one of 12 and 1
        for minor, energy from 0 to 1, shares of the genres.
    """

    frames: np.ndarray
    overall: np.ndarray

    @property
    def n_frames(self) -> int:
        """Length."""
        return len(self.frames)

    @property
    def n_genres(self) -> int:
        """Genres that the mix may have."""
        return self.overall.size - overall_width(0)

    def __getitem__(self, frames: slice) -> "Plan":
        return replace(self, frames=self.frames[frames])

    def without(self, blocks: Iterable[str]) -> "Plan":
        """The same with these blocks not known; "genre" is the genre mix. Raises ModelError for other names."""
        dropped = set(blocks)
        if unknown := dropped - {*FRAME_BLOCKS, *OVERALL_BLOCKS, "genre"}:
            names = ", ".join([*FRAME_BLOCKS, *OVERALL_BLOCKS, "genre"])
            raise ModelError(f"no block {', '.join(sorted(unknown))} in a plan, expected some of {names}")
        return Plan(
            self.frames * _kept(FRAME_BLOCKS, dropped).astype(np.float32),
            self.overall * _kept(overall_blocks(self.n_genres), dropped).astype(np.float32),
        )

    def nothing(self) -> "Plan":
        """A plan of the same length in which nothing is known."""
        return Plan(np.zeros_like(self.frames), np.zeros_like(self.overall))


def frame_blocks(plan: Plan) -> dict[str, np.ndarray]:
    """Values of each block of `FRAME_BLOCKS`: (n_frames, width), views; zeros where one is not known."""
    ends = np.cumsum([*FRAME_BLOCKS.values()])
    return {
        name: plan.frames[:, end - width : end] for (name, width), end in zip(FRAME_BLOCKS.items(), ends, strict=True)
    }


def overall_blocks(n_genres: int) -> dict[str, int]:
    """Blocks of what is known of a whole clip, with the genre mix."""
    return {**OVERALL_BLOCKS, "genre": n_genres}


def make_plan(
    n_frames: int,
    *,
    frames: Mapping[str, np.ndarray] | None = None,
    tempo_bpm: float | None = None,
    key: tuple[int, Mode] | None = None,
    energy: float | None = None,
    genre_mix: Sequence[float] | np.ndarray,
) -> Plan:
    """A plan of what is known; the rest is not.

    Parameters
    ----------
    n_frames : int
        Length.
    frames : mapping of str to np.ndarray, optional
        Some of `FRAME_BLOCKS`, each (n_frames, its width).
    tempo_bpm : float, optional
        Quarter notes per minute, above 0.
    key : (int, "major" or "minor"), optional
        Pitch class of the tonic, and mode.
    energy : float, optional
        0 to 1.
    genre_mix : sequence of float, shape (n_genres,)
        Shares that sum to 1, or zeros where the genre is not known.

    Raises
    ------
    ModelError
        If a block has another name or shape, or a number is out of range.
    """
    if tempo_bpm is not None and not 0 < tempo_bpm < np.inf:
        raise ModelError(f"tempo_bpm={tempo_bpm}: expected more than 0")
    if energy is not None and not 0 <= energy <= 1:
        raise ModelError(f"energy={energy}: expected 0 to 1")
    mix = np.asarray(genre_mix, np.float32)
    if mix.ndim != 1 or not (mix >= 0).all() or (mix.any() and abs(mix.sum() - 1) > 1e-3):
        raise ModelError(f"genre mix {genre_mix!r}: expected shares that sum to 1, or zeros where it is not known")
    overall: dict[str, np.ndarray] = {}
    if tempo_bpm is not None:
        overall["tempo"] = np.array([np.log2(tempo_bpm / TEMPO_MIDDLE_BPM)])
    if key is not None:
        overall["key"] = np.append(np.eye(12)[key[0]], key[1] == "minor")
    if energy is not None:
        overall["energy"] = np.array([energy])
    if mix.any():
        overall["genre"] = mix
    known = dict(frames or {})
    for name, block in known.items():
        if name not in FRAME_BLOCKS or block.shape != (n_frames, FRAME_BLOCKS[name]):
            wanted = ", ".join(f"{each} {(n_frames, width)}" for each, width in FRAME_BLOCKS.items())
            raise ModelError(f"block {name} of shape {block.shape}: expected some of {wanted}")
    return Plan(
        _joined(known, FRAME_BLOCKS, (n_frames,)),
        _joined(overall, overall_blocks(mix.size), ()),
    )


def plan_of_wish(
    genre: str,
    *,
    seconds: float,
    seed: int,
    frames_per_s: float,
    tempo_bpm: float | None = None,
    key: str | None = None,
    energy: float | None = None,
    genres: Sequence[str] = GENRES,
) -> Plan:
    """Let the composer of a genre write the plan of a clip that somebody wishes for.

    Parameters
    ----------
    genre : str
        One of `genres`.
    seconds : float
        Length of the clip, within `composers.SECONDS`.
    seed : int
        What is not wished for is drawn from it, as `composers.make_brief` does.
    frames_per_s : float
        Rate of the codes.
    tempo_bpm, key, energy : optional
        As `composers.make_brief` takes them.
    genres : sequence of str
        Genres of the prior, in its order.

    Raises
    ------
    ModelError
        If it is not one of these genres.
    DatasetError
        If another wish is outside its range.
    """
    if genre not in genres:
        raise ModelError(f"no genre {genre}, expected some of {', '.join(genres)}")
    brief = make_brief(genre, seed, seconds=seconds, tempo_bpm=tempo_bpm, key=key, energy=energy)
    n_frames = int(np.ceil(seconds * frames_per_s))
    mix = [float(name == genre) for name in genres]
    return plan_of_brief(compose(brief), brief, n_frames=n_frames, frames_per_s=frames_per_s, genre_mix=mix)


def plan_of_brief(
    song: Song, brief: Brief, *, n_frames: int, frames_per_s: float, genre_mix: Sequence[float] | np.ndarray
) -> Plan:
    """The plan of a song in which everything is known."""
    return make_plan(
        n_frames,
        frames=plan_of_song(song, n_frames=n_frames, frames_per_s=frames_per_s),
        tempo_bpm=song.tempo_bpm,
        key=(song.tonic, song.mode),
        energy=brief.energy,
        genre_mix=genre_mix,
    )


def _joined(known: Mapping[str, np.ndarray], sizes: Mapping[str, int], shape: tuple[int, ...]) -> np.ndarray:
    """Values of all blocks, then one flag for each."""
    values = [known.get(name, np.zeros((*shape, width))) for name, width in sizes.items()]
    flags = [np.full((*shape, 1), float(name in known)) for name in sizes]
    return np.concatenate([*values, *flags], axis=-1).astype(np.float32)


def _kept(sizes: Mapping[str, int], dropped: set[str]) -> np.ndarray:
    """Which values and flags stay."""
    flags = np.array([name not in dropped for name in sizes])
    return np.concatenate([np.repeat(flags, list(sizes.values())), flags])
