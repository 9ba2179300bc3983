"""Checks that settings classes share: what comes from a file is refused by its name before any work is done."""

from typing import Any

from models.errors import ModelError


def check_ranges(settings: Any, **ranges: tuple[float, float]) -> None:
    """Refuse settings that are no numbers or out of range; where both bounds are integers, only integers will do.

    Raises
    ------
    ModelError
        If one is; the message names it, and what was expected.
    """
    for name, (low, high) in ranges.items():
        value = getattr(settings, name)
        whole = isinstance(low, int) and isinstance(high, int)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not low <= value <= high:
            kind = "a whole number from " if whole else ""
            raise ModelError(f"{name}={value!r}: expected {kind}{low:g} to {high:g}")
