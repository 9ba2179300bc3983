import random
import threading
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import event, select, text, update

from service.errors import Conflict, Forbidden, Invalid, NotFound
from service.storage.ids import new_id
from service.storage.label_events import read_events
from service.storage.label_queue import MAX_HELD, Answer
from service.storage.labelling_tables import ItemRow, LeaseRow
from service.storage.pages import utc_now
from tests.support.labelling import (
    add_tracks,
    answer_all,
    in_random_order,
    inconsistencies,
    item_row,
    items_by_track,
    kinds,
    label,
    make_pool,
)

SKIP = Answer("skip")
BROKEN = Answer("flag", flag="broken")


@pytest.fixture
def queue(parts):
    return parts.label_queue


def run_out(parts, lease_id):
    """Let the time of a lease be over; nobody has noticed yet."""
    with parts.database.writing() as session:
        session.execute(
            update(LeaseRow).where(LeaseRow.id == lease_id).values(expires_at=utc_now() - timedelta(seconds=1))
        )


def set_ranks(parts, pool, tracks):
    item_of = items_by_track(parts, pool)
    parts.labels.write_ranks({item_of[track]: place for place, track in enumerate(tracks)})


def at_once(*acts):
    """Results of calls in threads of their own that start together."""
    ready = threading.Barrier(len(acts))

    def start(act):
        ready.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [done.result() for done in [pool.submit(start, act) for act in acts]]


def test_a_lease_says_what_is_to_be_heard_and_from_where(parts, queue):
    pool = make_pool(parts, 1, heard=True, lease_s=60.0)
    lease = queue.lease(pool.project.id, "ana")
    assert (lease.annotator, lease.project_id) == ("ana", pool.project.id)
    assert (lease.track_id, lease.filename, lease.duration_s) == (pool.tracks[0], "0.wav", 2.0)
    assert lease.start_s == 1.5
    assert lease.suggestion is None
    assert timedelta(seconds=50) < lease.expires_at - utc_now() <= timedelta(seconds=60)
    assert set(lease.to_dict()) == {
        *("id", "project", "annotator", "expires_at", "item", "track", "start_s", "suggestion")
    }


def test_a_track_that_was_not_heard_starts_at_its_beginning(parts, queue):
    assert queue.lease(make_pool(parts, 1).project.id, "ana").start_s == 0.0


def test_a_project_may_be_named_or_left_out_where_it_is_the_only_one(parts, queue):
    pool = make_pool(parts, 3, name="Cabo Verde")
    assert queue.lease("cabo  VERDE", "ana").project_id == queue.lease(None, "ana").project_id == pool.project.id
    make_pool(parts, 1, name="Other")
    with pytest.raises(NotFound, match="several"):
        queue.lease(None, "ana")


@pytest.mark.parametrize("name", ["", " ", "a" * 101, "a\nb", "a\0b"])
def test_an_annotator_has_a_name(parts, queue, name):
    with pytest.raises(Invalid, match="annotator"):
        queue.lease(make_pool(parts, 1).project.id, name)


def test_two_annotators_get_different_items(parts, queue):
    pool = make_pool(parts, 2)
    leases = [queue.lease(pool.project.id, name) for name in ("ana", "bia")]
    assert len({lease.item_id for lease in leases}) == 2
    assert queue.lease(pool.project.id, "cid") is None
    assert queue.leased(pool.project.id) == 2


def test_with_overlap_an_item_goes_to_as_many_annotators_as_are_wanted(parts, queue):
    pool = make_pool(parts, 1, overlap=2)
    leases = [queue.lease(pool.project.id, name) for name in ("ana", "bia", "cid")]
    assert leases[2] is None
    assert leases[0].item_id == leases[1].item_id
    assert queue.lease(pool.project.id, "ana") is None


def test_who_holds_many_items_gets_the_oldest_again(parts, queue):
    pool = make_pool(parts, MAX_HELD + 2)
    leases = [queue.lease(pool.project.id, "ana") for _ in range(MAX_HELD)]
    run_out(parts, leases[0].id)
    fresh = queue.lease(pool.project.id, "ana")
    assert fresh.item_id not in {lease.item_id for lease in leases}
    again = queue.lease(pool.project.id, "ana")
    assert (again.id, again.item_id) == (leases[1].id, leases[1].item_id)
    assert again.expires_at > leases[1].expires_at


