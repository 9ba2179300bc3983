"""Analysis in separate processes: the same answers, and nothing that a file does reaches the caller."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from features.analysis import AnalysisSettings, analyse
from features.audio import load, probe
from features.errors import AudioError, CorruptAudio, DecoderLimitExceeded, FeatureError
from features.isolation import AnalyserPool, PoolClosed, WorkerStartError
from features.pictures import mel_picture
from tests.support.audio_files import GOOD, SR, sound_file, tone

STAND_IN = "tests.support.misbehaving_worker"
PROC = Path("/proc/self/fd")


@pytest.fixture(scope="module")
def pool() -> Iterator[AnalyserPool]:
    """The real thing, one process."""
    with AnalyserPool(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def stand_in() -> Iterator[AnalyserPool]:
    """One process that does what its file says, on a short leash."""
    with AnalyserPool(1, worker_module=STAND_IN, stall_s=0.5, total_s=1.5, memory_mb=600) as pool:
        yield pool


@pytest.fixture
def recording(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Twenty seconds of noise on a tone."""
    path = tmp_path / "recording.flac"
    path.write_bytes(sound_file(tone(seconds=20.0) + 0.1 * rng.standard_normal((20 * SR, 2)), format="FLAC"))
    return path


def _script(folder: Path, what: str) -> Path:
    path = folder / f"{what}.txt"
    path.write_text(what)
    return path


def _who(pool: AnalyserPool, folder: Path) -> dict:
    return pool.probe(_script(folder, "who")).format


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A child of a process that is gone waits for the first process to collect it.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def _within(seconds: float, condition) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("attributes", [False, True])
def test_the_answer_is_that_of_this_process(pool: AnalyserPool, recording: Path, attributes: bool) -> None:
    settings = AnalysisSettings(attributes=attributes)
    with analyse(recording, settings) as here:
        expected = np.concatenate(list(here))
    with pool.analyse(recording, settings) as run:
        progress = []
        chunks = []
        for frames in run:
            chunks.append(frames)
            progress.append(run.progress)

    np.testing.assert_array_equal(np.concatenate(chunks), expected)
    header, arrays = run.result.to_message()
    expected_header, expected_arrays = here.result.to_message()
    assert header == expected_header
    for name, array in expected_arrays.items():
        np.testing.assert_array_equal(arrays[name], array)
    assert progress == sorted(progress)
    assert run.progress == 1.0


def test_a_part_of_a_recording_is_read_as_in_this_process(pool: AnalyserPool, recording: Path) -> None:
    y = pool.samples(recording, sr=22050, start_s=18.5, duration_s=9.0)
    np.testing.assert_array_equal(y, load(recording, sr=22050, offset_s=18.5))
    assert y.size == 1.5 * 22050


def test_probe_and_picture_are_those_of_this_process(pool: AnalyserPool, recording: Path) -> None:
    assert pool.probe(recording) == probe(recording)
    assert pool.picture(recording, "mel", width=200, height=64) == mel_picture(recording, width=200, height=64)
    assert pool.picture(recording, "scalogram", width=100, height=32).startswith(b"\x89PNG")
    with pytest.raises(FeatureError, match="expected 'mel' or 'scalogram'"):
        pool.picture(recording, "wave")


