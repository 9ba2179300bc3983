import io

import numpy as np
import pytest
import structlog

from features.errors import CorruptAudio
from models.track_summary import BACKBONE
from service.errors import Cancelled, Conflict, NotFound
from service.storage.ids import new_id
from service.storage.label_queue import Answer
from service.storage.labels import PoolEntry
from service.storage.pool_items import UNRANKED
from service.usecases.labelling import training
from service.usecases.labelling.training import (
    answer_with,
    gather,
    head_of,
    learn,
    model_name,
    random_slice_length,
)
from service.usecases.tracks import receive_upload
from tests.support.labelling import (
    GENRES,
    answer_all,
    in_random_order,
    inconsistencies,
    item_row,
    items_by_track,
    kinds,
    label,
    make_pool,
)
from tests.support.library import add_track
from tests.support.postgres import new_database

pytestmark = pytest.mark.usefixtures("without_curve")


def say(parts, pool, tracks, genre_of, annotator="ana"):
    """Record what an annotator says of tracks."""
    item_of = items_by_track(parts, pool)
    answers = [(item_of[track], annotator, label(genre_of(track))) for track in tracks]
    parts.label_queue.import_answers(pool.project.id, answers, source="test", actor="test")


def say_right(parts, pool, tracks, annotator="ana"):
    say(parts, pool, tracks, pool.genre_of.__getitem__, annotator)


def next_genre(pool):
    return lambda track: GENRES[(GENRES.index(pool.genre_of[track]) + 1) % len(GENRES)]


def fresh(parts, pool):
    return parts.projects.get(pool.project.id)


def likeliest(parts, pool):
    """The genre that the active version takes each track for."""
    names = {genre.id: genre.name for genre in fresh(parts, pool).genres}
    shares = parts.labels.predictions(pool.project.id)
    item_of = items_by_track(parts, pool)
    return {track: names[max(shares[item], key=shares[item].get)] for track, item in item_of.items() if item in shares}


def test_without_labels_the_queue_is_ranked_all_the_same(parts):
    pool = make_pool(parts, 9, heard=True)
    result = learn(pool.project.id, services=parts)
    assert (result["labels"], result["version"], result["activated"]) == (0, None, False)
    assert "two genres" in result["reason"]
    ranks = [item_row(parts, item).rank for item in items_by_track(parts, pool).values()]
    assert sorted(ranks) == list(range(9))
    assert parts.versions.list(pool.project.id) == []


def test_labels_of_one_genre_are_not_enough(parts):
    pool = make_pool(parts, 6, heard=True)
    say(parts, pool, pool.tracks[:3], lambda track: "fado")
    assert learn(pool.project.id, services=parts)["version"] is None


@pytest.mark.parametrize("n", [0, 1])
def test_a_pool_of_next_to_nothing_is_no_error(parts, n):
    pool = make_pool(parts, n, heard=True)
    answer_all(parts, pool)
    assert learn(pool.project.id, services=parts)["labels"] == n


def test_a_project_without_genres_is_no_error(parts):
    project = parts.projects.create("empty", genres=[], settings=make_pool(parts, 0).project.settings, actor="x")
    assert learn(project.id, services=parts)["version"] is None


def test_a_project_that_is_none_is_named(parts):
    with pytest.raises(NotFound, match="no labelling project"):
        learn(new_id(), services=parts)


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_from_labels_to_a_version_that_answers_and_ranks(make_parts, database):
    parts = make_parts(database_url=new_database() if database == "postgresql" else "")
    pool = make_pool(parts, 30, heard=True, random_share=1.0)
    answer_all(parts, pool, n=18)
    shares = []
    result = learn(pool.project.id, services=parts, progress=shares.append)
    assert (result["labels"], result["version"], result["activated"]) == (18, 1, True)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    project = fresh(parts, pool)
    version = parts.versions.get(project.id, 1)
    assert (project.version, version.state, version.n_labels) == (1, "active", 18)
    assert version.accuracy == 1.0
    assert version.last_event == parts.labels.last_number(project.id) - 1  # then it was activated
    assert likeliest(parts, pool) == pool.genre_of
    rows = [item_row(parts, item) for item in items_by_track(parts, pool).values()]
    assert sorted(row.rank for row in rows if row.n_labels == 0) == list(range(12))
    card, _ = parts.versions.model(project.id, 1)
    assert card["genre_ids"] == [genre.id for genre in project.genres]
    assert card["data"]["annotators"] == ["ana"]
    assert parts.label_queue.acts(project.id, limit=1)[0].version is None
    answer_all(parts, pool, n=1)
    assert parts.label_queue.acts(project.id, limit=1)[0].version == 1
    assert inconsistencies(parts, pool) == []


