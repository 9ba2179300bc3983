import pytest
from sqlalchemy import select, update

from service.errors import NotFound
from service.storage.ids import new_id
from service.storage.labelling_tables import ItemRow
from service.storage.pool_items import UNRANKED, item_of, new_items, refresh, tracks_of
from tests.support.labelling import answer_all, in_random_order, inconsistencies, make_pool
from tests.support.library import add_track


def rows(parts, pool):
    query = select(ItemRow).where(ItemRow.project_id == pool.project.id).order_by(ItemRow.rank)
    with parts.database.reading() as session:
        return list(session.scalars(query))


def test_what_no_strategy_has_seen_comes_in_random_order_after_all_the_others(parts):
    pool = make_pool(parts, 20)
    found = rows(parts, pool)
    assert [row.track_id for row in found] == in_random_order(parts, pool)
    assert min(row.rank for row in found) >= UNRANKED
    assert all(0 <= row.random_order < 1 for row in found)
    assert [row.track_id for row in found] != list(pool.tracks)


def test_counts_are_made_again_from_acts_and_leases(parts):
    pool = make_pool(parts, 3, overlap=3)
    answer_all(parts, pool, n=2)
    parts.label_queue.lease(pool.project.id, "bia")
    with parts.database.writing() as session:
        of_project = ItemRow.project_id == pool.project.id
        session.execute(update(ItemRow).where(of_project).values(n_labels=9, n_leases=9, flag="x", available=False))
        refresh(session, of_project)
    assert inconsistencies(parts, pool) == []
    assert sum(row.n_labels for row in rows(parts, pool)) == 2
    assert sum(row.n_leases for row in rows(parts, pool)) == 1
    assert all(row.available for row in rows(parts, pool))


def test_an_item_has_the_keys_of_the_contract(parts):
    pool = make_pool(parts, 1)
    body = item_of(rows(parts, pool)[0]).to_dict()
    assert body == {
        "id": body["id"],
        "track": pool.tracks[0],
        "filename": "0.wav",
        "artist": "",
        "state": "open",
        "flag": None,
        "wanted": 1,
        "labels": 0,
    }


def test_tracks_that_are_in_the_pool_make_no_new_items(parts):
    pool, other = make_pool(parts, 2), make_pool(parts, 0)
    fresh = add_track(parts.tracks, filename="new.wav").id
    with parts.database.writing() as session:
        found = new_items(session, pool.project.id, [*pool.tracks, fresh], wanted=2, artists={fresh: "x"})
        assert [(row.track_id, row.filename, row.artist, row.wanted) for row in found] == [(fresh, "new.wav", "x", 2)]
        assert len(new_items(session, other.project.id, pool.tracks, wanted=1, artists={})) == 2


def test_a_track_that_is_none_is_named(parts):
    track, missing = add_track(parts.tracks).id, new_id()
    with parts.database.writing() as session:
        assert set(tracks_of(session, [track], hold=True)) == {track}
        with pytest.raises(NotFound, match=missing):
            tracks_of(session, [track, missing])
