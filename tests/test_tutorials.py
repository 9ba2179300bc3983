"""Every command of the tutorials is run in their order, as by somebody who follows them; paths and ports differ."""

import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datasets.rendering import RendererMissing, find_sound_font

ROOT = Path(__file__).parents[1]
SR = 16000
N = 10  # recordings of each genre
SECONDS = 4.0
START_S = 120.0
TUTORIAL = ROOT / "docs" / "own_genres.md"
NICHE = ROOT / "docs" / "niche_genres.md"
NICHE_GENRES = ["bossa_nova", "cumbia", "drum_and_bass", "waltz"]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    return [line[2:] for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ ")]


def chords(rng: np.random.Generator) -> np.ndarray:
    """Triads, a new one every second, each of which dies away."""
    t = np.arange(round(SECONDS * SR)) / SR
    roots = rng.uniform(150, 300, size=int(SECONDS))[np.minimum(t.astype(int), int(SECONDS) - 1)]
    return sum(np.sin(2 * np.pi * roots * ratio * t) for ratio in (1, 1.25, 1.5)) * np.exp(-2 * (t % 1)) / 4


def bursts(rng: np.random.Generator) -> np.ndarray:
    """Noise that strikes several times a second."""
    t = np.arange(round(SECONDS * SR)) / SR
    return rng.normal(0, 0.2, t.size) * np.exp(-20 * (t % rng.uniform(0.15, 0.3)))


def swells(rng: np.random.Generator) -> np.ndarray:
    """A low sawtooth that comes and goes."""
    t = np.arange(round(SECONDS * SR)) / SR
    return 0.4 * (2 * ((t * rng.uniform(50, 80)) % 1) - 1) * np.sin(2 * np.pi * rng.uniform(0.3, 0.6) * t) ** 2


@pytest.fixture
def desk(tmp_path, rng) -> Path:
    """A folder with what the tutorial starts from: a collection, songs without labels, songs to test with."""
    for genre, play in {"bossa_nova": chords, "drum_and_bass": bursts, "waltz": swells}.items():
        for place in (f"my_collection/{genre}", f"my_test_songs/{genre}", "new_songs"):
            (tmp_path / place).mkdir(parents=True, exist_ok=True)
        places = [tmp_path / "my_collection" / genre / f"{n}.flac" for n in range(N)]
        places += [tmp_path / "my_test_songs" / genre / "test.flac"]
        places += [tmp_path / "new_songs" / f"{genre}-000000018.flac"]
        for place in places:
            y = play(rng)
            # Some noise of its own in each: else those of a genre would pass for copies of each other.
            soundfile.write(place, y + rng.normal(0, 0.02, y.size), SR)
    (settings,) = blocks(TUTORIAL, "toml")
    (tmp_path / "quick.toml").write_text(settings)
    return tmp_path


@pytest.fixture
def environment(tmp_path_factory, backbone_weights) -> dict[str, str]:
    """`genrelab` on the path, and a data folder of its own."""
    programs = tmp_path_factory.mktemp("bin")
    (programs / "genrelab").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m service.cli "$@"\n')
    (programs / "genrelab").chmod(0o755)
    return os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


def run(command: str, desk: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-c", command], cwd=desk, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def served(command: str, port: int, desk: Path, environment: dict[str, str]) -> Iterator[None]:
    server = subprocess.Popen(
        ["sh", "-c", f"exec {command}"],
        cwd=desk,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + START_S
        while not _ready(port):
            assert server.poll() is None, f"{command} ended with {server.returncode}"
            assert time.monotonic() < until, f"{command}: not ready after {START_S:.0f} s"
            time.sleep(0.2)
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tutorial asks with curl, which is missing here")
def test_genres_of_your_own(desk, environment):
    typed = commands(TUTORIAL)
    serve = next(command for command in typed if command.startswith("genrelab serve"))
    asked = next(command for command in typed if command.startswith("curl "))
    assert typed.index(asked) == typed.index(serve) + 1
    port = _free_port()
    said = {}
    for command in typed:
        if command == serve:
            with served(command.replace("8000", str(port)), port, desk, environment):
                said[asked] = run(asked.replace("8000", str(port)), desk, environment)
        elif command != asked:
            said[command] = run(command, desk, environment)
    assert said.keys() == set(typed) - {serve}
    train = next(words for command, words in said.items() if command.startswith("genrelab train"))
    assert "accuracy " in train
    page = Path(re.search(r"^report: (.*)$", train, re.MULTILINE)[1])
    assert "waltz: 10 recordings, 20 or more are wanted" in page.read_text()  # what the check found is in the report
    assert '"model":"my-genres"' in said[asked].replace(" ", "")
    assert "* my-genres" in said["genrelab models list"]
    assert said["genrelab models rollback"] == "gtzan-musicnn-1 answers again\n"


def has_renderer() -> bool:
    try:
        find_sound_font()
    except RendererMissing:
        return False
    return True


@pytest.mark.skipif(
    not has_renderer(), reason="no fluidsynth or sound font (apt install fluidsynth fluid-soundfont-gm)"
)
def test_niche_genres_from_zero_labels(tmp_path, environment):
    (script,) = blocks(NICHE, "sh")
    (tmp_path / "label.sh").write_text(script)
    said: dict[str, list[str]] = {}
    for command in commands(NICHE):
        said.setdefault(command, []).append(run(command, tmp_path, environment))
    (added,) = (words for command, (words, *_) in said.items() if command.startswith("genrelab labels add"))
    assert added.endswith("20 added (20 new in the library); dances has 20 items\n")
    at_first, later = said["genrelab labels train dances"]
    assert at_first.startswith("no model yet: ")
    assert re.match(r"version 1 of 16 labels, accuracy .*\nversion 1 answers now: ", later)
    (stats,) = said["genrelab labels stats dances"]
    assert stats.startswith("dances: 20 items, 16 labelled, 4 open, 0 set aside; 16 labels\n")
    assert re.fullmatch(r"\d+ events, the tables agree\n", said["genrelab labels check dances"][0])

    with (tmp_path / "labels.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [row["genres"] for row in rows] == [row["filename"].rpartition("-")[0] for row in rows]
    assert (len(rows), {row["genres"] for row in rows}) == (16, set(NICHE_GENRES))
    tasks = json.loads((tmp_path / "for_label_studio.json").read_text())
    assert (len(tasks), sum(bool(task["annotations"]) for task in tasks)) == (20, 16)
    assert json.loads((tmp_path / "dances_model" / "card.json").read_text())["genres"] == NICHE_GENRES

    (classified,) = said["genrelab classify new_music --model my-dances"]
    answers = [(line.split()[0], re.search(r"new_music/(\w+)/", line)[1]) for line in classified.splitlines()]
    assert len(answers) == 8
    assert sum(genre == truth for genre, truth in answers) > 4  # chance would name two
