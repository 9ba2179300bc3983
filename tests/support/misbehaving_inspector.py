"""A stand-in for the inspector's separate process that does what its file says: `segfault`, `nonsense`, `good` ..."""

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from features import isolation_worker
from features.audio import AudioInfo
from features.errors import FeatureError
from features.inspection import Inspection
from features.isolation_worker import Answer


def inspect(path: str) -> Iterator[Answer]:
    match Path(path).read_text().strip():
        case "segfault":
            ctypes.string_at(0)
        case "nonsense":
            yield {"kind": "result", "result": {"info": 3}}, {"fingerprint": np.zeros(3)}
            return
        case "no audio error":
            raise FeatureError("as it says")
    header, arrays = INSPECTION.to_message()
    yield {"kind": "result", "result": header}, arrays


INSPECTION = Inspection(
    info=AudioInfo(10.0, 44100, 2, "wav"),
    peak=0.5,
    full_scale_share=0.0,
    flat_top_share=0.0,
    dc_offset=0.0,
    level_range_db=10.0,
    bandwidth_hz=20_000.0,
    fingerprint=np.empty(0, np.uint32),
)

if __name__ == "__main__":
    sys.exit(isolation_worker.main({"inspect": inspect}))
