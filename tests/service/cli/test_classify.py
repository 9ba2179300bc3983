"""The command as people and scripts meet it: exit codes, the forms of output, killed and resumed runs."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.id3 import TIT2
from typer.testing import CliRunner

import service.engine
from service.cli.app import app
from service.usecases.tag_files import TagOutcome
from tests.support.audio_files import SR, flac_with_length, silent_video, sound_file, tone
from tests.support.text_engine import TextEngine

STAND_IN = (sys.executable, "-m", "tests.support.stand_in_cli")


@pytest.fixture
def engines(monkeypatch) -> list[TextEngine]:
    """The engines that were made, stand-ins all."""
    made: list[TextEngine] = []

    def make(settings, *, model=None):
        made.append(TextEngine())
        return made[-1]

    monkeypatch.setattr(service.engine, "Engine", make)
    monkeypatch.setattr("service.cli.listening.answering_models", lambda name: TextEngine.model_name)
    return made


@pytest.fixture
def genrelab(engines):
    """Run the command in this process."""

    def run(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="genrelab")

    return run


@pytest.fixture
def music(tmp_path) -> Path:
    folder = tmp_path / "music"
    (folder / "more").mkdir(parents=True)
    (folder / "a.mp3").write_text("jazz")
    (folder / "b.MP3").write_text("reggae")
    (folder / "more" / "c.flac").write_text("noise")
    return folder


@pytest.fixture
def damaged(music) -> Path:
    (music / "broken.ogg").write_text("corrupt")
    return music


def test_lines_for_people(genrelab, music):
    result = genrelab("classify", music)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["jazz", "90%", str(music / "a.mp3")],
        ["reggae", "90%", str(music / "b.MP3")],
    ]
    assert "digital silence" in lines[2]
    assert "3 recordings: 3 classified" in result.stderr


def test_one_recording_that_succeeds_says_nothing_on_stderr(genrelab, music):
    assert genrelab("classify", music / "a.mp3").stderr == ""


def test_segments_and_tags_below_each_line(genrelab, music):
    lines = genrelab("classify", music / "a.mp3", "--segments", "--tags").stdout.splitlines()
    assert lines[1].split() == ["tags:", "guitar,", "slow"]
    assert lines[2].split() == ["0:00.0", "–", "0:03.0", "jazz", "90%"]
    assert lines[3].split() == ["0:03.0", "–", "0:06.0", "rock", "5%"]


def test_json_is_one_object_a_line_in_order(genrelab, damaged):
    result = genrelab("classify", damaged, "--json")
    assert result.exit_code == 3
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [Path(record["path"]).name for record in records] == ["a.mp3", "b.MP3", "broken.ogg", "c.flac"]
    assert records[0]["genre"] == "jazz"
    assert records[0]["segments"][0] == {
        "start_s": 0.0,
        "end_s": 3.0,
        "genre": "jazz",
        "probabilities": {"jazz": 0.9, "reggae": 0.05, "rock": 0.05},
    }
    assert records[2] == {
        "path": str(damaged / "broken.ogg"),
        "error": {
            "type": "https://genrelab.invalid/problems/corrupt-audio",
            "title": "This recording is damaged",
            "detail": "the stream ends in the middle of a frame",
        },
    }


def test_failures_are_listed_with_reasons_on_stderr(genrelab, damaged):
    lines = genrelab("classify", damaged, "--json").stderr.splitlines()
    assert lines == [
        "1 failed:",
        f"  {damaged / 'broken.ogg'}  This recording is damaged: the stream ends in the middle of a frame",
        lines[2],
    ]
    assert lines[2].startswith("4 recordings: 3 classified, 1 failed")


def test_csv_has_one_row_a_recording(genrelab, damaged):
    rows = list(csv.DictReader(io.StringIO(genrelab("classify", damaged, "--csv").stdout)))
    assert [row["genre"] for row in rows] == ["jazz", "reggae", "", ""]
    assert rows[0] | {"path": "", "sha256": ""} == {
        "path": "",
        "genre": "jazz",
        "probability": "0.9",
        "set": "jazz",
        "abstained": "false",
        "reason": "",
        "short": "false",
        "duration_s": "6.0",
        "sample_rate": "44100",
        "channels": "2",
        "format": "mp3",
        "tempo_bpm": "74.1",
        "key": "A minor",
        "loudness_lufs": "-12.3",
        "model": "stand-in-1",
        "coverage": "0.9",
        "sha256": "",
        "tags": "guitar|slow",
        "genre_tag": "",
        "error": "",
    }
    assert rows[2]["error"] == "This recording is damaged: the stream ends in the middle of a frame"
    assert (rows[3]["abstained"], rows[3]["reason"]) == ("true", "digital silence")


def test_csv_with_segments_has_one_row_a_segment(genrelab, damaged):
    rows = list(csv.DictReader(io.StringIO(genrelab("classify", damaged, "--csv", "--segments").stdout)))
    assert [(Path(row["path"]).name, row["start_s"], row["genre"]) for row in rows[:3]] == [
        ("a.mp3", "0.0", "jazz"),
        ("a.mp3", "1.5", "rock"),
        ("b.MP3", "0.0", "reggae"),
    ]
    assert [Path(row["path"]).name for row in rows if row["error"]] == ["broken.ogg"]


def test_the_second_run_loads_no_model(genrelab, engines, music):
    first = genrelab("classify", music, "--json")
    second = genrelab("classify", music, "--json")
    assert second.stdout == first.stdout
    assert "3 known" in second.stderr
    assert [engine.closed for engine in engines] == [True]  # the second run made none


def test_fresh_computes_again(genrelab, engines, music):
    genrelab("classify", music)
    genrelab("classify", music, "--fresh")
    assert len(engines[1].computed) == 3


def test_the_model_that_is_named_answers(genrelab, music, monkeypatch):
    asked = []

    def make(settings, *, model=None):
        asked.append(model)
        return TextEngine()

    monkeypatch.setattr(service.engine, "Engine", make)
    monkeypatch.setattr("service.cli.listening.answering_models", lambda name: f"{name}+gate")
    assert genrelab("classify", music / "a.mp3", "--model", "mine-1").exit_code == 0
    assert genrelab("classify", music / "a.mp3", "--model", "mine-2").exit_code == 0  # no answer of the other one
    assert asked == ["mine-1", "mine-2"]


def test_a_model_that_is_not_there_is_said_in_one_line(music):
    result = CliRunner().invoke(app, ["classify", str(music), "--model", "mine-1"], prog_name="genrelab")
    assert result.exit_code == 1
    assert result.stderr.startswith("genrelab: no model 'mine-1'; there are ")
    assert len(result.stderr.splitlines()) == 1


def test_a_data_folder_that_cannot_be_used_costs_the_journal_only(genrelab, music, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GENRELAB_DATA_DIR", str(tmp_path / "file"))
    result = genrelab("classify", music)
    assert result.exit_code == 0
    assert "answers are not kept" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing argument"),
        (("a.mp3", "--json", "--csv"), "exclude each other"),
        (("a.mp3", "--dry-run"), "--write-tags, which is missing"),
        (("a.mp3", "--engine", "cloud"), "cloud"),
        (("a.mp3", "--jobs", "0"), "jobs"),
        (("a.mp3", "--min-probability", "70"), "min-probability"),
    ],
)
def test_a_wrong_call_ends_with_2_and_the_reason(genrelab, arguments, message):
    result = genrelab("classify", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_wrong_setting_is_named(genrelab, music, monkeypatch):
    monkeypatch.setenv("GENRELAB_PORT", "http")
    result = genrelab("classify", music)
    assert result.exit_code == 1
    assert result.stderr.startswith("genrelab: port='http' (GENRELAB_PORT)")


def test_a_missing_file_is_one_failure_among_others(genrelab, music):
    result = genrelab("classify", music / "a.mp3", music / "missing.mp3", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout.splitlines()[1])["error"]["detail"].endswith("No such file or directory")


def test_genres_are_written_into_the_files(genrelab, music, monkeypatch):
    asked = []

    def tag_file(path, answer, settings):
        asked.append((path.name, answer["genre"], settings.min_probability, settings.dry_run))
        return TagOutcome("planned", answer["genre"], ("Pop",))

    monkeypatch.setattr("service.usecases.tag_files.tag_file", tag_file)
    result = genrelab("classify", music / "a.mp3", "--write-tags", "--dry-run", "--min-probability", "0.5", "--json")
    assert asked == [("a.mp3", "jazz", 0.5, True)]
    assert json.loads(result.stdout)["genre_tag"] == {
        "state": "planned",
        "genre": "jazz",
        "previous": ["Pop"],
        "reason": None,
    }
    assert "1 genre tags planned" in result.stderr


def test_a_file_whose_tag_was_written_is_not_computed_again(genrelab, engines, tmp_path):
    song = tmp_path / "song.wav"
    soundfile.write(song, np.zeros(8000), 8000)
    title = mutagen.File(song)
    title.add_tags()
    title.tags.add(TIT2(encoding=3, text=["all that jazz"]))  # the engine believes it
    title.save()
    assert "written" in genrelab("classify", song, "--write-tags", "--min-probability", "0").stdout
    result = genrelab("classify", song, "--write-tags", "--json", "--min-probability", "0")
    assert json.loads(result.stdout)["genre_tag"]["state"] == "unchanged"
    assert len(engines) == 1


def test_a_tag_that_cannot_be_written_is_a_failure_with_an_answer(genrelab, music):
    result = genrelab("classify", music / "a.mp3", "--write-tags", "--json")  # a text named .mp3
    record = json.loads(result.stdout)
    assert result.exit_code == 3
    assert record["genre"] == "jazz"
    assert record["error"]["title"] == "The genre could not be written into the file"
    assert "left as it was" in record["error"]["detail"]


@pytest.mark.skipif(os.name != "posix", reason="names of arbitrary bytes exist on POSIX only")
@pytest.mark.parametrize("form", ["--json", "--csv", "--tags"])
def test_names_that_are_no_unicode_are_printed(music, form):
    try:
        (music / os.fsdecode(b"caf\xe9.mp3")).write_text("jazz")
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    done = subprocess.run([*STAND_IN, "classify", music, form], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (b"caf\\udce9.mp3" if form == "--json" else b"caf\xe9.mp3") in done.stdout


@pytest.fixture
def many(tmp_path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(40):
        (folder / f"{n:02d}.mp3").write_text(f"jazz {n}")
    return folder


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    return os.environ | {"STAND_IN_LOG": str(tmp_path / "computed.log"), "STAND_IN_PAUSE_S": "0.1"}


def _start(many: Path, environment: dict[str, str]) -> subprocess.Popen:
    command = [*STAND_IN, "classify", many, "--json", "--jobs", "2"]
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A suite that runs in the background has Ctrl-C ignored, and its children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def _wait_until_computed(environment: dict[str, str], count: int) -> None:
    log = Path(environment["STAND_IN_LOG"])
    until = time.monotonic() + 60
    while not log.exists() or len(log.read_text().splitlines()) < count:
        assert time.monotonic() < until, "the run did not get there"
        time.sleep(0.02)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_run_that_is_stopped_half_way_goes_on_where_it_was(many, environment, how, code):
    process = _start(many, environment)
    _wait_until_computed(environment, 15)
    process.send_signal(how)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in stderr
    if how == signal.SIGINT:
        assert "the same command goes on from there" in stderr

    resumed = _start(many, environment | {"STAND_IN_PAUSE_S": "0"})
    stdout, stderr = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, stderr
    records = [json.loads(line) for line in stdout.splitlines()]
    assert [Path(record["path"]).name for record in records] == [f"{n:02d}.mp3" for n in range(40)]
    assert {record["genre"] for record in records} == {"jazz"}

    computed = Path(environment["STAND_IN_LOG"]).read_text().split()
    assert set(computed) == {f"{n:02d}.mp3" for n in range(40)}
    assert len(computed) - 40 <= 3  # what was in flight: at most one for each thread


def test_the_reader_of_the_output_may_go_away(many, environment):
    process = _start(many, environment | {"STAND_IN_PAUSE_S": "0.02"})
    process.stdout.readline()
    process.stdout.close()
    stderr = process.stderr.read()
    assert process.wait(timeout=30) == 141
    assert stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_under_the_output_is_said_plainly(many, environment):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*STAND_IN, "classify", many, "--json"],
            env=environment | {"STAND_IN_PAUSE_S": "0"},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.strip() == "genrelab: No space left on device"


def test_no_answer_is_lost_between_stdout_and_stderr_of_a_pipe(many, environment):
    """Data on stdout only, words on stderr only, no bar where there is no terminal."""
    process = _start(many, environment | {"STAND_IN_PAUSE_S": "0"})
    stdout, stderr = process.communicate(timeout=60)
    assert all(json.loads(line) for line in stdout.splitlines())
    assert stderr.splitlines()[-1].startswith("40 recordings: 40 classified")
    assert "\x1b" not in stderr


def _bad_inputs(folder: Path) -> dict[str, str]:
    """Files that cannot be used, and the problem that each is told with."""
    y = tone(seconds=4.0)
    nan = y.copy()
    nan[1000] = np.nan
    flac = sound_file(y, format="FLAC")
    bad = {
        "empty.mp3": (b"", "empty-file"),
        "text.mp3": (b"this is no music", "unsupported-format"),
        "truncated.flac": (flac[: len(flac) // 2], "corrupt-audio"),
        "liar.flac": (flac_with_length(y, n_samples=10**6), "corrupt-audio"),
        "nan.wav": (sound_file(nan, format="WAV", subtype="FLOAT"), "invalid-samples"),
        "short.wav": (sound_file(y[: SR // 5], format="WAV"), "clip-too-short"),
        "silent.mp4": (silent_video(), "unsupported-format"),
    }
    for name, (data, _) in bad.items():
        (folder / name).write_bytes(data)
    return {name: problem for name, (_, problem) in bad.items()}


def test_every_kind_of_bad_input_is_told_and_the_good_ones_are_answered(tmp_path, backbone_weights):
    expected = _bad_inputs(tmp_path)
    wide = np.repeat(tone(seconds=4.0, sr=96000)[:, :1], 8, axis=1)
    (tmp_path / "wide.wav").write_bytes(sound_file(wide, 96000, format="WAV"))  # 96 kHz, 8 channels: unusual, not bad
    (tmp_path / "good.mp3").write_bytes(sound_file(tone(seconds=4.0), format="MP3"))
    command = [sys.executable, "-m", "service.cli", "classify", tmp_path, "--json", "--write-tags"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    records = {Path(record["path"]).name: record for record in map(json.loads, done.stdout.splitlines())}
    problems = {
        name: record["error"]["type"].rsplit("/", 1)[1] for name, record in records.items() if "error" in record
    }
    assert problems == expected
    for name in ("wide.wav", "good.mp3"):
        assert sum(records[name]["probabilities"].values()) == pytest.approx(1, abs=0.001)
        assert records[name]["duration_s"] == pytest.approx(4, abs=0.1)
        assert records[name]["genre_tag"]["state"] in ("written", "unsure")
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(records)  # nothing is left behind
