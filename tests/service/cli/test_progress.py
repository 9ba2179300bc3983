import io
import json
import os
import pty
import subprocess
import sys
import threading

import pytest
from rich.console import Console

from service.cli.progress import LibraryProgress, StageProgress


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


def test_without_a_terminal_stages_are_lines_ten_of_each_at_most(capsys):
    with StageProgress() as progress:
        for done in range(101):
            progress.share(f"hearing {done} of 100 recordings", done / 100)
        progress.share("fold 1 of 2, epoch 1, loss 2.50", 0.25)
        progress.share("fold 2 of 2, epoch 1, loss 1.75", 0.75)
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert said.out == ""
    assert lines[0] == "  0%  hearing 0 of 100 recordings"
    assert lines[1] == " 10%  hearing 10 of 100 recordings"
    assert lines[10:] == [
        "100%  hearing 100 of 100 recordings",
        " 25%  fold 1 of 2, epoch 1, loss 2.50",
        " 75%  fold 2 of 2, epoch 1, loss 1.75",
    ]


def test_on_a_terminal_one_bar_shows_the_stage_that_is_on(monkeypatch):
    monkeypatch.setattr("service.cli.progress.Console", lambda stderr: Console(file=io.StringIO(), force_terminal=True))
    with StageProgress() as progress:
        progress.share("checking 3 of 4 recordings", 0.75)
        progress.share("hearing 1 of 4 recordings", 0.25)
        progress.share("hearing 2 of 4 recordings", 0.5)
        (task,) = progress._bar.tasks
        assert (task.description, task.completed, task.total) == ("hearing 2 of 4 recordings", 0.5, 1.0)
