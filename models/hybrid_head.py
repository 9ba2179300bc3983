"""The genre of a recording by a committee: hybrid networks, and members that compare tags with training tracks.

The networks are those of the folds of a cross-validation, each of which learned from other recordings; their
log-probabilities are averaged. The members are those of `models.genre_head`, which need few tracks. Networks and
members are voters: each is cooled to be calibrated by itself, then their log-probabilities are averaged by weight.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import log_softmax

from models.calibrated_head import MIN_PROBABILITY, CalibratedHead
from models.errors import ModelError
from models.genre_head import Member, members_of
from models.hybrid_inference import Encoded, HybridInference, encode
from models.hybrid_input import HybridInput
from models.listening import Listening

ARCHITECTURE = "hybrid"


class HybridHead(CalibratedHead):
    """Calibrated probabilities of genres from up to three views of a recording.

    Parameters
    ----------
    card : dict
        `name`, `genres`, `backbone`, `coverage`.
    arrays : dict of np.ndarray
        As `models.train_classifier` writes them: `networks/<i>/…`, `backbone/…` where it was
        fine-tuned, `members/<i>/…`, `votes/…` and those of the calibration.

    Raises
    ------
    ModelError
        If an array is missing or has a shape that does not fit the others.
    """

    def __init__(self, card: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(card, arrays)
        try:
            self._networks = [HybridInference(part) for part in _parts(arrays, "networks")]
            self._members: list[Member] = members_of(dict(arrays))
            self._network_temperature = float(arrays["votes/network_temperature"])
            self._network_weight = float(arrays["votes/network_weight"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"no hybrid head: {error!r}") from error
        tuned = {key.removeprefix("backbone/"): array for key, array in arrays.items() if key.startswith("backbone/")}
        self.backbone_weights: dict[str, np.ndarray] | None = tuned or None
        answers = {voter.n_genres for voter in self._networks} | {voter.n_classes for voter in self._members}
        if not self._networks or answers != {len(self.genres)}:
            raise ModelError(f"no hybrid head: its voters do not all answer for {len(self.genres)} genres")
        self.needs_scalogram = any(network.hears_wavelets for network in self._networks)

    def views(self, heard: Listening) -> Encoded:
        """What this head looks at in a recording, every window encoded once."""
        return self.encoded(HybridInput.of(heard))

    def views_of_taggram(self, taggram: np.ndarray) -> Encoded:
        """The same for a track of which only tag activations are known, (n_windows, 50)."""
        return self.encoded(HybridInput(taggram))

    def encoded(self, recording: HybridInput) -> Encoded:
        """A recording as the networks take it."""
        return encode(self._networks, recording)

    def track_probabilities(self, views: Encoded) -> np.ndarray:
        """Calibrated probabilities of a recording, (n_genres,).

        Parameters
        ----------
        views : Encoded
            Of at least one window; choose windows by indexing.
        """
        if not len(views):
            raise ModelError("no windows: expected at least one")
        pooled = self._network_logits(
            views, views.tag_features.mean(axis=0)[np.newaxis], views.wavelet.mean(axis=1)[:, np.newaxis]
        )
        return self.calibrated(self._vote(pooled, views.taggram[np.newaxis]), len(views))[0]

    def segment_probabilities(self, views: Encoded) -> np.ndarray:
        """Probabilities of each window by itself, (n_windows, n_genres); attributes are those of the recording."""
        logits = self._network_logits(views, views.tag_features, views.wavelet)
        return self.calibrated(self._vote(logits, views.taggram[:, np.newaxis]), 1)

    def _network_logits(self, views: Encoded, tag_features: np.ndarray, wavelet: np.ndarray) -> np.ndarray:
        """Mean log-probabilities of the networks: (n, 300) and (n_networks, n, width) to (n, n_genres)."""
        attributes = np.repeat(views.attributes[np.newaxis], len(tag_features), axis=0)
        each = [
            log_softmax(network.logits(tag_features, own, attributes, views.present), axis=1)
            for network, own in zip(self._networks, wavelet, strict=True)
        ]
        return np.mean(each, axis=0)

    def _vote(self, network_logits: np.ndarray, taggrams: np.ndarray) -> np.ndarray:
        return weighted_vote(
            network_logits / self._network_temperature,
            [member.logits(taggrams) for member in self._members],
            network_weight=self._network_weight,
        )


def weighted_vote(
    network_logits: np.ndarray, member_logits: Sequence[np.ndarray], *, network_weight: float
) -> np.ndarray:
    """Weighted mean of what the voters say, in log-probability.

    Parameters
    ----------
    network_logits : np.ndarray, shape (n, n_genres)
        Of the networks together, cooled.
    member_logits : sequence of np.ndarray, each (n, n_genres)
        Of each member, cooled; may be empty.
    network_weight : float
        Of the networks, 0 to 1; the members share the rest.
    """
    floor = np.log(MIN_PROBABILITY)
    networks = np.maximum(log_softmax(network_logits, axis=1), floor)
    if not member_logits:
        return networks
    members = np.mean([np.maximum(log_softmax(each, axis=1), floor) for each in member_logits], axis=0)
    return network_weight * networks + (1 - network_weight) * members


def _parts(arrays: Mapping[str, np.ndarray], folder: str) -> list[dict[str, np.ndarray]]:
    """Arrays keyed `<folder>/<index>/<name>`, by index."""
    parts: dict[int, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        first, _, rest = key.partition("/")
        if first == folder:
            index, _, name = rest.partition("/")
            parts.setdefault(int(index), {})[name] = array
    return [parts[index] for index in sorted(parts)]