def test_items_come_in_the_order_of_their_rank(parts, queue):
    pool = make_pool(parts, 8, random_share=0.0)
    shuffled = random.Random(3).sample(pool.tracks, 8)
    set_ranks(parts, pool, shuffled)
    assert [act.track_id for act in answer_all(parts, pool)] == shuffled


def test_the_random_slice_comes_in_the_order_that_was_drawn(parts, queue):
    pool = make_pool(parts, 8, random_share=1.0)
    set_ranks(parts, pool, pool.tracks)
    assert [act.track_id for act in answer_all(parts, pool)] == in_random_order(parts, pool)


def test_the_share_of_the_random_slice_is_kept(parts, queue, monkeypatch):
    pool = make_pool(parts, 4, random_share=0.25)
    draws = iter([0.1, 0.3, 0.9, 0.2])
    monkeypatch.setattr(random, "random", lambda: next(draws))
    for _ in range(4):
        queue.lease(pool.project.id, "ana")
    query = select(LeaseRow.shown).where(LeaseRow.project_id == pool.project.id).order_by(LeaseRow.id)
    with parts.database.reading() as session:
        slices = [shown["slice"] for shown in session.scalars(query)]
    assert slices == ["random", "ranked", "ranked", "random"]


def test_what_was_never_ranked_comes_after_what_was(parts, queue):
    pool = make_pool(parts, 3, random_share=0.0)
    set_ranks(parts, pool, pool.tracks)
    more = add_tracks(parts, pool, 3)
    assert [act.track_id for act in answer_all(parts, more)][:3] == list(pool.tracks)


@pytest.mark.parametrize("overlap", [1, 2, 3])
def test_many_annotators_at_once_share_the_work_exactly(parts, queue, overlap):
    n_items, n_annotators = 40, 16
    pool = make_pool(parts, n_items, overlap=overlap)

    def work(name):
        mine = []
        lease = queue.lease(pool.project.id, name)
        while lease is not None:
            act, new, following = queue.answer(lease.id, label(pool.genre_of[lease.track_id]), name, then_next=True)
            assert new
            mine.append((name, act.item_id, act.number))
            lease = following
        return mine

    done = [each for mine in at_once(*(lambda n=n: work(f"a{n}") for n in range(n_annotators))) for each in mine]
    said = defaultdict(set)
    for name, item_id, _ in done:
        said[item_id].add(name)
    assert {len(names) for names in said.values()} == {overlap}
    assert len(said) == n_items
    assert len(done) == n_items * overlap
    with parts.database.reading() as session:
        events = [each for each in read_events(session, pool.project.id) if each.kind == "label"]
    assert sorted(each.number for each in events) == sorted(number for _, _, number in done)
    assert len({each.lease_id for each in events}) == len(events)
    assert inconsistencies(parts, pool) == []
    assert parts.projects.counts(pool.project.id).labelled == n_items


def test_one_annotator_who_asks_many_times_at_once_gets_no_item_twice(parts, queue):
    pool = make_pool(parts, 30, overlap=3)
    leases = at_once(*[lambda: queue.lease(pool.project.id, "ana")] * 12)
    assert len({lease.id for lease in leases}) == len({lease.item_id for lease in leases}) == MAX_HELD
    assert queue.leased(pool.project.id) == MAX_HELD


def test_an_item_that_another_transaction_holds_is_waited_for_where_nothing_else_is_left(parts, queue):
    pool = make_pool(parts, 1)
    held, go_on = threading.Event(), threading.Event()

    def rank():
        with parts.database.writing() as session:
            session.execute(update(ItemRow).values(rank=7))
            held.set()
            go_on.wait(10)

    with ThreadPoolExecutor(2) as threads:
        ranking = threads.submit(rank)
        held.wait(10)
        leasing = threads.submit(queue.lease, pool.project.id, "ana")
        with pytest.raises(TimeoutError):
            leasing.result(0.2)
        go_on.set()
        ranking.result(10)
        assert leasing.result(10).track_id == pool.tracks[0]


def test_an_expired_lease_comes_back(parts, queue):
    pool = make_pool(parts, 1)
    lease = queue.lease(pool.project.id, "ana")
    assert queue.expire() == 0
    run_out(parts, lease.id)
    assert queue.leased(pool.project.id) == 0
    assert queue.lease(pool.project.id, "bia") is None
    assert [queue.expire(), queue.expire()] == [1, 0]
    assert queue.lease(pool.project.id, "bia").item_id == lease.item_id
    assert inconsistencies(parts, pool) == []


