"""In what numbers a network multiplies while it is fitted."""

from models.errors import ModelError

PRECISIONS = ("float32", "mixed_bfloat16")  # the second is faster on processors with 16-bit matrix units


def check_precision(precision: str) -> None:
    """Raise ModelError unless it is one of `PRECISIONS`."""
    if precision not in PRECISIONS:
        raise ModelError(f"precision={precision!r}: expected one of {', '.join(PRECISIONS)}")
