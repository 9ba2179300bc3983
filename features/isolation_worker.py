"""The separate process that decodes and analyses: `python -m features.isolation_worker`, started by `AnalyserPool`.

Requests are lines of JSON on standard input, answers are messages of `features.wire` on standard output. The process
writes no file, and its memory is limited; it ends when its input does or its parent dies.
"""

import argparse
import ctypes
import io
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np

from features import wire
from features.errors import FeatureError

MAX_OPEN_FILES = 64
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # from linux/prctl.h
Answer = tuple[Mapping[str, Any], Mapping[str, np.ndarray]]
Operation = Callable[..., Iterator[Answer]]


def main(operations: Mapping[str, Operation] | None = None) -> int:
    """Answer requests until the input ends.

    Parameters
    ----------
    operations : mapping of name to function, or None
        What can be asked for, instead of what this module offers; each takes the request's arguments and yields
        answers, the last of which has the kind "result".
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory-mb", type=int, required=True)
    parser.add_argument("--niceness", type=int, default=0)
    parser.add_argument("--parent", type=int, required=True)
    settings = parser.parse_args()

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    answers = _own_streams()
    _die_with_parent(settings.parent)
    _limit(settings.memory_mb)
    os.nice(settings.niceness)
    _send(answers, {"kind": "ready"})
    if operations is None:
        operations = OPERATIONS
        warm_up()
    for line in sys.stdin.buffer:
        _answer(json.loads(line), operations, answers)
    return 0


def _answer(request: dict[str, Any], operations: Mapping[str, Operation], answers: BinaryIO) -> None:
    signal.setitimer(signal.ITIMER_PROF, request["cpu_s"] or 0)  # by default its signal ends the process
    try:
        for header, arrays in operations[request["operation"]](**request["arguments"]):
            _send(answers, header, arrays)
    except FeatureError as error:
        _send(answers, {"kind": "error", "error": type(error).__name__, "message": str(error)})
    except MemoryError:
        # What the failed attempt holds is freed with the process; the parent starts another.
        _send(answers, {"kind": "memory"})
        sys.exit(0)
    signal.setitimer(signal.ITIMER_PROF, 0)


def _send(answers: BinaryIO, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> None:
    try:
        for piece in wire.pack(header, arrays):
            answers.write(piece)
        answers.flush()
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more


def analyse(path: str, settings: dict[str, Any]) -> Iterator[Answer]:
    """Log-mel chunks, then the analysis."""
    from features.analysis import AnalysisSettings
    from features.analysis import analyse as run_analysis

    with run_analysis(path, AnalysisSettings(**settings)) as run:
        for frames in run:
            yield {"kind": "frames", "progress": run.progress}, {"frames": frames}
        header, arrays = run.result.to_message()
    yield {"kind": "result", "result": header}, arrays


def probe(path: str) -> Iterator[Answer]:
    """What the recording is."""
    from dataclasses import asdict

    from features import audio

    yield {"kind": "result", "result": asdict(audio.probe(path))}, {}


def samples(path: str, sr: int, start_s: float, duration_s: float) -> Iterator[Answer]:
    """A part of the recording as mono samples."""
    from features import audio

    y = audio.load(path, sr=sr, offset_s=start_s, duration_s=duration_s)
    yield {"kind": "result", "result": {}}, {"samples": y}


def picture(path: str, kind: str, settings: dict[str, Any]) -> Iterator[Answer]:
    """A PNG, as an array of bytes."""
    from features import pictures

    draw = {"mel": pictures.mel_picture, "scalogram": pictures.scalogram_picture}[kind]
    yield {"kind": "result", "result": {}}, {"png": np.frombuffer(draw(path, **settings), np.uint8)}


OPERATIONS: dict[str, Operation] = {"analyse": analyse, "probe": probe, "samples": samples, "picture": picture}


def warm_up() -> None:
    """Analyse a second of silence in each decoder, so that the first request does not pay for imports."""
    import soundfile

    from features import ffmpeg  # noqa: F401  (the import is the point)
    from features.analysis import analyse as run_analysis

    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(44100, np.float32), 44100, format="WAV")
    for _ in run_analysis(silence):
        pass


def _own_streams() -> BinaryIO:
    """Answers go where standard output went; what libraries print to the streams of the process goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    return answers


def _die_with_parent(parent: int) -> None:
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:  # it died before the call above
        os._exit(0)


def _limit(memory_mb: int) -> None:
    for limit, value in (
        (resource.RLIMIT_AS, memory_mb << 20),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
    ):
        resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    sys.exit(main())