def test_a_late_answer_is_taken_even_where_the_item_went_to_somebody_else(parts, queue):
    pool = make_pool(parts, 1)
    late = queue.lease(pool.project.id, "ana")
    run_out(parts, late.id)
    queue.expire()
    other = queue.lease(pool.project.id, "bia")
    act, new, _ = queue.answer(late.id, label("fado"), "ana")
    assert (act.genres, new) == (("fado",), True)
    queue.answer(other.id, label("morna"), "bia")
    assert [found.annotator for found in queue.acts(pool.project.id)] == ["bia", "ana"]
    assert inconsistencies(parts, pool) == []


def test_an_answer_in_time_is_taken_though_nobody_noticed_that_the_lease_had_run_out(parts, queue):
    pool = make_pool(parts, 1)
    lease = queue.lease(pool.project.id, "ana")
    run_out(parts, lease.id)
    queue.answer(lease.id, label("fado"), "ana")
    assert queue.expire() == 0
    assert inconsistencies(parts, pool) == []


def test_renewing_keeps_a_lease_for_as_long_again(parts, queue):
    pool = make_pool(parts, 1, lease_s=60.0)
    lease = queue.lease(pool.project.id, "ana")
    run_out(parts, lease.id)
    renewed = queue.renew(lease.id, "ana")
    assert (renewed.id, renewed.item_id) == (lease.id, lease.item_id)
    assert renewed.expires_at - utc_now() > timedelta(seconds=50)
    assert queue.expire() == 0
    assert queue.lease(pool.project.id, "bia") is None


def test_a_lease_that_ended_is_not_renewed(parts, queue):
    pool = make_pool(parts, 2)
    answered, expired = (queue.lease(pool.project.id, "ana") for _ in range(2))
    queue.answer(answered.id, SKIP, "ana")
    run_out(parts, expired.id)
    queue.expire()
    for lease in (answered, expired):
        with pytest.raises(Conflict, match="ended"):
            queue.renew(lease.id, "ana")


def test_somebody_elses_lease_is_neither_renewed_nor_answered(parts, queue):
    lease = queue.lease(make_pool(parts, 1).project.id, "ana")
    with pytest.raises(Forbidden, match="ana's"):
        queue.renew(lease.id, "bia")
    with pytest.raises(Forbidden, match="ana's"):
        queue.answer(lease.id, label("fado"), "bia")


@pytest.mark.parametrize("lease_id", ["", "x", "01JZZZZZZZZZZZZZZZZZZZZZZZ", "\0" * 26])
def test_a_lease_that_is_none_is_named(queue, lease_id):
    with pytest.raises(NotFound, match="no lease"):
        queue.renew(lease_id, "ana")
    with pytest.raises(NotFound, match="no lease"):
        queue.answer(lease_id, SKIP, "ana")


def test_own_skips_come_back_when_nothing_else_is_left(parts, queue):
    pool = make_pool(parts, 4)
    skipped = set()
    for _ in range(2):
        lease = queue.lease(pool.project.id, "ana")
        queue.answer(lease.id, SKIP, "ana")
        skipped.add(lease.item_id)
    order = [act.item_id for act in answer_all(parts, pool)]
    assert set(order[:2]).isdisjoint(skipped)
    assert set(order[2:]) == skipped
    assert queue.lease(pool.project.id, "ana") is None
    assert parts.projects.counts(pool.project.id).labelled == 4
    assert inconsistencies(parts, pool) == []


def test_what_one_skipped_comes_to_the_others_in_its_order(parts, queue):
    pool = make_pool(parts, 2, random_share=0.0)
    set_ranks(parts, pool, pool.tracks)
    lease = queue.lease(pool.project.id, "ana")
    queue.answer(lease.id, Answer("skip", reason="no idea"), "ana")
    assert queue.lease(pool.project.id, "bia").track_id == pool.tracks[0]


def test_the_queue_is_not_empty_while_something_is_wanted_even_if_all_was_skipped(parts, queue):
    pool = make_pool(parts, 2)
    for _ in range(6):
        queue.answer(queue.lease(pool.project.id, "ana").id, SKIP, "ana")
    assert queue.lease(pool.project.id, "ana") is not None