def entry(acted):
    return PoolEntry("item", "track", "", 0.5, 1, 0, None, acted)


@pytest.mark.parametrize(
    ("acted", "length"), [([], 0), ([False], 0), ([True], 1), ([True, True, False, True], 2), ([True] * 3, 3)]
)
def test_the_random_slice_ends_before_the_first_item_that_nobody_did(acted, length):
    assert random_slice_length([entry(each) for each in acted]) == length


def test_only_the_random_slice_measures(parts):
    pool = make_pool(parts, 20, heard=True)
    order = in_random_order(parts, pool)
    say_right(parts, pool, [*order[:5], *order[8:12]])
    item_of = items_by_track(parts, pool)
    skipped = [(item_of[order[5]], "ana", Answer("skip"))]
    parts.label_queue.import_answers(pool.project.id, skipped, source="test", actor="test")
    material = gather(fresh(parts, pool), parts)
    measuring = material.labelled[material.on_random_slice]
    measures = {material.entries[row].track_id for row in measuring}
    assert measures == set(order[:5])
    assert len(material.labelled) == 9


def test_flagged_items_and_none_of_these_are_not_learned_from(parts):
    pool = make_pool(parts, 9, heard=True, overlap=2)
    item_of = items_by_track(parts, pool)
    say_right(parts, pool, pool.tracks[:4])
    said = [
        (item_of[pool.tracks[0]], "bia", Answer("flag", flag="broken")),
        (item_of[pool.tracks[4]], "bia", label(none=True)),
        (item_of[pool.tracks[5]], "bia", Answer("skip")),
    ]
    parts.label_queue.import_answers(pool.project.id, said, source="test", actor="test")
    material = gather(fresh(parts, pool), parts)
    assert {material.entries[row].track_id for row in material.labelled} == set(pool.tracks[1:4])
    np.testing.assert_allclose(material.targets.sum(axis=1), 1.0)


def test_labels_that_make_it_worse_are_refused_and_the_old_version_goes_on(parts):
    pool = make_pool(parts, 60, heard=True)
    order = in_random_order(parts, pool)
    say_right(parts, pool, order[:15])
    learn(pool.project.id, services=parts)
    say(parts, pool, order[20:60], next_genre(pool), "mallory")
    result = learn(pool.project.id, services=parts)
    assert (result["version"], result["activated"]) == (2, False)
    assert "worse" in result["reason"]
    assert fresh(parts, pool).version == 1
    assert [version.state for version in parts.versions.list(pool.project.id)] == ["refused", "active"]
    assert likeliest(parts, pool) == pool.genre_of
    assert kinds(parts, pool)["activated"] == 1
    ranks = sorted(item_row(parts, items_by_track(parts, pool)[track]).rank for track in order[15:20])
    assert ranks == list(range(5))


def test_a_cancelled_training_leaves_nothing(parts):
    pool = make_pool(parts, 12, heard=True)
    answer_all(parts, pool, n=9)
    shares = []
    with pytest.raises(Cancelled):
        learn(pool.project.id, services=parts, progress=shares.append, cancelled=lambda: len(shares) > 2)
    assert parts.versions.list(pool.project.id) == []
    assert fresh(parts, pool).version is None


def test_hearing_is_cancelled_too(parts):
    pool = make_pool(parts, 2)
    with pytest.raises(Cancelled):
        learn(pool.project.id, services=parts, cancelled=lambda: True)


