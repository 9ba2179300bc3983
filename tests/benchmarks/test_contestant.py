"""The processes that a benchmark compares: questions, answers, memory, and what they said when they died."""

import sys

import pytest

from benchmarks import contestant
from benchmarks.contestant import Contestant

WORKER = """
import json, sys
print(json.dumps({"start_s": 0.5}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if request.get("die"):
        sys.exit("out of luck")
    memory = b"x" * request["bytes"]
    print(json.dumps({"heard": request["bytes"]}), flush=True)
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "worker.py").write_text(WORKER)
    monkeypatch.setattr(contestant, "ROOT", tmp_path)
    with Contestant(sys.executable, "worker") as worker:
        yield worker


def test_answers_and_measures(worker):
    assert worker.started == {"start_s": 0.5}
    before = worker.peak_memory_mb()
    assert worker.ask(bytes=50 * 2**20) == {"heard": 50 * 2**20}
    if before is None:
        pytest.skip("memory is measured on Linux only")
    assert 40 < worker.peak_memory_mb() - before < 70
    assert 0 <= worker.cpu_s() < 60


def test_last_words(worker):
    with pytest.raises(RuntimeError, match="out of luck"):
        worker.ask(die=True)
