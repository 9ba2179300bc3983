import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.usecases.journal import KEPT_DAYS, FileState, Journal, JournalUnusable

ANSWER = {
    "genre": "reggae",
    "probabilities": {"reggae": 0.81},
    "reason": None,
    "tags": [{"tag": "é", "activation": 0.3}],
}


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "folder" / "journal.db") as journal:
        yield journal


@pytest.fixture
def song(tmp_path) -> Path:
    path = tmp_path / "song.mp3"
    path.write_bytes(b"one")
    return path


def test_an_answer_comes_back_as_it_was_put(journal, song):
    state = FileState.of(song)
    journal.put(state, "aa", "model-1", ANSWER)
    assert journal.sha256_of(state) == "aa"
    assert journal.has("aa", "model-1")
    assert journal.get("aa", "model-1") == ANSWER


def test_another_model_has_no_answer(journal, song):
    journal.put(FileState.of(song), "aa", "model-1", ANSWER)
    assert not journal.has("aa", "model-2")
    assert journal.get("aa", "model-2") is None


def test_a_changed_file_is_read_again(journal, song):
    journal.put(FileState.of(song), "aa", "model-1", ANSWER)
    os.utime(song, ns=(0, song.stat().st_mtime_ns + 1))
    assert journal.sha256_of(FileState.of(song)) is None
    song.write_bytes(b"longer")
    assert journal.sha256_of(FileState.of(song)) is None


def test_a_moved_file_keeps_its_answer(journal, song):
    journal.put(FileState.of(song), "aa", "model-1", ANSWER)
    moved = song.rename(song.with_name("moved.mp3"))
    journal.put(FileState.of(moved), "aa", "model-1")  # the content is known again, nothing was computed
    assert journal.get("aa", "model-1") == ANSWER


def test_it_outlives_the_process(tmp_path, song):
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        journal.put(FileState.of(song), "aa", "model-1", ANSWER)
    with Journal(path) as journal:
        assert journal.get("aa", "model-1") == ANSWER


def test_what_put_returned_from_survives_a_kill(tmp_path, song):
    """The process says each number after `put`, then is killed: every number that was said is there."""
    script = (
        "import sys; from pathlib import Path; from service.usecases.journal import FileState, Journal\n"
        "journal = Journal(Path(sys.argv[1])); state = FileState.of(Path(sys.argv[2]))\n"
        "for n in range(10**9): journal.put(state, str(n), 'm', {'n': n}); print(n, flush=True)\n"
    )
    path = tmp_path / "journal.db"
    process = subprocess.Popen([sys.executable, "-c", script, path, song], stdout=subprocess.PIPE, text=True)
    said = [int(process.stdout.readline()) for _ in range(50)]
    process.send_signal(signal.SIGKILL)
    said += [int(line) for line in process.stdout]
    process.wait()
    with Journal(path) as journal:
        assert [journal.get(str(n), "m") for n in said] == [{"n": n} for n in said]


def _put_many(path: Path, song: Path, first: int) -> None:
    with Journal(path) as journal:
        for n in range(first, first + 50):
            journal.put(FileState.of(song), str(n), "m", {"n": n})


def test_several_processes_write_at_once(tmp_path, song):
    path = tmp_path / "journal.db"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_put_many, args=(path, song, first)) for first in (0, 50)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    with Journal(path) as journal:
        assert all(journal.has(str(n), "m") for n in range(100))


@pytest.mark.skipif(os.name != "posix", reason="names of arbitrary bytes exist on POSIX only")
def test_names_that_are_no_unicode_are_kept(journal, tmp_path):
    state = FileState(tmp_path / os.fsdecode(b"caf\xe9.mp3"), 1, 2)
    journal.put(state, "aa", "m", ANSWER)
    assert journal.sha256_of(state) == "aa"


def test_a_damaged_journal_is_put_aside(tmp_path):
    path = tmp_path / "journal.db"
    path.write_bytes(b"this was never a database" * 100)
    with Journal(path) as journal:
        assert journal.get("aa", "m") is None
    assert (tmp_path / "journal.db.damaged").read_bytes().startswith(b"this was")


def test_a_journal_that_cannot_be_made_says_where(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(JournalUnusable, match=r"file/journal\.db"):
        Journal(tmp_path / "file" / "journal.db")


def test_old_answers_are_forgotten(tmp_path, song):
    path = tmp_path / "journal.db"
    with Journal(path) as journal:
        journal.put(FileState.of(song), "old", "m", ANSWER)
        journal.put(FileState.of(song), "new", "m", ANSWER)
    database = sqlite3.connect(path)
    with database:
        database.execute(
            "UPDATE answers SET made_at = ? WHERE sha256 = 'old'", (time.time() - (KEPT_DAYS + 1) * 86400,)
        )
    database.close()
    with Journal(path) as journal:
        assert (journal.has("old", "m"), journal.has("new", "m")) == (False, True)
