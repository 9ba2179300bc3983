import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from service.storage.label_events import read_events, record
from service.storage.labelling_tables import LabelEventRow
from tests.support.labelling import answer_all, make_pool


@pytest.fixture
def pool(parts):
    pool = make_pool(parts, 3)
    answer_all(parts, pool)
    return pool


def events_of(parts, pool, **which):
    with parts.database.reading() as session:
        return list(read_events(session, pool.project.id, **which))


def test_numbers_rise_and_are_never_used_again(parts, pool):
    before = [event.number for event in events_of(parts, pool)]
    with parts.database.writing() as session:
        record(session, pool.project.id, "closed", actor="ana")
        session.rollback()
    assert [event.number for event in events_of(parts, pool)] == before
    with parts.database.writing() as session:
        number = record(session, pool.project.id, "closed", actor="ana").number
    assert before == sorted(set(before))
    assert number > before[-1]


@pytest.mark.parametrize(
    "change",
    [
        update(LabelEventRow).values(actor="mallory"),
        delete(LabelEventRow),
        text("UPDATE label_events SET content = '{}' WHERE number = (SELECT max(number) FROM label_events)"),
        text("DELETE FROM label_events WHERE number = (SELECT max(number) FROM label_events)"),
    ],
)
def test_the_database_itself_refuses_to_change_or_delete_an_event(parts, pool, change):
    before = events_of(parts, pool)
    with pytest.raises(DBAPIError, match="only added"), parts.database.writing() as session:
        session.execute(change)
    assert events_of(parts, pool) == before


def test_what_was_recorded_is_read_again(parts, pool):
    content = {"genres": ["é"], "note": None}
    with parts.database.writing() as session:
        kept = record(session, pool.project.id, "label", actor="ana", content=content, version=3, shown={"rank": 1})
    assert events_of(parts, pool)[-1] == kept
    body = kept.to_dict()
    assert set(body) == {*("number", "kind", "at", "actor", "item", "lease", "undoes", "version", "content", "shown")}
    assert (body["number"], body["content"], body["version"], body["shown"]) == (kept.number, content, 3, {"rank": 1})
    assert body["at"].endswith("Z")


def test_events_are_read_by_kind_and_from_a_number_on(parts, pool):
    other = make_pool(parts, 1)
    labels = events_of(parts, pool, kinds=["label"])
    assert [event.kind for event in labels] == ["label"] * 3
    assert events_of(parts, pool, kinds=["label"], after=labels[0].number, limit=1) == labels[1:2]
    assert [event.kind for event in events_of(parts, other)] == ["created", "items_added"]
