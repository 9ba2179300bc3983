import json

import pytest

from datasets.errors import DatasetError
from models.errors import ModelError
from models.evaluation.evaluate_generator import Court, EvaluationSettings, evaluate_maker
from models.evaluation.generation_text import generation_text
from tests.support.heard_music import GENRES, small_ears, small_judge, small_reference, takes_of
from tests.support.stand_in_generator import StandInGenerator

COURT = Court(small_ears(), small_judge(), small_reference())


def small(**changes):
    return EvaluationSettings(
        **{"genres": GENRES, "per_genre": 2, "controls": 1, "per_blend": 1, "seconds": 4.0} | changes
    )


@pytest.fixture(scope="module")
def evaluated():
    maker, said = StandInGenerator(), []
    report = evaluate_maker(maker, small(), COURT, progress=lambda words, share: said.append((words, share)))
    return maker, said, report


def test_as_many_clips_are_made_as_were_asked_for(evaluated):
    maker, said, report = evaluated
    assert (report["n_asked"], report["n_clips"], report["seconds"]) == (6, 6, [4.0])
    # Of the ten pairs, blues to metal alone is of these genres: five shares.
    assert len(maker.made) == 6 + 3 + 5
    assert report["blends"]["n_pairs"] == 1
    assert report["tempo"]["generated"]["right"]["n"] == 3
    assert [words for words, share in said if share == 1] == [
        "clips of one genre",
        "clips of a tempo and key",
        "blends",
    ]


def test_the_same_clips_are_made_again(evaluated):
    again = evaluate_maker(StandInGenerator(), small(controls=0, per_blend=0), COURT)
    for part in ("genre_accuracy", "distances", "statistics", "diversity"):
        assert again[part] == evaluated[2][part]


def test_the_report_is_json_and_text(evaluated):
    json.dumps(evaluated[2], allow_nan=False)
    text = generation_text(evaluated[2])
    assert text.startswith("stand-in-generator-1: 6 clips of 4 s, seed 0")
    for words in ("blues", "all together", "blues to metal", "tempo of clips: right", "key of real recordings"):
        assert words in text
    assert max(map(len, text.splitlines())) < 180


def test_held_out_recordings_alone():
    wishes = [take.wish for take in takes_of(["jazz"], 2)]
    report = evaluate_maker(StandInGenerator(), small(controls=0, per_blend=0), COURT, wishes=wishes, splits=("test",))
    assert list(report["distances"]["per_genre"]) == ["jazz"]
    assert report["blends"] is report["tempo"] is None
    text = generation_text(report)
    assert "test part" in text
    assert "tempo of" not in text
    assert "blends" not in text


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"per_genre": 1}, ModelError, "per_genre=1: expected a whole number from 2"),
        ({"seconds": 1.0}, ModelError, "seconds=1"),
        ({"genres": ("polka",)}, DatasetError, "polka"),
    ],
)
def test_refuses(changes, error, message):
    with pytest.raises(error, match=message):
        small(**changes)