@pytest.mark.parametrize("content", ["empty", "text", "cut off", "missing", "too short", "too long"])
def test_errors_are_those_of_this_process(pool: AnalyserPool, tmp_path: Path, content: str) -> None:
    flac = GOOD["flac"](np.random.default_rng(1).uniform(-1, 1, (SR * 4, 2)), SR)
    data = {"empty": b"", "text": b"no music", "cut off": flac[: len(flac) // 2], "too short": GOOD["wav"](tone(), SR)}
    path = tmp_path / "recording"
    if content != "missing":
        path.write_bytes(data.get(content, flac))
    settings = AnalysisSettings(
        attributes=False,
        min_duration_s=5.0 if content == "too short" else 0.5,
        max_duration_s=2.0 if content == "too long" else None,
    )
    with pytest.raises(AudioError) as here:
        list(analyse(path, settings))
    with pytest.raises(AudioError) as there:
        list(pool.analyse(path, settings))
    assert there.type is here.type
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        ("hang", DecoderLimitExceeded, r"hang\.txt: decoding was stopped after 0\.5 s without progress"),
        ("hang half-way", DecoderLimitExceeded, r"half-way\.txt: .* without progress"),
        ("trickle", DecoderLimitExceeded, r"trickle\.txt: .* or 1\.5 s in all"),
        ("burn", DecoderLimitExceeded, r"burn\.txt: "),
        ("memory", DecoderLimitExceeded, r"memory\.txt: decoding needs more than 600 MiB"),
        ("killed", DecoderLimitExceeded, r"killed\.txt: decoding needs more than 600 MiB"),
        ("segfault", CorruptAudio, r"segfault\.txt: the decoder broke down"),
        ("abort", CorruptAudio, r"abort\.txt: the decoder broke down"),
        ("exit", CorruptAudio, r"exit\.txt: the decoder broke down"),
        ("exception", CorruptAudio, r"exception\.txt: the decoder broke down"),
        ("nonsense", CorruptAudio, r"nonsense\.txt: the decoder broke down"),
        ("error", CorruptAudio, "as it says"),
        ("unknown error", CorruptAudio, "no error of ours"),
    ],
)
def test_what_a_file_does_to_its_process_is_an_error(
    stand_in: AnalyserPool, tmp_path: Path, what: str, error: type[AudioError], message: str
) -> None:
    list(stand_in.analyse(_script(tmp_path, "good")))  # the process is there: what follows is not its start
    started = time.monotonic()
    with pytest.raises(error, match=message) as caught:
        list(stand_in.analyse(_script(tmp_path, what)))
    assert caught.type is error
    assert time.monotonic() - started < 8
    assert list(stand_in.analyse(_script(tmp_path, "good"))) == []  # and the next file is answered


def test_computing_for_too_long_ends_the_process_even_without_the_parent(tmp_path: Path) -> None:
    with AnalyserPool(1, worker_module=STAND_IN, stall_s=60, total_s=0.5) as pool:
        run = pool.analyse(_script(tmp_path, "endless"))
        next(run)
        pid = next(iter(pool._busy))._process.pid
        assert not _gone(pid)  # it waits for this reader, and waiting costs no time
        with pytest.raises(DecoderLimitExceeded, match=r"more than 0\.5 s of computing|0\.5 s in all"):
            list(run)


def test_what_libraries_print_is_no_answer(stand_in: AnalyserPool, tmp_path: Path, capfd) -> None:
    assert list(stand_in.analyse(_script(tmp_path, "noise"))) == []
    assert capfd.readouterr() == ("", "")


def test_the_caller_s_slowness_does_not_count(stand_in: AnalyserPool, tmp_path: Path) -> None:
    run = stand_in.analyse(_script(tmp_path, "error"))
    next(run)
    time.sleep(1.7)  # longer than both limits
    with pytest.raises(CorruptAudio, match="as it says"):
        next(run)


@pytest.mark.parametrize("how", ["close", "with", "forget", "error"])
def test_a_run_that_is_left_half_way_frees_its_process(stand_in: AnalyserPool, tmp_path: Path, how: str) -> None:
    run = stand_in.analyse(_script(tmp_path, "endless"))
    next(run)
    match how:
        case "close":
            run.close()
            run.close()
        case "with":
            with run:
                pass
        case "forget":
            del run
            gc.collect()
        case "error":
            with pytest.raises(ZeroDivisionError), run:
                raise ZeroDivisionError
    assert list(stand_in.analyse(_script(tmp_path, "good"))) == []


def test_a_result_that_is_not_there_yet(stand_in: AnalyserPool, tmp_path: Path) -> None:
    run = stand_in.analyse(_script(tmp_path, "good"))
    with pytest.raises(RuntimeError, match="take every chunk first"):
        _ = run.result
    run.close()


def test_a_process_that_was_ended_while_idle_is_replaced(stand_in: AnalyserPool, tmp_path: Path) -> None:
    pid = _who(stand_in, tmp_path)["pid"]
    os.kill(pid, signal.SIGKILL)
    assert _within(5, lambda: _gone(pid))
    assert _who(stand_in, tmp_path)["pid"] != pid


def test_a_process_serves_many_files(stand_in: AnalyserPool, tmp_path: Path) -> None:
    pids = {_who(stand_in, tmp_path)["pid"] for _ in range(20)}
    assert len(pids) == 1
    assert pids != {os.getpid()}