def test_a_flag_takes_an_item_out_and_undoing_puts_it_back(parts, queue):
    pool = make_pool(parts, 1)
    lease = queue.lease(pool.project.id, "ana")
    act, _, _ = queue.answer(lease.id, Answer("flag", flag="broken", note="clicks"), "ana")
    assert (act.flag, act.note, act.genres) == ("broken", "clicks", ())
    assert queue.lease(pool.project.id, "bia") is None
    assert parts.projects.counts(pool.project.id).set_aside == 1
    again = queue.undo(act.number, "ana")
    assert again.item_id == lease.item_id
    assert parts.projects.counts(pool.project.id).set_aside == 0
    run_out(parts, again.id)
    queue.expire()
    assert queue.lease(pool.project.id, "bia").item_id == lease.item_id
    assert inconsistencies(parts, pool) == []


def test_a_flag_of_one_stays_where_another_undoes_theirs(parts, queue):
    pool = make_pool(parts, 1, overlap=2)
    leases = {name: queue.lease(pool.project.id, name) for name in ("ana", "bia")}
    acts = {
        name: queue.answer(lease.id, Answer("flag", flag=flag), name)[0]
        for (name, lease), flag in zip(leases.items(), ("broken", "several_genres"), strict=True)
    }
    assert item_row(parts, leases["ana"].item_id).flag == "several_genres"
    queue.undo(acts["bia"].number, "bia")
    assert item_row(parts, leases["ana"].item_id).flag == "broken"
    assert queue.lease(pool.project.id, "cid") is None


def test_undoing_leases_the_same_item_again_and_a_new_answer_counts(parts, queue):
    pool = make_pool(parts, 3)
    lease = queue.lease(pool.project.id, "ana")
    act, _, _ = queue.answer(lease.id, label("fado"), "ana")
    again = queue.undo(act.number, "ana")
    assert again.item_id == lease.item_id
    assert again.id != lease.id
    assert queue.acts(pool.project.id) == []
    assert queue.lease(pool.project.id, "bia").item_id != lease.item_id
    queue.answer(again.id, label("morna"), "ana")
    assert [found.genres for found in queue.acts(pool.project.id)] == [("morna",)]
    assert kinds(parts, pool)["label"] == 2
    assert inconsistencies(parts, pool) == []


def test_what_was_undone_is_not_undone_again(parts, queue):
    pool = make_pool(parts, 1)
    act = answer_all(parts, pool)[0]
    queue.undo(act.number, "ana")
    with pytest.raises(Conflict, match="undone"):
        queue.undo(act.number, "ana")
    assert kinds(parts, pool)["undo"] == 1


def test_two_who_undo_the_same_at_once_undo_it_once(parts, queue):
    pool = make_pool(parts, 1)
    act = answer_all(parts, pool)[0]

    def undo():
        try:
            return queue.undo(act.number, "ana").id
        except Conflict:
            return "refused"

    found = at_once(undo, undo)
    assert found.count("refused") == 1
    assert kinds(parts, pool)["undo"] == 1
    assert inconsistencies(parts, pool) == []


def test_only_ones_own_acts_are_undone(parts, queue):
    act = answer_all(parts, make_pool(parts, 1))[0]
    with pytest.raises(Forbidden, match="ana's"):
        queue.undo(act.number, "bia")


@pytest.mark.parametrize("number", [-1, 0, 1, 10**6, 2**63, 10**30])
def test_what_is_no_act_is_not_undone(parts, queue, number):
    make_pool(parts, 1)  # event 1 makes a project
    with pytest.raises(NotFound, match="no label, skip or flag"):
        queue.undo(number, "ana")


def test_an_act_that_a_later_one_replaced_is_not_undone(parts, queue):
    pool = make_pool(parts, 1)
    first = queue.lease(pool.project.id, "ana")
    run_out(parts, first.id)
    queue.expire()
    second = queue.lease(pool.project.id, "ana")
    early, _, _ = queue.answer(first.id, label("fado"), "ana")
    late, _, _ = queue.answer(second.id, label("morna"), "ana")
    with pytest.raises(Conflict, match="given anew"):
        queue.undo(early.number, "ana")
    assert queue.undo(late.number, "ana").item_id == first.item_id
    assert queue.acts(pool.project.id) == []
    assert inconsistencies(parts, pool) == []


