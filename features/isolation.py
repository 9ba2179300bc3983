"""Decoding and analysis in separate processes: for files that nobody vouches for, and to use every core.

A decoder that a damaged or hostile file brings down, blows up or holds up takes one process with it, which is
replaced; the caller gets an error that names the file. The processes are started ahead, so that a request does not
pay for Python's start.
"""

import fcntl
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

from features import errors, wire
from features.analysis import Analysis, AnalysisSettings
from features.audio import AudioInfo
from features.errors import CorruptAudio, DecoderLimitExceeded, FeatureError

START_S = 120.0  # a process that has not said by then that it is ready never will
END_S = 5.0
PIPE_BYTES = 1 << 20  # a few seconds' worth of frames: the process works ahead while the caller computes
OUT_OF_MEMORY = {signal.SIGKILL}  # the kernel's choice when the machine runs out
OUT_OF_TIME = {signal.SIGPROF, signal.SIGXCPU}
PASSED_ENVIRONMENT = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PATH", "TZ")
OWN_ENVIRONMENT = {
    "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
    "PYTHONDONTWRITEBYTECODE": "1",
    # One process per core: more threads would only wait for each other, and each reserves address space.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
Message = tuple[dict[str, Any], dict[str, np.ndarray]]


class PoolClosed(RuntimeError):
    """The pool was closed; somebody asked for more."""


class WorkerStartError(RuntimeError):
    """The separate process does not start on this machine."""


class AnalyserPool:
    """Processes that analyse recordings under limits; a context manager.

    Thread-safe: each request takes an idle process, and waits for one where all are busy. A thread that holds as many
    half-read runs as there are processes would wait for itself.

    Parameters
    ----------
    workers : int
        Number of processes, at least 1.
    memory_mb : int
        Limit of one process's address space in MiB, its code included.
    stall_s : float
        Longest wait for the next piece of an answer, in seconds.
    total_s : float or None
        Longest wait for all pieces of one answer together, and most CPU time spent on it, in seconds. What the caller
        does between the pieces does not count.
    niceness : int
        Added to the niceness of the processes, 0 to 19.
    worker_module : str
        Module that the processes run.

    Raises
    ------
    FeatureError
        If a setting is out of range.
    """

    def __init__(
        self,
        workers: int = 2,
        *,
        memory_mb: int = 1500,
        stall_s: float = 30.0,
        total_s: float | None = 600.0,
        niceness: int = 0,
        worker_module: str = "features.isolation_worker",
    ) -> None:
        if workers < 1 or memory_mb < 1 or not stall_s > 0 or (total_s is not None and not total_s > 0):
            raise FeatureError(
                f"workers={workers}, memory_mb={memory_mb}, stall_s={stall_s}, total_s={total_s}: "
                "expected all of them to be positive"
            )
        self._memory_mb, self._stall_s, self._total_s = memory_mb, stall_s, total_s
        self._command = [sys.executable, "-P", "-m", worker_module, f"--memory-mb={memory_mb}"]
        self._command += [f"--niceness={niceness}", f"--parent={os.getpid()}"]
        self._changed = threading.Condition()  # its lock is reentrant: a run may be collected while it is held
        self._idle: list[_Worker | OSError] = []
        self._busy: set[_Worker] = set()
        self._closed = False
        self._wanted: queue.SimpleQueue[bool] = queue.SimpleQueue()
        for _ in range(workers):
            self._wanted.put(True)
        # Linux ends the processes with the thread that started them, so that is one that lives as long as the pool.
        self._keeper = threading.Thread(target=self._keep, name="analyser-pool", daemon=True)
        self._keeper.start()

    def analyse(self, path: str | os.PathLike[str], settings: AnalysisSettings = AnalysisSettings()) -> "IsolatedRun":
        """Analyse a recording: `features.analysis.analyse` in another process.

        Parameters
        ----------
        path : str or os.PathLike
            A recording.
        settings : AnalysisSettings
            What to compute, and the limits of its length.

        Returns
        -------
        IsolatedRun
            Iterator over log-mel chunks, (k, 96) float32, then `result`. A process is taken with the first chunk.

        Raises
        ------
        AudioError
            While iterating: what `features.analysis.analyse` raises; DecoderLimitExceeded where the file takes too
            much time or memory; CorruptAudio where it brings the decoder down.
        """
        return IsolatedRun(self._converse(path, "analyse", {"settings": asdict(settings)}))

    def probe(self, path: str | os.PathLike[str]) -> AudioInfo:
        """Tell what a recording is: `features.audio.probe` in another process, with the errors of `analyse`."""
        header, _ = next(self._converse(path, "probe", {}))
        return AudioInfo(**header["result"])

    def samples(self, path: str | os.PathLike[str], *, sr: int, start_s: float, duration_s: float) -> np.ndarray:
        """Read a part of a recording: `features.audio.load` in another process, with the errors of `analyse`.

        Parameters
        ----------
        path : str or os.PathLike
            A recording.
        sr : int
            Wanted sampling rate in Hz.
        start_s, duration_s : float
            The part: shorter where the recording ends.

        Returns
        -------
        np.ndarray, shape (n_samples,), float32
            Mean of the channels.
        """
        part = {"sr": sr, "start_s": start_s, "duration_s": duration_s}
        _, arrays = next(self._converse(path, "samples", part))
        return arrays["samples"]

    def picture(self, path: str | os.PathLike[str], kind: Literal["mel", "scalogram"], **settings: Any) -> bytes:
        """Draw a recording: `features.pictures` in another process, with the errors of `analyse`.

        Parameters
        ----------
        path : str or os.PathLike
            A recording.
        kind : {"mel", "scalogram"}
            Which picture.
        **settings
            Passed to `mel_picture` or `scalogram_picture`.

        Returns
        -------
        bytes
            A PNG file.
        """
        if kind not in ("mel", "scalogram"):
            raise FeatureError(f"picture {kind!r}: expected 'mel' or 'scalogram'")
        _, arrays = next(self._converse(path, "picture", {"kind": kind, "settings": settings}))
        return arrays["png"].tobytes()

    def close(self) -> None:
        """End every process; runs that are under way raise PoolClosed. Safe to call twice."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            idle = [worker for worker in self._idle if isinstance(worker, _Worker)]
            self._idle.clear()
            busy = list(self._busy)
            self._changed.notify_all()
        self._wanted.put(False)
        for worker in idle:
            worker.end()
        for worker in busy:  # its pipes belong to the thread that reads them
            worker.kill()
        self._keeper.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _converse(
        self, path: str | os.PathLike[str], operation: str, arguments: dict[str, Any]
    ) -> Generator[Message, None, None]:
        """Ask for an operation on a file; yield the answer's pieces, the last one of kind "result"."""
        name = Path(path).name
        request = {
            "operation": operation,
            "cpu_s": self._total_s,
            "arguments": {"path": os.path.abspath(path), **arguments},
        }
        worker = self._begin(request)
        at_rest = False
        try:
            left_s = float("inf") if self._total_s is None else self._total_s
            while True:
                asked = time.monotonic()
                header, arrays = worker.read(min(self._stall_s, left_s))
                left_s = max(0.0, left_s - (time.monotonic() - asked))
                kind = header.get("kind")
                if kind == "memory":
                    raise self._over_memory(name)
                at_rest = kind in ("result", "error")
                if kind == "error":
                    raise _same_error(header)
                if kind == "result":
                    break
                yield header, arrays
        except TimeoutError as error:
            raise DecoderLimitExceeded(
                f"{name}: decoding was stopped after {self._stall_s:g} s without progress or {self._total_s} s in all; "
                "convert the recording to WAV or FLAC, or cut it into parts"
            ) from error
        except wire.WireError as error:
            raise _broke_down(name) from error
        except EOFError as error:
            raise self._death(name, worker) from error
        finally:
            if at_rest:
                self._give_back(worker)
            else:
                self._replace(worker)
        yield header, arrays

    def _begin(self, request: dict[str, Any]) -> "_Worker":
        """Check out a process and send it the request, past those that ended while they were idle."""
        while True:
            worker = self._check_out()
            try:
                worker.wait_until_ready(START_S)
                worker.send(request)
            except (OSError, EOFError) as error:  # TimeoutError and BrokenPipeError are OSErrors
                self._replace(worker)
                if self._closed:
                    raise PoolClosed("the analyser pool was closed meanwhile") from error
                if not worker.ready:
                    raise WorkerStartError(
                        f"`{' '.join(self._command)}` does not start: see its message on standard error; "
                        f"{self._memory_mb} MiB of memory may be too few"
                    ) from error
            else:
                return worker

    def _check_out(self) -> "_Worker":
        with self._changed:
            while not self._idle and not self._closed:
                self._changed.wait()
            if self._closed:
                raise PoolClosed("the analyser pool is closed")
            worker = self._idle.pop()
            if isinstance(worker, OSError):
                self._wanted.put(True)
                raise WorkerStartError(f"no process can be started: {worker}") from worker
            self._busy.add(worker)
            return worker

    def _give_back(self, worker: "_Worker") -> None:
        with self._changed:
            self._busy.discard(worker)
            if not self._closed:
                self._idle.append(worker)
                self._changed.notify()
                return
        worker.end()

    def _replace(self, worker: "_Worker") -> None:
        worker.end()
        with self._changed:
            self._busy.discard(worker)
        self._wanted.put(True)

    def _keep(self) -> None:
        while self._wanted.get() and not self._closed:
            try:
                worker: _Worker | OSError = _Worker(self._command)
            except OSError as error:
                worker = error  # for the next who asks
            with self._changed:
                if not self._closed:
                    self._idle.insert(0, worker)  # taken last: it is still busy with its imports
                    self._changed.notify()
                    continue
            if isinstance(worker, _Worker):
                worker.end()

    def _over_memory(self, name: str) -> DecoderLimitExceeded:
        return DecoderLimitExceeded(
            f"{name}: decoding needs more than {self._memory_mb} MiB of memory; convert the recording to WAV or FLAC"
        )

    def _death(self, name: str, worker: "_Worker") -> Exception:
        if self._closed:
            return PoolClosed("the analyser pool was closed meanwhile")
        code = worker.exit_code()
        if -code in OUT_OF_MEMORY:
            return self._over_memory(name)
        if -code in OUT_OF_TIME:
            return DecoderLimitExceeded(
                f"{name}: decoding took more than {self._total_s} s of computing; cut the recording into parts"
            )
        return _broke_down(name)


class IsolatedRun:
    """Log-mel chunks of a recording that another process analyses: iterate, then read `result`.

    Attributes
    ----------
    progress : float
        Share of the recording that is done, 0 to 1; NaN while its length is unknown.
    """

    def __init__(self, messages: Generator[Message, None, None]) -> None:
        self._messages = messages
        self._result: Analysis | None = None
        self.progress = 0.0

    @property
    def result(self) -> Analysis:
        """The analysis. Raises RuntimeError before the last chunk was taken."""
        if self._result is None:
            raise RuntimeError("the analysis is not done: take every chunk first")
        return self._result

    def __iter__(self) -> Iterator[np.ndarray]:
        return self

    def __next__(self) -> np.ndarray:
        header, arrays = next(self._messages)
        if header["kind"] == "result":
            self._result = Analysis.from_message(header["result"], arrays)
            self.progress = 1.0
            raise StopIteration
        self.progress = header["progress"]
        return arrays["frames"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop; a process that is at work on the recording is ended and replaced. Safe to call twice."""
        self._messages.close()


class _Worker:
    """One process and the two pipes to it."""

    def __init__(self, command: list[str]) -> None:
        passed = {name: os.environ[name] for name in PASSED_ENVIRONMENT if name in os.environ}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd="/",
            env=passed | OWN_ENVIRONMENT,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self.ready = False
        if sys.platform == "linux":
            with suppress(PermissionError):  # the user's share of pipe memory is used up
                fcntl.fcntl(self._answers, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def wait_until_ready(self, timeout_s: float) -> None:
        if not self.ready:
            self.read(timeout_s)
            self.ready = True

    def send(self, request: dict[str, Any]) -> None:
        self._requests.write(json.dumps(request).encode() + b"\n")

    def read(self, timeout_s: float) -> Message:
        """The next message; TimeoutError when nothing comes for that long, EOFError when the process has ended."""
        return wire.unpack(lambda n_bytes: self._read_bytes(n_bytes, timeout_s))

    def _read_bytes(self, n_bytes: int, timeout_s: float) -> bytearray:
        data = bytearray(n_bytes)
        rest = memoryview(data)
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        while rest:
            if not poll.poll(min(timeout_s * 1000, 2**31 - 1)):
                raise TimeoutError
            n = os.readv(self._answers.fileno(), [rest])
            if n == 0:
                raise EOFError
            rest = rest[n:]
        return data

    def exit_code(self) -> int:
        """Exit code of a process that has closed its pipe, so that it must be about to end."""
        try:
            return self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            return self.end()

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> int:
        """Kill the process unless it has ended, collect it, and close the pipes; its exit code."""
        for pipe in (self._requests, self._answers):
            pipe.close()
        self._process.kill()
        return self._process.wait()


def _broke_down(name: str) -> CorruptAudio:
    return CorruptAudio(f"{name}: the decoder broke down on it; it is damaged, export or copy it again")


def _same_error(header: dict[str, Any]) -> FeatureError:
    kind = getattr(errors, str(header.get("error")), None)
    if not (isinstance(kind, type) and issubclass(kind, FeatureError)):
        kind = CorruptAudio
    return kind(str(header.get("message")))
