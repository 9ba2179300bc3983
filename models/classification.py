"""The answer of the classifier about one recording, as every door gives it.

Times are seconds from the start of the recording; probabilities are calibrated and sum to 1
over the genres of the model.
"""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class TagActivation:
    """Mean activation of one backbone tag over the recording, 0 to 1 (not calibrated)."""

    tag: str
    activation: float


@dataclass(frozen=True)
class Segment:
    """A stretch of the recording and what it sounds like.

    `genre` is None where the stretch is silent or not music.
    """

    start_s: float
    end_s: float
    genre: str | None
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Evidence:
    """A stretch that moved the decision: how much probability the genre loses without it."""

    start_s: float
    end_s: float
    effect: float


@dataclass(frozen=True)
class Classification:
    """What genre a recording is, how sure that is, where it changes, and why.

    `prediction_set` holds the true genre with probability `coverage`. `abstained` is true where that set
    is too large to mean anything or the recording is not music, and `reason` says which.
    """

    model: str
    duration_s: float
    sample_rate: int
    channels: int
    format: str
    genre: str | None
    probabilities: dict[str, float]
    prediction_set: tuple[str, ...]
    coverage: float
    abstained: bool
    reason: str | None
    short: bool
    tags: tuple[TagActivation, ...]
    segments: tuple[Segment, ...]
    runs: tuple[Segment, ...]
    evidence: tuple[Evidence, ...]
    attributes: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the HTTP contract, without what only the caller knows (path, hash, track)."""
        answer = asdict(self)
        answer["set"] = list(answer.pop("prediction_set"))
        return answer
