import random
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from service.errors import Conflict, NotFound
from service.storage.label_events import read_events
from service.storage.label_queue import Answer
from service.storage.labelling_tables import ActRow, GenreRow, ItemRow, LeaseRow, ProjectRow
from service.storage.pages import utc_now
from service.storage.project_state import present_state, replay
from tests.support.labelling import VERSION, Pool, add_tracks, answer_all, inconsistencies, label, make_pool

STEPS = 300


class Walk:
    """Everything that can be done in a project, by dice."""

    def __init__(self, parts, seed):
        self.parts, self.dice = parts, random.Random(seed)
        self.pool = make_pool(parts, 6, overlap=2, multi_label=True)
        self.id = self.pool.project.id
        self.leases, self.acts = [], []

    def step(self):
        do = self.dice.choices(
            [self.lease, self.answer, self.undo, self.expire, self.ask, self.genres, self.project, self.version],
            [30, 30, 15, 5, 3, 6, 8, 5],
        )[0]
        try:
            do()
        except (Conflict, NotFound):
            return  # a closed project, an answer that does not count any more

    def lease(self):
        name = self.dice.choice(["ana", "bia", "cid"])
        if (lease := self.parts.label_queue.lease(self.id, name)) is not None:
            self.leases.append(lease)

    def answer(self):
        if not self.leases:
            return
        lease = self.leases.pop(self.dice.randrange(len(self.leases)))
        genres = [genre.name for genre in self.parts.projects.get(self.id).genres]
        chosen = self.dice.sample(genres, min(len(genres), self.dice.randint(1, 2)))
        skip, flag = Answer("skip", reason="?"), Answer("flag", flag="several_genres")
        answer = self.dice.choice([label(*chosen), label(*chosen), label(none=True), skip, flag])
        act, _, _ = self.parts.label_queue.answer(lease.id, answer, lease.annotator)
        self.acts.append(act)

    def undo(self):
        if self.acts:
            act = self.dice.choice(self.acts)
            self.leases.append(self.parts.label_queue.undo(act.number, act.annotator))

    def expire(self):
        with self.parts.database.writing() as session:
            of_project = update(LeaseRow).where(LeaseRow.project_id == self.id, LeaseRow.ended_at.is_(None))
            session.execute(of_project.values(expires_at=utc_now() - timedelta(seconds=1)))
        self.parts.label_queue.expire()

    def ask(self):
        item = self.dice.choice(self.parts.projects.all_items(self.id))
        self.parts.label_queue.ask_again(item.id, wanted=self.dice.randint(1, 4), actor="genrelab")

    def genres(self):
        projects, genres = self.parts.projects, self.parts.projects.get(self.id).genres
        match self.dice.randrange(3):
            case 0:
                projects.add_genre(self.id, f"genre {self.dice.randrange(20)}", actor="curator")
            case 1:
                new_name = f"genre {self.dice.randrange(20)}"
                projects.rename_genre(self.id, self.dice.choice(genres).id, new_name, actor="curator")
            case _ if len(genres) > 2:
                merged, into = self.dice.sample(genres, 2)
                projects.merge_genres(self.id, merged.id, into.id, actor="curator")

    def project(self):
        if self.parts.projects.get(self.id).closed:
            self.parts.projects.change(self.id, actor="curator", closed=False)
            return
        match self.dice.randrange(6):
            case 0:
                self.parts.projects.change(self.id, actor="curator", name=f"{self.id} {self.dice.random()}")
            case 1 | 5:
                self.parts.projects.change(self.id, actor="curator", settings={"overlap": self.dice.randint(1, 3)})
            case 2:
                self.parts.projects.change(self.id, actor="curator", closed=True)
            case 3:
                add_tracks(self.parts, Pool(self.pool.project, (), {}), 1)
            case 4:
                present = [item for item in self.parts.projects.all_items(self.id) if item.track_id]
                if len(present) > 4:
                    self.parts.tracks.delete(self.dice.choice(present).track_id)

    def version(self):
        if self.dice.random() < 0.5:
            self.parts.versions.add(self.id, activate=self.dice.random() < 0.7, **VERSION)
        else:
            self.parts.versions.roll_back(self.id, actor="curator")


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happened_the_tables_are_what_the_events_say(parts, seed):
    walk = Walk(parts, seed)
    first, second, *_ = walk.pool.project.genres
    parts.projects.change(walk.id, settings={"overlap": 3}, actor="curator")
    parts.projects.merge_genres(walk.id, first.id, second.id, actor="curator")
    parts.versions.add(walk.id, activate=True, **VERSION)
    for _ in range(STEPS):
        walk.step()
    with parts.database.reading() as session:
        events = list(read_events(session, walk.id))
        assert replay(events) == present_state(session, walk.id)
    assert inconsistencies(parts, walk.pool) == []
    assert {"label", "undo", "settings", "genre_merged", "activated"} <= {each.kind for each in events}


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (lambda item: update(ProjectRow).where(ProjectRow.id == item.project_id).values(version=7), "version"),
        (lambda item: update(GenreRow).where(GenreRow.project_id == item.project_id).values(position=1), None),
        (lambda item: update(GenreRow).where(GenreRow.name == "fado").values(name="x"), "genres"),
        (lambda item: delete(ActRow).where(ActRow.item_id == item.id), "the events say"),
        (lambda item: update(ActRow).where(ActRow.item_id == item.id).values(kind="skip"), "the events say"),
        (lambda item: update(ActRow).where(ActRow.item_id == item.id).values(annotator="eve"), "the events say"),
        (lambda item: update(ItemRow).where(ItemRow.id == item.id).values(wanted=3), "the events say"),
        (lambda item: update(ItemRow).where(ItemRow.id == item.id).values(n_labels=0), "n_labels is 0, and 1"),
        (lambda item: update(ItemRow).where(ItemRow.id == item.id).values(n_leases=1), "n_leases is 1, and 0"),
        (lambda item: update(ItemRow).where(ItemRow.id == item.id).values(flag="broken"), "flag is 'broken'"),
        (lambda item: update(ItemRow).where(ItemRow.id == item.id).values(available=True), "available is True"),
    ],
)
def test_a_table_that_somebody_has_changed_is_found(parts, tamper, says):
    pool = make_pool(parts, 1)
    answer_all(parts, pool)
    assert inconsistencies(parts, pool) == []
    item = parts.projects.all_items(pool.project.id)[0]
    with parts.database.reading() as session:
        row = session.get_one(ItemRow, item.id)
    with parts.database.writing() as session:
        session.execute(tamper(row))
    found = inconsistencies(parts, pool)
    assert (says in found[0]) if says else found == []


def test_an_event_of_an_unknown_kind_is_refused(parts):
    pool = make_pool(parts, 0)
    with parts.database.reading() as session:
        created = next(read_events(session, pool.project.id))
    with pytest.raises(ValueError, match="unknown kind 'party'"):
        replay([created, type(created)(**vars(created) | {"kind": "party"})])
