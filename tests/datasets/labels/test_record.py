from datetime import UTC, datetime, timedelta, timezone

import pytest

from datasets.errors import DatasetError
from datasets.labels.record import LabelRecord, by_recording, fields_of, in_order, predictions_of, record_of

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_the_name_is_the_last_part_of_the_path_of_any_system():
    assert LabelRecord(path="music/fado/a.mp3").filename == "a.mp3"
    assert LabelRecord(path=r"C:\music\a.mp3").filename == "a.mp3"
    assert LabelRecord(path="music/a.mp3", filename="other.mp3").filename == "other.mp3"


def test_times_are_in_utc():
    at = datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert LabelRecord(track="t", at=at).at == NOON
    assert fields_of(LabelRecord(track="t", at=at))["at"] == "2026-05-01T12:00:00Z"


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        ({}, False),
        ({"annotator": "ana", "note": "later"}, False),
        ({"genres": ("fado",)}, True),
        ({"none": True}, True),
        ({"flag": "broken"}, True),
    ],
)
def test_only_genres_none_of_these_and_flags_answer(said, answered):
    assert LabelRecord(track="t", **said).answered is answered


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "no recording is named"),
        ({"filename": "a\0.mp3"}, "without zero bytes"),
        ({"path": "x" * 4097}, "at most 4096 characters"),
        ({"filename": "\udcff.mp3"}, "half a character"),
        ({"filename": 3}, "filename 3, expected a text"),
        ({"sha256": "ABC"}, "64 hexadecimal digits"),
        ({"track": " t"}, "no space around"),
        ({"track": "t", "duration_s": 0.0}, "expected seconds, more than 0"),
        ({"track": "t", "duration_s": float("nan")}, "expected seconds"),
        ({"track": "t", "duration_s": 10**400}, "expected seconds"),
        ({"track": "t", "duration_s": True}, "expected seconds"),
        ({"track": "t", "annotator": "a\nb"}, "annotator 'a.nb', expected"),
        ({"track": "t", "genres": ("",)}, "genre '', expected a name"),
        ({"track": "t", "genres": ("rock ",)}, "no space around"),
        ({"track": "t", "genres": ("x" * 201,)}, "at most 200 characters"),
        ({"track": "t", "genres": ("\uffff",)}, "control characters"),
        ({"track": "t", "genres": ("rock", "rock")}, "each once"),
        ({"track": "t", "genres": tuple(map(str, range(101)))}, "at most 100"),
        ({"track": "t", "genres": "rock"}, "genres as a tuple"),
        ({"track": "t", "genres": ("rock",), "none": True}, "one or the other"),
        ({"track": "t", "none": 1}, "none 1, expected true or false"),
        ({"track": "t", "flag": "loud"}, "flag 'loud', expected broken, several_genres"),
        ({"track": "t", "note": "a\x07"}, "note .*control characters"),
        ({"track": "t", "note": "x" * 10_001}, "at most 10000 characters"),
        ({"track": "t", "at": datetime(2026, 5, 1)}, "no time zone"),
        ({"track": "t", "at": "now"}, "expected a time"),
        ({"track": "t", "at": datetime.min.replace(tzinfo=timezone(timedelta(hours=2)))}, "years 1 to 9999"),
        ({"track": "t", "version": 0}, "whole number from 1"),
        ({"track": "t", "version": 1.5}, "whole number from 1"),
        ({"track": "t", "version": True}, "whole number from 1"),
        ({"track": "t", "model": "m"}, "model 'm' without probabilities"),
        ({"track": "t", "probabilities": {"fado": 1.1}}, "expected 0 to 1"),
        ({"track": "t", "probabilities": {"fado": float("nan")}}, "expected 0 to 1"),
        ({"track": "t", "probabilities": {"fado": -0.1}}, "expected 0 to 1"),
        ({"track": "t", "probabilities": {"fado": "1"}}, "expected 0 to 1"),
        ({"track": "t", "probabilities": {3: 0.5}}, "genre 3, expected a name"),
        ({"track": "t", "probabilities": [0.5]}, "probabilities by genre"),
        ({"track": "t", "probabilities": dict.fromkeys(map(str, range(10_001)), 0.0)}, "at most 10000"),
    ],
)
def test_what_is_no_label_is_refused(fields, words):
    with pytest.raises(DatasetError, match=words):
        LabelRecord(**fields)


@pytest.mark.parametrize(
    ("given", "genres"),
    [
        ({"genres": ["fado", " baião ", "fado", ""]}, ("fado", "baião")),
        ({"genre": "fado"}, ("fado",)),
        ({"label": ""}, ()),
        ({"labels": None}, ()),
    ],
)
def test_genres_may_be_called_and_written_otherwise(given, genres):
    assert record_of({"track": "t"} | given).genres == genres


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"genre": "fado", "label": "fado"}, "genres come more than once"),
        ({"genres": [1]}, r"genres \[1\], expected a text or a list"),
        ({"genres": {"fado": 1}}, "expected a text or a list"),
        ({"at": "yesterday"}, "at 'yesterday', expected a time such as 2026-05-01T12:00:00Z"),
        ({"at": 3}, "at 3, expected a time"),
        ({"at": "2026-05-01"}, "has no time zone"),
    ],
)
def test_fields_that_cannot_be_read_are_refused(given, words):
    with pytest.raises(DatasetError, match=words):
        record_of({"track": "t"} | given)


def test_records_of_one_recording_come_together():
    a1, b, a2 = (
        LabelRecord(track="a", genres=("fado",)),
        LabelRecord(track="b"),
        LabelRecord(track="a", genres=("morna",)),
    )
    assert by_recording([a1, b, a2]) == [[a1, a2], [b]]


def test_probabilities_come_in_order_of_the_taxonomy_and_each_answer_once():
    answers = {"fado": 0.2, "zouk": 0.3, "axé": 0.5}
    assert list(in_order(answers, ["zouk", "fado"])) == ["zouk", "fado", "axé"]
    records = [LabelRecord(track="a", probabilities=answers, model=model) for model in ("m", "m", "n")]
    assert [model for model, _ in predictions_of([*records, LabelRecord(track="a")], [])] == ["m", "n"]
