"""Damaged recordings against the service as it stands: real decoding processes, real storage, real HTTP views."""

import io
import os
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from features.errors import AudioError
from service.usecases.tracks import classify_track

SLOW_S = 60.0  # an answer that takes longer counts as a hang
SETTLED_AFTER = 20  # files: by then every process and connection that is kept has been opened
SLACK = 3  # open files and children: a decoding process may just be being replaced


@dataclass
class Outcome:
    """What came of a run; `faults` is empty when all went well."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest_s: float = 0.0
    faults: list[str] = field(default_factory=list)


def send_all(app, files: Iterable[tuple[str, bytes]]) -> Outcome:
    """Upload each file, delete what was accepted, and look at what is left over."""
    client = app.test_client()
    services = app.extensions["services"]
    outcome = Outcome()
    before = 0
    for index, (name, content) in enumerate(files):
        if index == SETTLED_AFTER:
            before = _resources()
        begun = time.monotonic()
        answer = client.post("/v1/classifications", data={"file": (io.BytesIO(content), name)})
        took_s = time.monotonic() - begun
        outcome.statuses[answer.status_code] += 1
        outcome.slowest_s = max(outcome.slowest_s, took_s)
        if answer.status_code >= 500 or took_s > SLOW_S:
            outcome.faults.append(f"{name}: {answer.status_code} after {took_s:.1f} s: {answer.text[:300]}")
        elif answer.status_code == 200:
            client.delete(f"/v1/tracks/{answer.json['track']}")
        elif answer.status_code == 202:  # its length was not known beforehand: the job is done here
            with suppress(AudioError):
                classify_track(answer.json["track"], services=services)
            client.delete(f"/v1/tracks/{answer.json['track']}")
        elif answer.content_type != "application/problem+json" or not answer.json["detail"]:
            outcome.faults.append(f"{name}: {answer.status_code} without a problem document")
    outcome.faults += _left_over(services.settings.data_dir)
    if (after := _resources()) > before + SLACK:
        outcome.faults.append(f"open files and children grew from {before} to {after}")
    return outcome


def _left_over(data_dir: Path) -> list[str]:
    """Files of uploads that should be gone."""
    places = [data_dir / "incoming", data_dir / "blobs"]
    return [f"left behind: {path}" for place in places for path in place.rglob("*") if path.is_file()]


def _resources() -> int:
    """Open files and child processes of this process, where the system tells."""
    descriptors = Path("/proc/self/fd")
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    if not descriptors.is_dir() or not children.is_file():
        return 0
    return len(list(descriptors.iterdir())) + len(children.read_text().split())
