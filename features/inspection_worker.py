"""The separate process that inspects recordings: `python -m features.inspection_worker`, started by `InspectorPool`."""

import sys
from collections.abc import Iterator

from features import isolation_worker
from features.inspection import inspect
from features.isolation_worker import Answer


def inspect_file(path: str) -> Iterator[Answer]:
    """The inspection of one recording."""
    header, arrays = inspect(path).to_message()
    yield {"kind": "result", "result": header}, arrays


if __name__ == "__main__":
    sys.exit(isolation_worker.main({"inspect": inspect_file}))
