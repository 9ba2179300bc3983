"""Codes by plan and seed from whatever was trained to make them: the prior and every baseline through one door.

A baseline is a model folder of kind "ngram", "gru", "gan" or "prior". What a kind knows nothing of, such as guidance
where there is no network that could be told nothing, changes nothing there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.baselines.gan import GanInference, GanSettings
from models.baselines.gru import GruInference
from models.baselines.ngram import Ngrams, NgramSettings
from models.code_stream import StepNetwork, make_codes
from models.errors import ModelError
from models.model_folder import load_weights
from models.plan import OVERALL_BLOCKS, Plan
from models.prior_inference import PriorInference
from models.prior_settings import GruSettings, PriorSettings
from models.sampling import Sampling
from models.settings_file import settings_of

Make = Callable[[Sequence[Plan], Sequence[int], Sampling, float], np.ndarray]


@dataclass(frozen=True)
class Baseline:
    """Something that makes codes.

    Attributes
    ----------
    kind : str
        Of `KINDS`.
    card : mapping
        Of the model.
    """

    kind: str
    card: Mapping[str, Any]
    _make: Make

    def make_codes(
        self,
        plans: Sequence[Plan],
        *,
        seeds: Sequence[int],
        sampling: Sampling = Sampling(),
        guidance: float = 1.0,
    ) -> np.ndarray:
        """Codes of some takes, each of which depends on its plan and its seed alone.

        Parameters
        ----------
        plans : sequence of Plan
            One for each take, of one length.
        seeds : sequence of int
            One for each take, 0 or more.
        sampling : Sampling
            How codes are drawn; not of "gan", which draws noise instead.
        guidance : float
            As `code_stream.make_codes` takes it; of "prior" and "gru" alone.

        Returns
        -------
        np.ndarray of int, shape (n_takes, n_codebooks, n_frames)

        Raises
        ------
        ModelError
            If plans and seeds do not fit each other or the model.
        """
        if not plans or len({plan.n_frames for plan in plans}) != 1:
            raise ModelError("expected one plan or more, all of one length")
        if len(seeds) != len(plans) or not all(seed >= 0 for seed in seeds):
            raise ModelError(f"{len(seeds)} seeds for {len(plans)} plans: expected one each, 0 or more")
        return self._make(plans, seeds, sampling, guidance)


def load_baseline(folder: Path) -> Baseline:
    """The baseline of a model folder.

    Raises
    ------
    IntegrityError
        If the weights are not those that the card names.
    ModelError
        If the folder holds none.
    """
    card, arrays = load_weights(folder)
    if card["kind"] not in KINDS:
        raise ModelError(f"{folder}: a model of kind {card['kind']!r}, expected one of {', '.join(KINDS)}")
    return Baseline(card["kind"], card, KINDS[card["kind"]](arrays, card.get("network"), f"{folder}, network"))


def genre_mix_of(plan: Plan) -> np.ndarray:
    """Shares of the genres that a plan tells, (n_genres,); all alike where it tells none."""
    first = sum(OVERALL_BLOCKS.values())
    shares = plan.overall[first : first + plan.n_genres].astype(np.float64)
    return shares / shares.sum() if shares.sum() > 0 else np.full(plan.n_genres, 1 / plan.n_genres)


def _prior(arrays: Mapping[str, np.ndarray], network: Any, where: str) -> Make:
    return _by_steps(PriorInference(arrays, settings_of(PriorSettings, network, where=where)))


def _gru(arrays: Mapping[str, np.ndarray], network: Any, where: str) -> Make:
    return _by_steps(GruInference(arrays, settings_of(GruSettings, network, where=where)))


def _by_steps(network: StepNetwork) -> Make:
    def make(plans: Sequence[Plan], seeds: Sequence[int], sampling: Sampling, guidance: float) -> np.ndarray:
        return make_codes(network, plans, seeds=seeds, sampling=sampling, guidance=guidance)

    return make


def _ngram(arrays: Mapping[str, np.ndarray], network: Any, where: str) -> Make:
    ngrams = Ngrams.of_arrays(arrays, settings_of(NgramSettings, network, where=where))

    def make(plans: Sequence[Plan], seeds: Sequence[int], sampling: Sampling, _guidance: float) -> np.ndarray:
        takes = zip(plans, seeds, strict=True)
        return np.stack(
            [ngrams.generate(genre_mix_of(plan), plan.n_frames, seed=seed, sampling=sampling) for plan, seed in takes]
        )

    return make


def _gan(arrays: Mapping[str, np.ndarray], network: Any, where: str) -> Make:
    gan = GanInference(arrays, settings_of(GanSettings, network, where=where))

    def make(plans: Sequence[Plan], seeds: Sequence[int], _sampling: Sampling, _guidance: float) -> np.ndarray:
        return np.stack([gan.make_codes(plan, seed=seed) for plan, seed in zip(plans, seeds, strict=True)])

    return make


KINDS: dict[str, Callable[[Mapping[str, np.ndarray], Any, str], Make]] = {
    "prior": _prior,
    "gru": _gru,
    "ngram": _ngram,
    "gan": _gan,
}
