"""The sums of a run: on stderr, with every failure's reason, and not a word where there is nothing to say."""

import os
from pathlib import Path

import pytest

from features.errors import CorruptAudio
from service.api.problems import describe
from service.cli.report import Report, problem_of
from service.errors import StorageFull
from service.usecases.tag_files import TagError


def printed(report: Report, capsys) -> list[str]:
    report.print()
    out, err = capsys.readouterr()
    assert out == ""  # data only
    return err.splitlines()


def test_a_single_success_is_no_news(capsys):
    report = Report(1)
    report.count("classified")
    assert printed(report, capsys) == []


def test_of_several_the_sums_are_said_in_the_order_in_which_they_came(capsys):
    report = Report(5)
    for what in ("known from earlier", "classified", "classified", "known from earlier", "classified"):
        report.count(what)
    assert printed(report, capsys) == ["5 recordings: 2 known from earlier, 3 classified"]


def test_a_speed_is_said_where_there_is_one(capsys):
    report = Report(2)
    report.count("classified")
    report.speed = "30 × real time"
    assert printed(report, capsys) == ["2 recordings: 1 classified (30 × real time)"]


def test_one_recording_of_which_two_things_are_to_be_said_has_sums(capsys):
    report = Report(1)
    report.count("classified")
    report.count("genre tags written")
    assert printed(report, capsys) == ["1 recordings: 1 classified, 1 genre tags written"]


def test_nothing_found_is_said(capsys):
    assert printed(Report(0), capsys) == []


def test_each_failure_has_its_own_line_with_the_reason(capsys):
    report = Report(2)
    for name, error in (("b.mp3", CorruptAudio("it ends early")), ("a.mp3", OSError(5, "Input/output error"))):
        report.count("failed")
        problem = report.fail(Path(name), error)
        assert problem == report.failures[-1][1]
    assert printed(report, capsys) == [
        "2 failed:",
        "  b.mp3  This recording is damaged: it ends early",
        "  a.mp3  Something went wrong here: OSError: [Errno 5] Input/output error",
        "2 recordings: 2 failed",
    ]


@pytest.mark.skipif(os.name != "posix", reason="names of arbitrary bytes exist on POSIX only")
def test_a_name_that_is_no_unicode_is_shown_as_far_as_it_goes(capsys):
    report = Report(1)
    report.fail(Path(os.fsdecode(b"caf\xe9.mp3")), CorruptAudio("x"))
    assert printed(report, capsys)[1] == "  caf\ufffd.mp3  This recording is damaged: x"


@pytest.mark.parametrize("error", [CorruptAudio("it ends early"), StorageFull("no room")])
def test_the_words_are_those_of_the_http_api(error):
    problem = describe(error)
    del problem["status"]
    assert problem_of(error) == problem


def test_a_tag_that_was_not_written_is_a_problem_of_its_own():
    problem = problem_of(TagError("song.mp3 was left as it was"))
    assert problem["type"].endswith("/tag-not-written")
    assert problem["detail"] == "song.mp3 was left as it was"


def test_a_fault_of_ours_is_named_where_its_owner_sits():
    """Unlike HTTP, where the words stay in the log."""
    assert problem_of(KeyError("tempo"))["detail"] == "KeyError: 'tempo'"
    assert problem_of(KeyError("tempo"))["title"] == describe(KeyError("tempo"))["title"]
