import json

import pytest

from service.storage.label_queue import Answer
from service.usecases.labelling.dashboard import dashboard
from service.usecases.labelling.training import learn
from tests.support.labelling import GENRES, answer_all, items_by_track, label, make_pool

pytestmark = pytest.mark.usefixtures("without_curve")


def shown(parts, pool):
    return dashboard(parts.projects.get(pool.project.id), services=parts)


def test_a_project_without_labels_has_a_dashboard(parts):
    assert shown(parts, make_pool(parts, 3)) == {
        "annotators": [],
        "classes": [{"genre": genre, "labels": 0, "predicted": 0} for genre in GENRES],
        "agreement": {"items": 0, "cohen": [], "fleiss": None, "krippendorff": None},
        "curve": {
            "points": [],
            "gain": None,
            "advice": {"stop": False, "text": "Nothing was learned yet: label on."},
        },
        "confusion": {"genres": [], "matrix": []},
        "suspicious": [],
        "versions": [],
        "job": None,
    }


def test_it_shows_what_a_training_found(parts):
    pool = make_pool(parts, 30, heard=True, random_share=1.0)
    answer_all(parts, pool, n=18)
    learn(pool.project.id, services=parts)
    job = parts.jobs.submit_for_project("learn", project_id=pool.project.id)
    body = shown(parts, pool)
    assert json.loads(json.dumps(body, allow_nan=False)) == body
    assert [(each["name"], each["labels"]) for each in body["annotators"]] == [("ana", 18)]
    assert sum(each["labels"] for each in body["classes"]) == 18
    assert {each["predicted"] for each in body["classes"]} == {10}
    assert body["confusion"]["genres"] == list(GENRES)
    assert [point["labels"] for point in body["curve"]["points"]] == [18]
    assert [(each["version"], each["state"], each["accuracy"]) for each in body["versions"]] == [(1, "active", 1.0)]
    assert body["job"]["id"] == job.id


def test_a_suspicious_label_is_shown_until_it_says_something_else(parts):
    pool = make_pool(parts, 30, heard=True)
    item_of = items_by_track(parts, pool)
    said = {track: pool.genre_of[track] for track in pool.tracks} | {pool.tracks[0]: "morna"}
    answers = [(item_of[track], "ana", label(genre)) for track, genre in said.items()]
    parts.label_queue.import_answers(pool.project.id, answers, source="test", actor="test")
    learn(pool.project.id, services=parts)
    (found,) = shown(parts, pool)["suspicious"]
    assert (found["item"], found["track"]) == (item_of[pool.tracks[0]], pool.tracks[0])
    assert (found["filename"], found["label"], found["likely"]) == ("0.wav", "morna", "fado")
    assert 0 <= found["quality"] < 0.5
    mended = [(item_of[pool.tracks[0]], "ana", label("fado"))]
    parts.label_queue.import_answers(pool.project.id, mended, source="test", actor="test")
    assert shown(parts, pool)["suspicious"] == []


def test_it_tells_how_annotators_agree(parts):
    pool = make_pool(parts, 4, overlap=2)
    answer_all(parts, pool)
    answer_all(parts, pool, "bia")
    body = shown(parts, pool)["agreement"]
    assert (body["items"], body["fleiss"], body["krippendorff"]) == (4, 1.0, 1.0)
    assert body["cohen"] == [{"a": "ana", "b": "bia", "n": 4, "kappa": 1.0}]


def test_merged_genres_are_counted_together(parts):
    pool = make_pool(parts, 3, heard=True)
    answer_all(parts, pool, n=3)
    learn(pool.project.id, services=parts)
    fado, morna, _ = (genre.id for genre in pool.project.genres)
    parts.projects.merge_genres(pool.project.id, fado, morna, actor="curator")
    assert [(each["genre"], each["labels"]) for each in shown(parts, pool)["classes"]] == [
        ("morna", 2),
        ("coladeira", 1),
    ]
    assert sum(each["predicted"] for each in shown(parts, pool)["classes"]) == 3


def test_answers_that_are_no_genre_are_no_trouble(parts):
    pool = make_pool(parts, 3)
    for answer in (label(none=True), Answer("skip"), Answer("flag", flag="broken")):
        lease = parts.label_queue.lease(pool.project.id, "ana")
        parts.label_queue.answer(lease.id, answer, "ana")
    (found,) = shown(parts, pool)["annotators"]
    assert (found["labels"], found["skips"], found["flags"]) == (1, 1, 1)