def test_a_skip_is_undone_though_the_item_came_back_already(parts, queue):
    pool = make_pool(parts, 1)
    skip, _, _ = queue.answer(queue.lease(pool.project.id, "ana").id, SKIP, "ana")
    back = queue.lease(pool.project.id, "ana")
    assert queue.undo(skip.number, "ana").id == back.id
    queue.answer(back.id, label("fado"), "ana")
    assert inconsistencies(parts, pool) == []


def test_the_same_answer_sent_again_is_one_act(parts, queue):
    pool = make_pool(parts, 2)
    lease = queue.lease(pool.project.id, "ana")
    act, new, _ = queue.answer(lease.id, label("fado", note="guitarra"), "ana")
    again, new_again, following = queue.answer(lease.id, label("FADO", note=" guitarra "), "ana", then_next=True)
    assert (new, new_again) == (True, False)
    assert again == act
    assert following.item_id != lease.item_id
    assert kinds(parts, pool)["label"] == 1


@pytest.mark.parametrize("other", [label("morna"), label("fado", unsure=True), label("fado", note="x"), SKIP, BROKEN])
def test_another_answer_to_the_same_lease_is_refused(parts, queue, other):
    pool = make_pool(parts, 1)
    lease = queue.lease(pool.project.id, "ana")
    act, _, _ = queue.answer(lease.id, label("fado"), "ana")
    with pytest.raises(Conflict, match="otherwise"):
        queue.answer(lease.id, other, "ana")
    assert queue.acts(pool.project.id) == [act]


def test_an_answer_that_was_undone_is_not_taken_for_one_that_counts(parts, queue):
    pool = make_pool(parts, 1)
    lease = queue.lease(pool.project.id, "ana")
    act, _, _ = queue.answer(lease.id, label("fado"), "ana")
    queue.undo(act.number, "ana")
    with pytest.raises(Conflict, match="undone"):
        queue.answer(lease.id, label("fado"), "ana")


def test_the_same_answer_from_many_threads_at_once_is_one_act(parts, queue):
    pool = make_pool(parts, 3)
    lease = queue.lease(pool.project.id, "ana")
    found = at_once(*[lambda: queue.answer(lease.id, label("fado"), "ana", then_next=True)] * 8)
    assert len({act.number for act, _, _ in found}) == 1
    assert sorted(new for _, new, _ in found) == [False] * 7 + [True]
    assert kinds(parts, pool)["label"] == 1
    assert inconsistencies(parts, pool) == []


def test_different_answers_at_once_are_one_act_and_a_refusal(parts, queue):
    pool = make_pool(parts, 1)
    lease = queue.lease(pool.project.id, "ana")

    def say(genre):
        try:
            return queue.answer(lease.id, label(genre), "ana")[0].genres
        except Conflict:
            return ()

    found = at_once(lambda: say("fado"), lambda: say("morna"))
    assert sorted(map(len, found)) == [0, 1]
    assert [act.genres for act in queue.acts(pool.project.id)] == [max(found, key=len)]


def test_many_people_who_do_everything_at_once_leave_no_trace_of_it(parts, queue):
    """Answers, undoing, expiry, ranks and settings in threads: no deadlock, no error of the database, no miscount."""
    pool = make_pool(parts, 20, overlap=2)
    stop = threading.Event()

    def label_and_undo(name):
        dice = random.Random(name)
        for _ in range(12):
            lease = queue.lease(pool.project.id, name)
            if lease is None:
                continue
            answer = dice.choice([label("fado"), label("morna"), SKIP, BROKEN])
            act, _, _ = queue.answer(lease.id, answer, name, then_next=dice.random() < 0.5)
            if dice.random() < 0.4:
                queue.undo(act.number, name)

    def disturb():
        dice = random.Random(0)
        items = [item.id for item in parts.projects.all_items(pool.project.id)]
        while not stop.wait(0.01):
            with parts.database.writing() as session:
                held = select(LeaseRow.id).where(LeaseRow.ended_at.is_(None)).limit(1)
                session.execute(
                    update(LeaseRow).where(LeaseRow.id.in_(held)).values(expires_at=utc_now() - timedelta(seconds=1))
                )
            queue.expire()
            parts.labels.write_ranks({item: dice.randrange(100) for item in items})
            queue.ask_again(dice.choice(items), wanted=4, actor="genrelab")
            parts.projects.change(pool.project.id, actor="curator", settings={"overlap": dice.choice([1, 2, 3])})

    with ThreadPoolExecutor(7) as threads:
        disturbing = threads.submit(disturb)
        try:
            for work in [threads.submit(label_and_undo, f"a{n}") for n in range(6)]:
                work.result(60)
        finally:
            stop.set()
        disturbing.result(60)
    assert inconsistencies(parts, pool) == []


