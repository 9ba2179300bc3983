import json
import os
import pty
import subprocess
import sys
import threading

import pytest

from service.cli.progress import LibraryProgress


def test_what_is_under_way_counts_by_its_share():
    with LibraryProgress(4) as progress:
        progress.done(0)
        progress.share(1, 0.5)
        progress.share(2, 0.25)
        progress.share(3, float("nan"))  # its length is not known
        (task,) = progress._bar.tasks
        assert task.completed == pytest.approx(1.75)
        progress.done(1)
        assert task.completed == pytest.approx(2.25)


def test_the_speed_is_sound_per_time(monkeypatch):
    clock = iter((100.0, 100.0, 110.0))
    monkeypatch.setattr("service.cli.progress.time.monotonic", lambda: next(clock))
    progress = LibraryProgress(2)
    progress.phase("listening")
    progress._heard_s = 300.0
    assert progress.speed() == "30 × real time"


def test_on_a_terminal_the_bar_is_drawn_there_and_the_data_stay_clean(tmp_path):
    for n in range(3):
        (tmp_path / f"{n}.mp3").write_text("jazz")
    terminal, slave = pty.openpty()
    drawn = bytearray()

    def read():
        try:
            while piece := os.read(terminal, 1024):
                drawn.extend(piece)
        except OSError:  # the other end is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    command = [sys.executable, "-m", "tests.support.stand_in_cli", "classify", tmp_path, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=slave, check=False, timeout=60)
    os.close(slave)
    reader.join()
    os.close(terminal)
    assert done.returncode == 0
    assert "━" in drawn.decode()
    assert [json.loads(line)["genre"] for line in done.stdout.splitlines()] == ["jazz"] * 3