def test_the_process_has_limits_and_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENRELAB_TOKEN", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with AnalyserPool(1, worker_module=STAND_IN, memory_mb=700, niceness=3) as pool:
        who = _who(pool, tmp_path)
    assert "secret" not in str(who["environment"])
    assert who["memory"] == 700 << 20
    assert who["core"] == 0
    assert who["niceness"] >= min(3, os.nice(0) + 3)
    assert not who["writes"]
    assert not (tmp_path / "who.written").exists() or (tmp_path / "who.written").stat().st_size == 0


def test_many_threads_share_the_processes(tmp_path: Path) -> None:
    good, bad = _script(tmp_path, "good"), _script(tmp_path, "segfault")

    def use(k: int) -> str:
        try:
            return str(len(list(pool.analyse(bad if k % 10 == 3 else good))))
        except CorruptAudio:
            return "corrupt"

    with AnalyserPool(2, worker_module=STAND_IN) as pool, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(use, range(40)))
    assert answers == ["corrupt" if k % 10 == 3 else "0" for k in range(40)]


@pytest.mark.skipif(not PROC.is_dir(), reason="counts open files in /proc")
def test_fifty_files_leave_nothing_behind(tmp_path: Path) -> None:
    def children() -> set[str]:
        return set(" ".join(path.read_text() for path in Path("/proc/self/task").glob("*/children")).split())

    fds_before, children_before = len(os.listdir(PROC)), children()
    with AnalyserPool(2, worker_module=STAND_IN, stall_s=0.2, memory_mb=600) as pool:
        whats = ["good", "segfault", "error", "exit", "good", "killed", "good", "exception", "good", "good"]
        for what in whats * 5:
            try:
                for _ in pool.analyse(_script(tmp_path, what)):
                    break
            except AudioError:
                pass
        assert _within(10, lambda: len(children() - children_before) == 2)
        assert len(os.listdir(PROC)) <= fds_before + 4  # two pipes each
    assert len(os.listdir(PROC)) == fds_before
    assert children() <= children_before
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".txt"] * 6


@pytest.mark.parametrize("what", ["good", "hang", "endless"])
def test_no_process_outlives_a_parent_that_is_killed(tmp_path: Path, what: str) -> None:
    program = f"""
import os, sys, threading
from pathlib import Path
from features.isolation import AnalyserPool
pool = AnalyserPool(2, worker_module={STAND_IN!r})
threading.Thread(target=lambda: list(pool.analyse(Path(sys.argv[1]))), daemon=True).start()
print(pool.probe(Path(sys.argv[2])).format["pid"], flush=True)
while len(pids := {{worker._process.pid for worker in [*pool._idle, *pool._busy]}}) < 2:
    pass
print(*pids, flush=True)
os.kill(os.getpid(), 9)
"""
    parent = subprocess.run(
        [sys.executable, "-c", program, _script(tmp_path, what), _script(tmp_path, "who")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    pids = {int(pid) for pid in parent.stdout.split()}
    assert parent.returncode == -signal.SIGKILL, parent.stderr
    assert len(pids) >= 2
    assert _within(10, lambda: all(_gone(pid) for pid in pids))


def test_closing_ends_what_is_under_way(tmp_path: Path) -> None:
    pool = AnalyserPool(1, worker_module=STAND_IN, stall_s=60)
    run = pool.analyse(_script(tmp_path, "hang half-way"))
    next(run)
    waiting = [threading.Thread(target=lambda: seen.append(_outcome(pool, tmp_path))) for _ in range(2)]
    seen: list[type] = []
    for thread in waiting:
        thread.start()
    pool.close()
    pool.close()
    with pytest.raises(PoolClosed):
        next(run)
    for thread in waiting:
        thread.join(10)
    assert seen == [PoolClosed, PoolClosed]


def _outcome(pool: AnalyserPool, folder: Path) -> type:
    try:
        list(pool.analyse(_script(folder, "good")))
    except PoolClosed as error:
        return type(error)
    return object


def test_a_process_that_does_not_start_is_told(tmp_path: Path) -> None:
    with (
        AnalyserPool(1, worker_module="features.no_such_module") as pool,
        pytest.raises(WorkerStartError, match=r"no_such_module .*does not start"),
    ):
        list(pool.analyse(_script(tmp_path, "good")))


@pytest.mark.parametrize("settings", [{"workers": 0}, {"memory_mb": 0}, {"stall_s": 0}, {"total_s": -1.0}])
def test_settings_that_make_no_sense(settings: dict) -> None:
    with pytest.raises(FeatureError, match="expected all of them to be positive"):
        AnalyserPool(**settings)