def test_the_item_of_a_deleted_track_is_set_aside(parts, queue):
    pool = make_pool(parts, 2)
    lease = queue.lease(pool.project.id, "ana")
    act, _, _ = queue.answer(lease.id, label("fado"), "ana")
    held = queue.lease(pool.project.id, "ana")
    for track in pool.tracks:
        parts.tracks.delete(track)
    assert queue.lease(pool.project.id, "ana") is None
    assert queue.leased(pool.project.id) == 0
    assert parts.projects.counts(pool.project.id).set_aside == 2
    with pytest.raises(Conflict, match="ended"):
        queue.renew(held.id, "ana")
    with pytest.raises(Conflict, match="deleted"):
        queue.undo(act.number, "ana")
    late, _, _ = queue.answer(held.id, label("morna"), "ana")
    assert late.track_id is None
    assert [found.genres for found in queue.acts(pool.project.id)] == [("morna",), ("fado",)]
    assert inconsistencies(parts, pool) == []


def test_who_holds_many_items_whose_tracks_are_deleted_gets_others(parts, queue):
    pool = make_pool(parts, MAX_HELD + 1)
    leases = [queue.lease(pool.project.id, "ana") for _ in range(MAX_HELD)]
    parts.tracks.delete(leases[0].track_id)
    assert queue.lease(pool.project.id, "ana").item_id not in {lease.item_id for lease in leases}


def test_a_closed_project_asks_nothing(parts, queue):
    pool = make_pool(parts, 3)
    act = answer_all(parts, pool, n=1)[0]
    answered, held = (queue.lease(pool.project.id, "ana") for _ in range(2))
    queue.answer(answered.id, label("fado"), "ana")
    parts.projects.change(pool.project.id, closed=True, actor="curator")
    with pytest.raises(Conflict, match="closed"):
        queue.lease(pool.project.id, "ana")
    with pytest.raises(Conflict, match="closed"):
        queue.answer(held.id, label("fado"), "ana")
    with pytest.raises(Conflict, match="closed"):
        queue.undo(act.number, "ana")
    again, new, following = queue.answer(answered.id, label("fado"), "ana", then_next=True)
    assert (again.genres, new, following) == (("fado",), False, None)
    assert len(queue.acts(pool.project.id)) == 2
    parts.projects.change(pool.project.id, closed=False, actor="curator")
    queue.answer(held.id, label("fado"), "ana")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (label(), "needs a genre"),
        (label("samba"), "no genre 'samba': it has fado, morna, coladeira"),
        (label("fado", "morna"), "one genre"),
        (label("fado", none=True), "not both"),
        (label("fado", note="x" * 2001), "2000 at most"),
        (label("fado", note="a\0b"), "control characters"),
        (Answer("flag", flag="broken", note="\ud800"), "halves of characters"),
        (Answer("skip", reason="\x1b[31m"), "control characters"),
        (Answer("flag"), "None is no flag"),
        (Answer("flag", flag="boring"), "'boring' is no flag"),
        (Answer("opinion"), "no kind of answer"),
    ],
)
def test_an_answer_that_a_project_does_not_allow_is_named_and_not_kept(parts, queue, answer, says):
    pool = make_pool(parts, 1)
    lease = queue.lease(pool.project.id, "ana")
    with pytest.raises(Invalid, match=says):
        queue.answer(lease.id, answer, "ana")
    assert queue.acts(pool.project.id) == []
    queue.answer(lease.id, label("fado"), "ana")


def test_settings_say_which_answers_are_allowed(parts, queue):
    pool = make_pool(parts, 2, multi_label=True, none_of_these=False)
    first, second = (queue.lease(pool.project.id, "ana") for _ in range(2))
    act, _, _ = queue.answer(first.id, label("Morna", "fado", "MORNA"), "ana")
    assert act.genres == ("morna", "fado")
    with pytest.raises(Invalid, match="wants a genre"):
        queue.answer(second.id, label(none=True), "ana")