def test_a_suspicious_label_is_asked_again_of_another_annotator_once(parts):
    pool = make_pool(parts, 36, heard=True, random_share=0.0)
    wrong = pool.tracks[0]
    say_right(parts, pool, pool.tracks[1:30])
    say(parts, pool, [wrong], next_genre(pool))
    learn(pool.project.id, services=parts)
    assert kinds(parts, pool)["asked_again"] == 1
    item = items_by_track(parts, pool)[wrong]
    assert item_row(parts, item).wanted == 2
    learn(pool.project.id, services=parts)
    assert kinds(parts, pool)["asked_again"] == 1
    assert wrong not in {act.track_id for act in answer_all(parts, pool, "ana")}
    lease = parts.label_queue.lease(pool.project.id, "bia")
    assert lease.track_id == wrong
    parts.label_queue.answer(lease.id, label(next_genre(pool)(wrong)), "bia")
    learn(pool.project.id, services=parts)
    assert kinds(parts, pool)["asked_again"] == 1
    assert parts.label_queue.lease(pool.project.id, "cid") is None


def test_items_that_miss_an_opinion_come_first(parts):
    pool = make_pool(parts, 9, heard=True, overlap=2, random_share=0.0)
    say_right(parts, pool, pool.tracks[:3])
    learn(pool.project.id, services=parts)
    seen = [parts.label_queue.lease(pool.project.id, "bia").track_id for _ in range(3)]
    assert set(seen) == set(pool.tracks[:3])


def test_a_genre_that_is_new_after_a_version_is_learned(parts):
    pool = make_pool(parts, 24, heard=True)
    say(parts, pool, pool.tracks[:12], lambda track: "morna" if pool.genre_of[track] == "morna" else "fado")
    learn(pool.project.id, services=parts)
    project = parts.projects.add_genre(pool.project.id, "samba", actor="curator")
    learn(pool.project.id, services=parts)
    samba = project.genre_named("samba").id
    assert all(shares[samba] < 0.5 for shares in parts.labels.predictions(project.id).values())
    say(parts, pool, pool.tracks, lambda track: pool.genre_of[track].replace("coladeira", "samba"))
    result = learn(pool.project.id, services=parts)
    assert result["version"] == 3
    answer_with(fresh(parts, pool), 1, actor="curator", services=parts)
    assert "samba" not in set(likeliest(parts, pool).values())
    answer_with(fresh(parts, pool), 3, actor="curator", services=parts)
    assert likeliest(parts, pool)[pool.tracks[2]] == "samba"


def test_a_version_answers_for_genres_that_were_merged_since(parts):
    pool = make_pool(parts, 12, heard=True)
    answer_all(parts, pool)
    learn(pool.project.id, services=parts)
    fado, morna, coladeira = (genre.id for genre in pool.project.genres)
    parts.projects.merge_genres(pool.project.id, coladeira, morna, actor="curator")
    answer_with(fresh(parts, pool), 1, actor="curator", services=parts)
    found = parts.labels.predictions(pool.project.id)
    assert all(set(shares) == {fado, morna} for shares in found.values())
    assert all(sum(shares.values()) == pytest.approx(1, abs=1e-3) for shares in found.values())
    wanted = {track: genre.replace("coladeira", "morna") for track, genre in pool.genre_of.items()}
    assert likeliest(parts, pool) == wanted
    learn(pool.project.id, services=parts)
    assert likeliest(parts, pool) == wanted


def test_rolling_back_ranks_by_the_version_before(parts):
    pool = make_pool(parts, 15, heard=True)
    say_right(parts, pool, pool.tracks[:6])
    with pytest.raises(Conflict, match="nothing to go back to"):
        answer_with(fresh(parts, pool), None, actor="curator", services=parts)
    for n in (6, 12):
        say_right(parts, pool, pool.tracks[:n])
        learn(pool.project.id, services=parts)
    assert answer_with(fresh(parts, pool), None, actor="curator", services=parts).version == 1
    assert {item_row(parts, item).version for item in items_by_track(parts, pool).values()} == {1}
    assert inconsistencies(parts, pool) == []


