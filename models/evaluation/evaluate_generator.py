"""Make clips, hear them, report: the whole evaluation of whoever makes clips."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from datasets.composers import GENRES, style_of
from models.clip_wish import ClipWish
from models.evaluation.blends import PAIRS, blend_wishes
from models.evaluation.clip_hearing import Ears
from models.evaluation.generated_clips import ClipMaker, control_wishes, heard_takes, plain_wishes
from models.evaluation.generation import generation_report
from models.evaluation.real_reference import RealReference
from models.judge import Judge
from models.setting_ranges import check_ranges

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class EvaluationSettings:
    """How much is made.

    Attributes
    ----------
    genres : tuple of str
        Of which clips are made.
    per_genre : int
        Clips of each genre that ask for nothing else.
    controls : int
        Clips of each genre that ask for tempo and key; 0 for none.
    per_blend : int
        Clips of each pair at each share; 0 for none.
    seconds : float
        Length of every clip.
    seed : int
        Another one, other clips.
    """

    genres: tuple[str, ...] = GENRES
    per_genre: int = 20
    controls: int = 5
    per_blend: int = 4
    seconds: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(
            self, per_genre=(2, 1000), controls=(0, 1000), per_blend=(0, 1000), seconds=(3.0, 60.0), seed=(0, 2**31 - 1)
        )
        for genre in self.genres:
            style_of(genre)


@dataclass(frozen=True)
class Court:
    """Who listens, who judges, and what clips are compared with."""

    ears: Ears
    judge: Judge
    reference: RealReference

    @classmethod
    def load(cls) -> "Court":
        """The shipped ones; errors as their own `load`."""
        judge, reference = Judge.load(), RealReference.load()
        return cls(Ears.load(), judge, reference)


def evaluate_maker(
    maker: ClipMaker,
    settings: EvaluationSettings,
    court: Court,
    *,
    wishes: Sequence[ClipWish] | None = None,
    splits: Sequence[str] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Make and measure clips.

    Parameters
    ----------
    maker : ClipMaker
        Who makes them.
    settings : EvaluationSettings
        How many.
    court : Court
        Who hears and judges them.
    wishes : sequence of ClipWish, optional
        Instead of the plain ones of the settings.
    splits : sequence of str
        Parts of the real recordings that are compared with; all where none is named.
    progress : callable, optional
        Called with what is going on and the share of it that is done. What it raises ends the work.

    Returns
    -------
    dict
        As `generation_report`, with `n_asked`: clips that a maker refused to give away as copies are missing.

    Raises
    ------
    ModelError
        If a wish cannot be met, or a genre has too little to compare with.
    """
    plain = wishes or plain_wishes(settings.genres, settings.per_genre, seconds=settings.seconds, seed=settings.seed)
    controls = (
        control_wishes(settings.genres, settings.controls, seconds=settings.seconds, seed=settings.seed)
        if settings.controls
        else []
    )
    pairs = [pair for pair in PAIRS if set(pair) <= set(settings.genres)]
    blends = (
        blend_wishes(settings.per_blend, seconds=settings.seconds, seed=settings.seed, pairs=pairs)
        if settings.per_blend
        else []
    )

    def hear(words: str, asked: Sequence[ClipWish]) -> list[Any]:
        def share(done: int) -> None:
            if progress is not None:
                progress(words, done / len(asked))

        return list(heard_takes(maker, asked, ears=court.ears, judge=court.judge, progress=share))

    takes = hear("clips of one genre", plain)
    controlled = hear("clips of a tempo and key", controls)
    blended = hear("blends", [blend.wish for blend in blends])
    report = generation_report(
        [take for take in takes if take is not None],
        source=maker.name,
        reference=court.reference,
        judge=court.judge,
        controlled=[take for take in controlled if take is not None],
        blends=[(blend, take) for blend, take in zip(blends, blended, strict=True) if take is not None],
        splits=splits,
        seed=settings.seed,
    )
    return {"n_asked": len(plain), **report}