def test_lines_of_a_note_end_alike(parts, queue):
    pool = make_pool(parts, 1)
    lease = queue.lease(pool.project.id, "ana")
    act, _, _ = queue.answer(lease.id, label("fado", note=" one\r\ntwo\u2028three\x0bfour\n"), "ana")
    assert act.note == "one\ntwo\nthree\nfour"


def test_an_act_has_the_keys_of_the_contract(parts, queue):
    pool = make_pool(parts, 1)
    act, _, _ = queue.answer(queue.lease(pool.project.id, "ana").id, label("fado", unsure=True), "ana")
    body = act.to_dict()
    assert set(body) == {
        *("id", "kind", "project", "item", "track", "annotator", "at", "genres", "none", "unsure", "flag", "note"),
        *("reason", "version"),
    }
    assert (body["id"], body["kind"], body["genres"], body["unsure"]) == (act.number, "label", ["fado"], True)
    assert (body["track"], body["version"]) == (pool.tracks[0], None)


def test_an_event_keeps_what_was_shown(parts, queue):
    pool = make_pool(parts, 1, suggestions="shown")
    item_id = items_by_track(parts, pool)[pool.tracks[0]]
    genres = {genre.name: genre.id for genre in pool.project.genres}
    shares = {genres["fado"]: 0.1, genres["morna"]: 0.7, genres["coladeira"]: 0.2}
    parts.labels.write_predictions(3, {item_id: shares})
    lease = queue.lease(pool.project.id, "ana")
    likeliest = [("morna", 0.7), ("coladeira", 0.2), ("fado", 0.1)]
    assert lease.suggestion == {
        "version": 3,
        "genres": [{"genre": genre, "probability": probability} for genre, probability in likeliest],
    }
    queue.answer(lease.id, label("morna"), "ana")
    with parts.database.reading() as session:
        told = next(each for each in read_events(session, pool.project.id) if each.kind == "label")
    assert told.shown["suggestion"] == lease.suggestion
    assert told.shown["slice"] in ("ranked", "random")
    assert told.shown["seconds"] >= 0
    assert (told.actor, told.lease_id, told.item_id) == ("ana", lease.id, item_id)


def test_suggestions_of_merged_genres_add_up(parts, queue):
    pool = make_pool(parts, 1, suggestions="shown")
    fado, morna, coladeira = pool.project.genres
    item_id = items_by_track(parts, pool)[pool.tracks[0]]
    parts.labels.write_predictions(1, {item_id: {fado.id: 0.25, morna.id: 0.5, coladeira.id: 0.25}})
    parts.projects.merge_genres(pool.project.id, coladeira.id, morna.id, actor="curator")
    suggested = queue.lease(pool.project.id, "ana").suggestion["genres"]
    assert suggested == [{"genre": "morna", "probability": 0.75}, {"genre": "fado", "probability": 0.25}]


def test_suggestions_are_hidden_unless_a_project_shows_them(parts, queue):
    pool = make_pool(parts, 1)
    item_id = items_by_track(parts, pool)[pool.tracks[0]]
    parts.labels.write_predictions(1, {item_id: {pool.project.genres[0].id: 1.0}})
    assert queue.lease(pool.project.id, "ana").suggestion is None


def test_acts_come_newest_first_by_annotator_and_page(parts, queue):
    pool = make_pool(parts, 4)
    mine = [act.number for act in answer_all(parts, pool, n=3)]
    theirs = [act.number for act in answer_all(parts, pool, "bia")]
    found = [act.number for act in queue.acts(pool.project.id)]
    assert found == sorted(mine + theirs, reverse=True)
    assert [act.number for act in queue.acts(pool.project.id, annotator="ana", limit=2)] == mine[:0:-1]
    assert [act.number for act in queue.acts(pool.project.id, annotator="ana", before=mine[1])] == mine[:1]
    assert queue.latest_act(pool.project.id, "bia") == theirs[-1]
    assert queue.latest_act(pool.project.id, "cid") is None