def test_genres_and_labels_that_come_while_recordings_are_heard_are_learned(parts, tone, monkeypatch):
    pool = make_pool(parts, 12, heard=True)
    answer_all(parts, pool)
    late = receive_upload(io.BytesIO(tone()), "late.wav", services=parts)
    parts.projects.add_items(pool.project.id, [late.id], actor="curator", artists={})
    summarise = parts.engine.summarise

    def summarise_slowly(path, **_):
        parts.projects.add_genre(pool.project.id, "samba", actor="curator")
        say(parts, pool, [late.id], lambda track: "samba", "bia")
        return summarise(path)

    monkeypatch.setattr(parts.engine, "summarise", summarise_slowly)
    result = learn(pool.project.id, services=parts)
    assert (result["heard"], result["labels"]) == (1, 13)


def test_a_taxonomy_may_change_while_a_model_is_trained(parts, monkeypatch):
    pool = make_pool(parts, 12, heard=True)
    answer_all(parts, pool)
    train = training.train_from_labels

    def train_slowly(*args, **kwargs):
        samba = parts.projects.add_genre(pool.project.id, "samba", actor="curator").genre_named("samba")
        parts.projects.merge_genres(pool.project.id, pool.project.genres[0].id, samba.id, actor="curator")
        say(parts, pool, pool.tracks[:1], lambda track: "samba", "bia")
        return train(*args, **kwargs)

    monkeypatch.setattr(training, "train_from_labels", train_slowly)
    assert learn(pool.project.id, services=parts)["activated"]
    project = fresh(parts, pool)
    found = parts.labels.predictions(project.id)
    assert {name for shares in found.values() for name in project.shares_of(shares)} == {"samba", "morna", "coladeira"}


def test_labels_of_a_genre_that_is_newer_than_what_was_read_come_next_time(parts):
    pool = make_pool(parts, 6, heard=True)
    before = pool.project
    say_right(parts, pool, pool.tracks[:3])
    parts.projects.add_genre(before.id, "samba", actor="curator")
    say(parts, pool, pool.tracks[3:4], lambda track: "samba")
    assert len(gather(before, parts).labelled) == 3
    assert len(gather(fresh(parts, pool), parts).labelled) == 4


def test_unreadable_recordings_stop_nothing(parts, tone, monkeypatch):
    pool = make_pool(parts, 3, heard=True)
    good = receive_upload(io.BytesIO(tone()), "good.wav", services=parts)
    bad = receive_upload(io.BytesIO(tone(seed=1)), "bad.wav", services=parts)
    gone = add_track(parts.tracks, filename="gone.wav")
    parts.projects.add_items(pool.project.id, [gone.id, bad.id, good.id], actor="curator", artists={})
    summarise = parts.engine.summarise

    def summarise_or_fail(path, *, sha256):
        if sha256 == bad.sha256:
            raise CorruptAudio(f"{path.name}: noise")
        return summarise(path)

    monkeypatch.setattr(parts.engine, "summarise", summarise_or_fail)
    with structlog.testing.capture_logs() as logs:
        result = learn(pool.project.id, services=parts)
    assert (result["heard"], result["unheard"]) == (1, 2)
    assert {line["track"] for line in logs if line["event"] == "not heard"} == {gone.id, bad.id}
    assert set(parts.features.of_tracks([good.id, bad.id, gone.id], BACKBONE)) == {good.id}
    unheard = items_by_track(parts, pool)[gone.id]
    assert item_row(parts, unheard).rank >= UNRANKED


def test_a_version_that_is_none_has_no_head(parts):
    pool = make_pool(parts, 0)
    with pytest.raises(NotFound, match="no version 1"):
        head_of(pool.project, 1, parts)


@pytest.mark.parametrize(
    ("name", "wanted"), [("Música de Cabo Verde!", "musica-de-cabo-verde"), ("音楽", "project"), ("A" * 90, "a" * 48)]
)
def test_a_model_is_named_after_its_project(parts, name, wanted):
    assert model_name(make_pool(parts, 0, name=name).project) == wanted
