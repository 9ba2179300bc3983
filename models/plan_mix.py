"""Several plans that are played at once, each with its weight: how a mix of genres is made."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import ModelError
from models.plan import Plan


@dataclass(frozen=True)
class PlanMix:
    """Plans of one length with their weights.

    Attributes
    ----------
    plans : tuple of Plan
        One or more.
    weights : tuple of float
        One each, above 0; they sum to 1.
    """

    plans: tuple[Plan, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if len({plan.n_frames for plan in self.plans}) != 1:
            raise ModelError(f"plans of {[plan.n_frames for plan in self.plans]} frames: expected some of one length")
        if len(self.weights) != len(self.plans) or min(self.weights) <= 0 or abs(sum(self.weights) - 1) > 1e-6:
            raise ModelError(f"weights {self.weights} of {len(self.plans)} plans: expected one each, with a sum of 1")

    @classmethod
    def of(cls, plan: Plan) -> "PlanMix":
        """One plan alone."""
        return cls((plan,), (1.0,))

    @property
    def n_frames(self) -> int:
        """Length."""
        return self.plans[0].n_frames

    @property
    def leading(self) -> Plan:
        """The plan of the largest weight, the first of several that are equal."""
        return self.plans[self.weights.index(max(self.weights))]

    def with_plans(self, plans: Sequence[Plan]) -> "PlanMix":
        """Other plans with the same weights."""
        return PlanMix(tuple(plans), self.weights)
