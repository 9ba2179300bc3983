"""A program under measurement: a process of its own that answers JSON requests, and the memory that it took."""

import json
import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.original_environment import ROOT


class Contestant:
    """A context manager around the process; `started` is the first thing that it said."""

    def __init__(self, python: Path | str, module: str, **environment: str):
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (closed on exit)
        self._process = subprocess.Popen(
            [python, ROOT / "benchmarks" / f"{module}.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            env=environment,
            text=True,
        )
        self.started = self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._log.close()

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer."""
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def peak_memory_mb(self) -> float | None:
        """Most resident memory so far, summed over the process and its descendants; None off Linux.

        Pages that processes share are counted in each, so the sum is an upper bound.
        """
        family = self._family()
        peaks = [fields["VmHWM"] for fields in family.values() if "VmHWM" in fields]
        return sum(int(peak.split()[0]) for peak in peaks) / 1024 if family else None

    def cpu_s(self) -> float | None:
        """CPU time so far of the process and its descendants; None off Linux."""
        family = self._family()
        ticks = 0
        for pid in family:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # utime, stime
        return ticks / os.sysconf("SC_CLK_TCK") if family else None

    def _family(self) -> dict[int, dict[str, str]]:
        """What the kernel says of the process and its descendants, by process id; nothing off Linux."""
        status = {}
        for path in Path("/proc").glob("[0-9]*/status"):
            with suppress(OSError):  # ended meanwhile
                lines = path.read_text().splitlines()
                status[int(path.parent.name)] = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        family, before = {self._process.pid}, set()
        while family != before:
            before = set(family)
            family |= {pid for pid, fields in status.items() if int(fields["PPid"]) in family}
        return {pid: status[pid] for pid in family if pid in status}

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise RuntimeError(f"{self._process.args} ended:\n{self._log.read().decode(errors='replace')[-3000:]}")
        return json.loads(line)
