"""Faults of recordings that a corpus is known for, in the form in which readers put them into `Recording.details`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EXACT_REPETITION = "exact repetition"  # the same excerpt of the same recording
RECORDING_REPETITION = "recording repetition"  # another excerpt, or another copy, of the same recording
MISLABELLING = "mislabelling"
DISTORTION = "distortion"
UNREADABLE = "unreadable"  # in copies that are in use
NO_AUDIO = "no audio"
SHORT = "short"  # shorter than the corpus promises


@dataclass(frozen=True)
class Fault:
    """One fault of one recording.

    Attributes
    ----------
    kind : str
        A constant of this module.
    same_as : tuple of str
        Names of the recordings that it repeats; empty for other kinds.
    """

    kind: str
    same_as: tuple[str, ...] = ()


def fault_details(faults: Sequence[Fault]) -> dict[str, Any]:
    """What is to be put into `Recording.details`: {"faults": […]} ready for JSON; nothing where there are none."""
    if not faults:
        return {}
    same_as = [{"same_as": list(fault.same_as)} if fault.same_as else {} for fault in faults]
    return {"faults": [{"kind": fault.kind} | names for fault, names in zip(faults, same_as, strict=True)]}
