"""A stand-in for the analyser's separate process that does what its file says: `hang`, `crash`, `good` ..."""

import ctypes
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from features import isolation_worker
from features.errors import CorruptAudio
from features.isolation_worker import Answer

CHUNK = {"frames": np.ones((512, 96), np.float32)}


def analyse(path: str, settings: dict) -> Iterator[Answer]:
    match Path(path).read_text().strip():
        case "hang":
            time.sleep(3600)
        case "hang half-way":
            yield {"kind": "frames", "progress": 0.5}, CHUNK
            time.sleep(3600)
        case "trickle":
            while True:
                yield {"kind": "frames", "progress": 0.0}, CHUNK
                time.sleep(0.05)
        case "burn":
            while True:
                pass
        case "endless":
            while True:
                yield {"kind": "frames", "progress": 0.0}, CHUNK
        case "segfault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            sys.exit(0)
        case "memory":
            hoard = [np.empty(2**24, np.uint8) for _ in range(10**6)]
            yield {"kind": "frames", "progress": 0.0}, {"frames": hoard[0]}
        case "exception":
            raise ZeroDivisionError("a bug of ours")
        case "nonsense":
            for descriptor in range(3, 20):  # wherever the answers go
                try:
                    os.write(descriptor, b"\xff" * 1000)
                except OSError:
                    continue
            time.sleep(3600)
        case "error":
            yield {"kind": "frames", "progress": 0.5}, CHUNK
            raise CorruptAudio("as it says")
        case "unknown error":
            yield {"kind": "error", "error": "SystemExit", "message": "no error of ours"}, {}
            return
        case "noise":
            os.write(1, b"printed by a library\n")
            os.write(2, b"printed by a library\n")
    yield {"kind": "result", "result": RESULT}, ARRAYS


def probe(path: str) -> Iterator[Answer]:
    """Who and where this process is, in the place of what the recording is."""
    try:
        Path(path).with_suffix(".written").write_bytes(b"something")
        writes = True
    except OSError:
        writes = False
    found = {
        "pid": os.getpid(),
        "environment": dict(os.environ),
        "niceness": os.nice(0),
        "memory": resource.getrlimit(resource.RLIMIT_AS)[1],
        "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
        "writes": writes,
    }
    yield {"kind": "result", "result": {"duration_s": None, "sample_rate": 1, "channels": 1, "format": found}}, {}


RESULT = {
    "info": {"duration_s": 1.0, "sample_rate": 16_000, "channels": 1, "format": "wav"},
    "peak": 0.5,
    "log_mel_flux": 0.0,
    "attributes": {},
}
ARRAYS = {name: np.zeros(96, np.float32) for name in ("log_mel_mean", "log_mel_std", "waveform", "scalogram")}

if __name__ == "__main__":
    sys.exit(isolation_worker.main({"analyse": analyse, "probe": probe}))
