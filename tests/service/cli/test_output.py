"""The forms of an answer: what a line, a row and an object hold, and how a stretch of time is written."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.cli.output import COLUMNS, SEGMENT_COLUMNS, Csv, JsonLines, Lines, _clock
from service.usecases.library import LibraryResult
from service.usecases.tag_files import TagOutcome
from tests.support.text_engine import classification

PROBLEM = {"type": "t", "title": "This recording is damaged", "detail": "it ends, early"}


def result(genre: str | None = "jazz", *, path: str = "a/song.mp3", **changes: Any) -> LibraryResult:
    answer = {"track": None, "path": path, "sha256": "ab"} | classification(genre).to_dict() | changes
    return LibraryResult(Path(path), answer=json.loads(json.dumps(answer)))


def failure(path: str = "a/song.mp3") -> LibraryResult:
    return LibraryResult(Path(path), error=ValueError("x"))


def lines(capsys, one: LibraryResult, tag=None, problem=None, *, segments: bool = False, tags: bool = False):
    Lines(None, segments=segments, tags=tags).write(one, tag, problem)
    return capsys.readouterr().out.splitlines()


def rows(capsys, one: LibraryResult, tag=None, problem=None, *, segments: bool = False):
    Csv(segments=segments).write(one, tag, problem)
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_a_line_has_genre_probability_and_path(capsys):
    assert lines(capsys, result()) == ["jazz          90%  a/song.mp3"]


def test_a_line_says_what_else_it_may_be(capsys):
    (line,) = lines(capsys, result(set=["jazz", "rock", "reggae"]))
    assert line == "jazz          90%  a/song.mp3  (or rock, reggae)"


def test_a_line_without_a_genre_says_why(capsys):
    assert lines(capsys, result(None)) == ["unsure             a/song.mp3  (digital silence)"]


def test_a_line_about_a_failure_says_why(capsys):
    assert lines(capsys, failure(), None, PROBLEM) == ["failed             a/song.mp3: it ends, early"]


@pytest.mark.parametrize(
    ("tag", "below"),
    [
        (TagOutcome("written", "jazz", ("Pop", "Folk")), "    genre tag written: jazz (was Pop, Folk)"),
        (TagOutcome("planned", "jazz", ("Pop",)), "    genre tag planned: jazz (was Pop)"),
        (TagOutcome("written", "jazz", ()), "    genre tag written: jazz"),
        (TagOutcome("unchanged", "jazz", ("jazz",)), "    genre tag unchanged: jazz"),
        (TagOutcome("unsure", None, ("Pop",)), "    genre tag unsure"),
    ],
)
def test_what_was_done_with_the_tag_comes_below(capsys, tag, below):
    assert lines(capsys, result(), tag)[1:] == [below]


def test_a_tag_that_failed_comes_below_an_answer_that_did_not(capsys):
    assert lines(capsys, result(), None, PROBLEM) == [
        "jazz          90%  a/song.mp3",
        "    genre tag failed: it ends, early",
    ]


def test_only_the_first_tags_are_named_in_lines(capsys):
    many = [{"tag": f"tag{n}", "activation": 0.5} for n in range(9)]
    assert lines(capsys, result(tags=many), tags=True)[1] == "    tags: tag0, tag1, tag2, tag3, tag4"


def test_stretches_come_below_with_their_genre_or_none(capsys):
    runs = [
        {"start_s": 0.0, "end_s": 3.0, "genre": "jazz", "probabilities": {"jazz": 0.875}},
        {"start_s": 3.0, "end_s": 75.25, "genre": None, "probabilities": {"jazz": 0.5}},
    ]
    assert lines(capsys, result(runs=runs), segments=True)[1:] == [
        "      0:00.0 –   0:03.0  jazz          88%",
        "      0:03.0 –   1:15.2  no music",
    ]


def test_lines_go_where_the_bar_wants_them(capsys):
    said = []
    Lines(said.append, segments=False, tags=True).write(result(), None, None)
    assert said == ["jazz          90%  a/song.mp3", "    tags: guitar, slow"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0:00.0"),
        (9.96, "0:10.0"),
        (61.5, "1:01.5"),
        (3599.9, "59:59.9"),
        (3600.0, "1:00:00.0"),
        (36_001.25, "10:00:01.2"),
        (59.97, "1:00.0"),
        (3599.97, "1:00:00.0"),
    ],
)
def test_times_are_written_as_clocks_do(seconds, text):
    assert _clock(seconds) == text


def test_json_is_the_answer_and_nothing_else(capsys):
    one = result()
    JsonLines().write(one, None, None)
    assert json.loads(capsys.readouterr().out) == one.answer


def test_json_holds_the_tag_and_the_problem_beside_the_answer(capsys):
    JsonLines().write(result(), TagOutcome("unsure", None, ("Pop",), "70 % at most"), PROBLEM)
    record = json.loads(capsys.readouterr().out)
    assert record["genre"] == "jazz"
    assert record["genre_tag"] == {"state": "unsure", "genre": None, "previous": ["Pop"], "reason": "70 % at most"}
    assert record["error"] == PROBLEM


def test_json_stays_one_line_of_ascii_whatever_the_name(capsys):
    path = "a\nb\u2028 ü\udcff.mp3"
    JsonLines().write(failure(path), None, PROBLEM)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.isascii()
    assert json.loads(line) == {"path": path, "error": PROBLEM}


def test_json_never_holds_what_is_no_json(capsys):
    with pytest.raises(ValueError, match="JSON compliant"):
        JsonLines().write(result(duration_s=float("nan")), None, None)
    assert capsys.readouterr().out == ""


def test_the_columns_of_the_csv_are_those_that_scripts_rely_on(capsys):
    """New ones are added at the end."""
    known = "path,genre,probability,set,abstained,reason,short,duration_s,sample_rate,channels,format"
    known += ",tempo_bpm,key,loudness_lufs,model,coverage,sha256,tags,genre_tag,error"
    assert ",".join(COLUMNS).startswith(known)
    assert ",".join(SEGMENT_COLUMNS).startswith("path,start_s,end_s,genre,probability,error")
    Csv(segments=False)
    assert capsys.readouterr().out == ",".join(COLUMNS) + "\n"  # also where nothing was found


def test_a_row_holds_no_none_and_no_python_words(capsys):
    (row,) = rows(capsys, result(None, attributes={"tempo_bpm": None, "key": None}), TagOutcome("unsure", None, ()))
    assert (row["genre"], row["probability"], row["tempo_bpm"], row["loudness_lufs"]) == ("", "", "", "")
    assert (row["abstained"], row["short"], row["set"]) == ("true", "false", "jazz|reggae|rock")
    assert row["genre_tag"] == "unsure"


def test_a_row_about_a_failure_has_path_and_error_only(capsys):
    (row,) = rows(capsys, failure(), None, PROBLEM)
    assert {name: value for name, value in row.items() if value} == {
        "path": "a/song.mp3",
        "error": "This recording is damaged: it ends, early",
    }


@pytest.mark.parametrize("path", ['say "hi", twice.mp3', "two\nlines.mp3", "a;b\tc.mp3", " .mp3"])
def test_a_row_holds_any_name(capsys, path):
    assert [row["path"] for row in rows(capsys, result(path=path))] == [path]


def test_rows_of_segments_name_no_genre_where_there_is_no_music(capsys):
    segments = [
        {"start_s": 0.0, "end_s": 3.0, "genre": "jazz", "probabilities": {"jazz": 0.875}},
        {"start_s": 1.5, "end_s": 4.5, "genre": None, "probabilities": {"jazz": 0.5}},
    ]
    assert [tuple(row.values()) for row in rows(capsys, result(segments=segments), None, PROBLEM, segments=True)] == [
        ("a/song.mp3", "0.0", "3.0", "jazz", "0.875", ""),
        ("a/song.mp3", "1.5", "4.5", "", "", ""),
        ("a/song.mp3", "", "", "", "", "This recording is damaged: it ends, early"),
    ]


@pytest.mark.skipif(os.name != "posix", reason="names of arbitrary bytes exist on POSIX only")
@pytest.mark.parametrize("form", ["--json", "--csv", "--tags"])
def test_a_name_that_is_no_unicode_is_printed_where_the_output_is_strict_too(form, tmp_path):
    """Python's stdout takes any name in the C locale only; in the locales of people it refuses some."""
    (tmp_path / os.fsdecode(b"caf\xe9.mp3")).write_text("jazz")
    command = [sys.executable, "-m", "tests.support.stand_in_cli", "classify", tmp_path, form]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"caf" in done.stdout