def test_the_next_item_comes_with_the_acknowledgement(parts, queue):
    pool = make_pool(parts, 2)
    lease = queue.lease(pool.project.id, "ana")
    _, _, second = queue.answer(lease.id, label("fado"), "ana", then_next=True)
    assert second.item_id != lease.item_id
    assert queue.answer(second.id, label("fado"), "ana", then_next=True)[2] is None


def test_with_the_acknowledgement_a_skipped_item_comes_back_too(parts, queue):
    pool = make_pool(parts, 1)
    lease = queue.lease(pool.project.id, "ana")
    assert queue.answer(lease.id, SKIP, "ana", then_next=True)[2].item_id == lease.item_id


def test_more_annotators_can_be_asked_once(parts, queue):
    pool = make_pool(parts, 1)
    act = answer_all(parts, pool)[0]
    assert queue.lease(pool.project.id, "bia") is None
    assert [queue.ask_again(act.item_id, wanted=2, actor="genrelab") for _ in range(2)] == [True, False]
    assert queue.lease(pool.project.id, "ana") is None
    assert queue.lease(pool.project.id, "bia").item_id == act.item_id
    assert kinds(parts, pool)["asked_again"] == 1
    assert inconsistencies(parts, pool) == []


def test_answers_from_elsewhere_are_kept_once(parts, queue):
    pool = make_pool(parts, 3)
    items = list(items_by_track(parts, pool).values())
    answers = [(items[0], "old", label("fado")), (items[1], "old", BROKEN), (items[0], "older", label(none=True))]
    take_in = {"source": "labels.csv", "actor": "curator"}
    assert queue.import_answers(pool.project.id, answers, **take_in) == 3
    assert queue.import_answers(pool.project.id, answers, **take_in) == 0
    assert queue.import_answers(pool.project.id, [(items[0], "old", label("morna"))], **take_in) == 1
    assert Counter(act.kind for act in queue.acts(pool.project.id)) == {"label": 2, "flag": 1}
    with parts.database.reading() as session:
        told = [each for each in read_events(session, pool.project.id) if each.kind == "label"]
    assert len(told) == 3
    assert told[0].shown == {"imported": "labels.csv", "by": "curator"}
    assert queue.lease(pool.project.id, "ana").item_id == items[2]
    assert queue.lease(pool.project.id, "ana") is None
    assert inconsistencies(parts, pool) == []


@pytest.mark.parametrize(
    ("annotator", "answer"), [("bia", label("samba")), ("b" * 101, label("fado")), ("", label("fado"))]
)
def test_answers_from_elsewhere_are_kept_together_or_not_at_all(parts, queue, annotator, answer):
    pool = make_pool(parts, 1)
    item = items_by_track(parts, pool)[pool.tracks[0]]
    with pytest.raises(Invalid):
        queue.import_answers(
            pool.project.id, [(item, "ana", label("fado")), (item, annotator, answer)], source="x", actor="curator"
        )
    assert queue.acts(pool.project.id) == []


@pytest.mark.parametrize(("random_share", "index"), [(0.0, "ix_items_ranked"), (1.0, "ix_items_random")])
def test_the_next_item_is_found_by_the_index_of_its_order(parts, queue, random_share, index):
    """The plan of the statement that is sent, on a pool that is large enough for a plan to matter."""
    pool = make_pool(parts, 1, random_share=random_share)
    with parts.database.writing() as session:
        items = ItemRow.__table__
        row = session.execute(select(items).where(items.c.project_id == pool.project.id)).one()
        later = {"track_id": None, "random_order": 1.0, "rank": row.rank + 1}
        session.execute(items.insert(), [{**row._mapping, **later, "id": new_id()} for _ in range(2000)])
    sent = []

    def keep(connection, cursor, statement, parameters, context, executemany):
        if "items.available" in statement and "LIMIT" in statement:
            sent.append((statement, parameters))

    engine = parts.database._engine
    event.listen(engine, "before_cursor_execute", keep)
    queue.lease(pool.project.id, "ana")
    event.remove(engine, "before_cursor_execute", keep)
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with parts.database.writing() as session:
        if engine.dialect.name == "postgresql":
            session.execute(text("ANALYZE items"))
        for statement, parameters in sent:
            plan = session.connection().exec_driver_sql(explain + statement, parameters)
            words = " ".join(str(line) for line in plan)
            assert index in words
            assert "TEMP B-TREE" not in words
            assert "Sort" not in words
    assert sent
