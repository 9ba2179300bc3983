import json

import numpy as np
import pytest

from models.evaluation.metrics import expected_calibration_error, log_loss
from models.evaluation.report import report

GENRES = ("fado", "polka", "raga", "ska")
P = np.array(
    [
        [0.7, 0.1, 0.1, 0.1],  # fado, right, alone in its set
        [0.4, 0.5, 0.1, 0.0],  # fado, taken for polka, both in the set
        [0.2, 0.6, 0.2, 0.0],  # polka, right, alone
        [0.3, 0.4, 0.2, 0.1],  # raga, taken for polka, not in its set of three; abstained
    ]
)
LABELS = np.array([0, 0, 1, 2])  # no ska
SETS = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [1, 1, 0, 1]], dtype=bool)
ABSTAINED = np.array([False, False, False, True])


def four_tracks(abstained: np.ndarray = ABSTAINED) -> dict:
    return report(P, LABELS, genres=GENRES, member_of_set=SETS, abstained=abstained)


def test_the_figures_of_four_tracks_by_hand():
    found = four_tracks()
    assert found["n_tracks"] == 4
    assert found["accuracy"] == 0.5
    assert found["coverage"] == 0.75
    assert found["mean_set_size"] == 1.75
    assert found["abstention_rate"] == 0.25
    assert found["selective_accuracy"] == pytest.approx(2 / 3)
    assert found["log_loss"] == log_loss(P, LABELS) == pytest.approx(-np.log([0.7, 0.4, 0.6, 0.2]).mean())
    assert found["ece"] == expected_calibration_error(P, LABELS)
    assert found["genres"] == list(GENRES)
    assert found["confusion"] == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_the_interval_holds_the_accuracy():
    low, high = four_tracks()["accuracy_interval"]
    assert 0 <= low < 0.5 < high <= 1


def test_each_genre_that_occurs_has_its_figures():
    found = four_tracks()["per_class"]
    assert list(found) == ["fado", "polka", "raga"]
    assert found["fado"] == {
        "n_tracks": 2,
        "recall": 0.5,
        "precision": 1.0,
        "f1": pytest.approx(2 / 3),
        "coverage": 1.0,
    }
    assert found["polka"] == {
        "n_tracks": 1,
        "recall": 1.0,
        "precision": pytest.approx(1 / 3),
        "f1": 0.5,
        "coverage": 1.0,
    }


def test_a_genre_that_was_never_answered_has_no_precision():
    assert four_tracks()["per_class"]["raga"] == {
        "n_tracks": 1,
        "recall": 0.0,
        "precision": None,
        "f1": 0.0,
        "coverage": 0.0,
    }


def test_who_never_answers_has_no_accuracy_where_answered():
    found = four_tracks(np.ones(4, bool))
    assert (found["abstention_rate"], found["selective_accuracy"], found["accuracy"]) == (1.0, None, 0.5)


def test_a_report_goes_through_json_unchanged():
    found = four_tracks()
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_where_there_is_no_answer_it_is_wrong_and_taken_for_no_genre():
    silent = np.array([True, False, False, False])  # the first would be right
    found = report(P, LABELS, genres=GENRES, member_of_set=SETS, abstained=ABSTAINED | silent, unanswered=silent)
    assert (found["accuracy"], found["abstention_rate"]) == (0.25, 0.5)
    assert found["confusion"] == [[0, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert found["per_class"]["fado"] | {"coverage": None} == {
        "n_tracks": 2,
        "recall": 0.0,
        "precision": None,
        "f1": 0.0,
        "coverage": None,
    }


def test_no_answer_at_all():
    silent = np.ones(4, dtype=bool)
    found = report(P, LABELS, genres=GENRES, member_of_set=SETS, abstained=silent, unanswered=silent)
    assert (found["accuracy"], found["selective_accuracy"]) == (0.0, None)
    assert np.sum(found["confusion"]) == 0
