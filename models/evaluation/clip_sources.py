"""Makers of clips by name, as the command line and the benchmark call them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.composers import GENRES
from datasets.readers import read_corpus
from models.baselines.sources import load_baseline
from models.clip_wish import ClipWish
from models.errors import ModelError
from models.evaluation.clip_makers import AutoencodedRecordings, CodeBaseline, Composers, Sounding
from models.evaluation.evaluate_generator import Court, EvaluationSettings, Progress, evaluate_maker
from models.evaluation.generated_clips import ClipMaker
from models.generator import FOLDER, Generator
from models.plan import Plan
from models.sampling import Sampling

LAYOUT = "rendered"
RECORDING_S = 30.0  # of the rendered corpus
HELD_OUT = ("test",)


@dataclass(frozen=True)
class Material:
    """What makers are made of.

    Attributes
    ----------
    generator : Path
        Its folder.
    corpus : Path, optional
        The rendered corpus, for the autoencoder.
    baselines : Path, optional
        Folder of the baselines' model folders, as `models.train_baselines` leaves it.
    """

    generator: Path = FOLDER
    corpus: Path | None = None
    baselines: Path | None = None


def _prior(material: Material) -> ClipMaker:
    return Generator.load(material.generator)


def _composers(_: Material) -> ClipMaker:
    return Composers()


def _baseline(name: str, material: Material) -> ClipMaker:
    if material.baselines is None:
        raise ModelError(f"the source {name} is a baseline: name the folder that baselines were trained into")
    baseline, usual = load_baseline(material.baselines / name), ClipWish({GENRES[0]: 1.0})
    sampling = Sampling(usual.temperature, usual.top_k, usual.top_p)

    def codes(plan: Plan, seed: int) -> np.ndarray:
        made: np.ndarray = baseline.make_codes([plan], seeds=[seed], sampling=sampling, guidance=usual.guidance)[0]
        return made

    return CodeBaseline(name, GENRES, codes=codes, sounding=Sounding.load(material.generator))


# The autoencoder is no maker of wishes, see `evaluate_source`.
MAKERS: dict[str, Callable[[Material], ClipMaker]] = {
    "prior": _prior,
    "composers": _composers,
    **{name: partial(_baseline, name) for name in ("ngram", "gru", "gan")},
}
AUTOENCODER = "autoencoder"


def evaluate_source(
    source: str,
    settings: EvaluationSettings,
    *,
    generator: Path | None = None,
    corpus: Path | None = None,
    baselines: Path | None = None,
    court: Court | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate whoever has that name.

    Parameters
    ----------
    source : str
        A key of `MAKERS`, or "autoencoder": held-out recordings after encoding, decoding and vocoding.
    settings : EvaluationSettings
        How much is made; the composers make no blends, the autoencoder only excerpts.
    generator : Path, optional
        Folder of the generator; the shipped one by default.
    corpus : Path, optional
        The rendered corpus that the reference was made of: needed for the autoencoder.
    baselines : Path, optional
        Folder of the trained baselines: needed for them.
    court : Court, optional
        Who judges; the shipped one by default.
    progress : callable, optional
        As for `evaluate_maker`.

    Raises
    ------
    ModelError
        If nobody has that name, or the autoencoder lacks its corpus; errors of the maker.
    """
    if source not in (*MAKERS, AUTOENCODER):
        raise ModelError(f"source {source!r}: expected one of {', '.join((*MAKERS, AUTOENCODER))}")
    material = Material(generator or FOLDER, corpus, baselines)
    if source == AUTOENCODER:
        return _evaluate_autoencoder(material, settings, court, progress)
    maker = MAKERS[source](material)
    if isinstance(maker, Composers):
        settings = replace(settings, per_blend=0)
    return evaluate_maker(maker, settings, court or Court.load(), progress=progress)


def _evaluate_autoencoder(
    material: Material, settings: EvaluationSettings, court: Court | None, progress: Progress | None
) -> dict[str, Any]:
    """Compared with held-out recordings alone: both sides are played on the same instruments."""
    if material.corpus is None:
        raise ModelError("the autoencoder needs held-out recordings: name the folder of the rendered corpus")
    manifest = read_corpus(material.corpus, LAYOUT)
    sounding = Sounding.load(material.generator)
    court = court or Court.load()
    maker = AutoencodedRecordings(manifest, court.reference, sounding.through, seed=settings.seed)
    wishes = maker.wishes(settings.per_genre, seconds=settings.seconds, length_s=RECORDING_S)
    wanted = [wish for wish in wishes if set(wish.genre) <= set(settings.genres)]
    only_excerpts = replace(settings, controls=0, per_blend=0)
    return evaluate_maker(maker, only_excerpts, court, wishes=wanted, splits=HELD_OUT, progress=progress)
