"""What can be set for a labelling project."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.errors import Invalid

MAX_OVERLAP = 5


def _default_strategy() -> str:
    from models.active import DEFAULT_STRATEGY  # imports linear algebra, which most commands do without

    return DEFAULT_STRATEGY


class ProjectSettings(BaseModel):
    """How a project's items are served, answered and learned from.

    Attributes
    ----------
    strategy : str
        One of `models.active.STRATEGIES`.
    random_share : float
        Share of the leases that are served from the random slice, on whose labels the model is measured.
    overlap : int
        How many annotators answer for each item.
    lease_s : float
        How long an item stays with an annotator who does not answer.
    multi_label : bool
        Whether an item may have several genres.
    none_of_these : bool
        Whether an annotator may say that no genre of the taxonomy fits.
    suggestions : {"hidden", "shown"}
        Whether annotators see what the model thinks before they answer: it biases them.
    retrain_every : int
        Labels between two trainings; 0 lets it grow with the number of labels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    strategy: str = Field(default_factory=_default_strategy)
    random_share: float = Field(0.2, ge=0.0, le=1.0)
    overlap: int = Field(1, ge=1, le=MAX_OVERLAP)
    lease_s: float = Field(600.0, ge=5.0, le=24 * 3600.0)
    multi_label: bool = False
    none_of_these: bool = True
    suggestions: Literal["hidden", "shown"] = "hidden"
    retrain_every: int = Field(0, ge=0, le=100_000)


def settings_of(values: Mapping[str, Any]) -> ProjectSettings:
    """Check settings that somebody sent.

    Raises
    ------
    Invalid
        If one is unknown or out of range; the message names it.
    """
    from models.active import STRATEGIES

    try:
        settings = ProjectSettings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise Invalid(f"The setting {name!r} of a project: {first['msg']}, got {first['input']!r}.") from error
    if settings.strategy not in STRATEGIES:
        raise Invalid(f"There is no strategy {settings.strategy!r}: expected one of {', '.join(STRATEGIES)}.")
    return settings
