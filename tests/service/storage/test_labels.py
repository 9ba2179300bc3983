from datetime import timedelta

import pytest

from service.storage import labels as module
from service.storage.label_queue import Answer
from service.storage.pages import utc_now
from tests.support.labelling import (
    VERSION,
    answer_all,
    in_random_order,
    item_row,
    items_by_track,
    label,
    make_pool,
)


@pytest.fixture
def answer(parts):
    def give(pool, answer, annotator="ana"):
        return parts.label_queue.answer(parts.label_queue.lease(pool.project.id, annotator).id, answer, annotator)[0]

    return give


def test_labels_in_force_are_those_that_count_in_their_order(parts, answer):
    pool = make_pool(parts, 5)
    parts.versions.add(pool.project.id, activate=True, **VERSION)
    fado, morna, _ = (genre.id for genre in pool.project.genres)
    first = answer(pool, label("fado", unsure=True, note="n"))
    none = answer(pool, label(none=True), "bia")
    undone = answer(pool, label("morna"))
    answer(pool, Answer("skip"))
    answer(pool, Answer("flag", flag="broken"))
    again = parts.label_queue.undo(undone.number, "ana")
    second = parts.label_queue.answer(again.id, label("morna"), "ana")[0]
    found = parts.labels.in_force(pool.project.id)
    assert [(told.number, told.annotator, told.genres) for told in found] == [
        (first.number, "ana", (fado,)),
        (none.number, "bia", ()),
        (second.number, "ana", (morna,)),
    ]
    assert (found[0].unsure, found[0].note, found[0].version) == (True, "n", 1)


def test_two_genres_that_became_one_count_once(parts, answer):
    pool = make_pool(parts, 1, multi_label=True)
    fado, morna, _ = (genre.id for genre in pool.project.genres)
    answer(pool, label("fado", "morna"))
    parts.projects.merge_genres(pool.project.id, fado, morna, actor="curator")
    assert [told.genres for told in parts.labels.in_force(pool.project.id)] == [(morna,)]


def test_the_pool_has_what_the_learner_needs_in_random_order(parts, answer):
    pool = make_pool(parts, 6)
    labelled, skipped = answer(pool, label("fado")), answer(pool, Answer("skip"))
    flagged = answer(pool, Answer("flag", flag="several_genres"))
    left = sorted(set(pool.tracks) - {labelled.track_id, skipped.track_id, flagged.track_id})
    parts.tracks.delete(left[0])
    entries = parts.labels.pool(pool.project.id)
    assert [entry.track_id for entry in entries] == [
        track for track in in_random_order(parts, pool) if track is not None
    ]
    by_item = {entry.item_id: entry for entry in entries}
    acted = {act.item_id for act in (labelled, skipped, flagged)}
    assert {item for item, entry in by_item.items() if entry.acted} == acted
    assert by_item[labelled.item_id].n_labels == 1
    assert by_item[flagged.item_id].flag == "several_genres"


def test_labels_and_undone_answers_since_a_moment_are_counted(parts, answer):
    pool = make_pool(parts, 4)
    before = utc_now() - timedelta(seconds=1)
    acts = [answer(pool, label("fado")) for _ in range(2)]
    answer(pool, Answer("skip"))
    parts.label_queue.undo(acts[0].number, "ana")
    assert parts.labels.count_since(pool.project.id, None) == 3
    assert parts.labels.count_since(pool.project.id, before) == 3
    assert parts.labels.count_since(pool.project.id, utc_now() + timedelta(seconds=1)) == 0


def test_the_last_number_is_that_of_the_latest_event(parts, answer):
    pool = make_pool(parts, 1)
    act = answer(pool, label("fado"))
    make_pool(parts, 1)
    assert parts.labels.last_number(pool.project.id) == act.number


def test_ranks_and_predictions_are_written_some_at_a_time(parts, monkeypatch):
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 2)
    pool = make_pool(parts, 5)
    items = list(items_by_track(parts, pool).values())
    parts.labels.write_ranks({item: place for place, item in enumerate(items)})
    parts.labels.write_predictions(4, {item: {"g": place / 10} for place, item in enumerate(items[:3])})
    assert [item_row(parts, item).rank for item in items] == [0, 1, 2, 3, 4]
    assert parts.labels.predictions(pool.project.id) == {item: {"g": n / 10} for n, item in enumerate(items[:3])}
    assert [item_row(parts, item).version for item in items] == [4, 4, 4, None, None]
    parts.labels.write_ranks({})
    parts.labels.write_predictions(5, {})


def test_what_each_annotator_did_is_counted(parts, answer, monkeypatch):
    pool = make_pool(parts, 8)
    for answered, name in (
        *((label("fado"), "bia"), (label("fado"), "ana"), (label("fado"), "ana"), (Answer("skip"), "ana")),
        (Answer("flag", flag="broken"), "cid"),
    ):
        answer(pool, answered, name)
    totals = parts.labels.annotators(pool.project.id)
    assert [(each.name, each.labels, each.skips, each.flags) for each in totals] == [
        ("ana", 2, 1, 0),
        ("bia", 1, 0, 0),
        ("cid", 0, 0, 1),
    ]
    assert totals[0].median_s >= 0
    assert totals[2].median_s is None
    assert totals[0].last_at > totals[1].last_at


@pytest.mark.parametrize(("values", "middle"), [([], None), ([3.0], 3.0), ([9.0, 1.0, 2.0], 2.0), ([1.0, 3.0], 2.0)])
def test_the_median_is_the_middle(values, middle):
    assert module._median(values) == middle


def test_imported_labels_have_no_time(parts):
    pool = make_pool(parts, 1)
    item = items_by_track(parts, pool)[pool.tracks[0]]
    parts.label_queue.import_answers(pool.project.id, [(item, "old", label("fado"))], source="x", actor="curator")
    assert parts.labels.annotators(pool.project.id)[0].median_s is None
    assert answer_all(parts, pool) == []
