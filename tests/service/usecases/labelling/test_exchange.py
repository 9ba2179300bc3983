import unicodedata
from dataclasses import replace

import numpy as np
import pytest

from datasets.labels.record import LabelRecord
from models.heads import load_head
from models.registry import ModelRegistry
from service.errors import Conflict, Invalid, NotFound
from service.storage.label_queue import Answer
from service.usecases.labelling import exchange
from service.usecases.labelling.exchange import UNKNOWN_ANNOTATOR, import_records, publish, records_of, save_version
from service.usecases.labelling.training import gather, head_of, learn
from tests.support.labelling import answer_all, inconsistencies, items_by_track, kinds, label, make_pool
from tests.support.library import add_track

pytestmark = pytest.mark.usefixtures("without_curve")


@pytest.fixture
def pool(parts):
    """Six items: four labels, one of them twice; a flag; nothing about the last one but a skip."""
    pool = make_pool(parts, 6, multi_label=True)
    said = [
        (0, "ana", label("fado", "morna", note="two\nlines")),
        (0, "bia", label("fado", unsure=True)),
        (2, "ana", label(none=True)),
        (3, "ana", label("coladeira")),
        (4, "ana", Answer("flag", flag="broken", note="hiss")),
    ]
    item_of = items_by_track(parts, pool)
    answers = [(item_of[pool.tracks[n]], annotator, answer) for n, annotator, answer in said]
    parts.label_queue.import_answers(pool.project.id, answers, source="test", actor="test")
    lease = parts.label_queue.lease(pool.project.id, "ana")
    parts.label_queue.answer(lease.id, Answer("skip"), "ana")
    return pool


def fresh(parts, pool):
    return parts.projects.get(pool.project.id)


def take_in(parts, pool, records, **options):
    return import_records(fresh(parts, pool), records, actor="curator", source="labels.csv", services=parts, **options)


def said(records):
    """What records say, without when and where it was said."""
    return [
        (each.filename, each.sha256, each.annotator, each.genres, each.none, each.unsure, each.flag, each.note)
        for each in records
    ]


def test_records_say_what_was_said_in_the_order_of_the_items(parts, pool):
    records = records_of(pool.project, services=parts)
    assert [(each.filename, each.annotator, each.genres, each.flag) for each in records] == [
        ("0.wav", "ana", ("fado", "morna"), ""),
        ("0.wav", "bia", ("fado",), ""),
        ("2.wav", "ana", (), ""),
        ("3.wav", "ana", ("coladeira",), ""),
        ("4.wav", "ana", (), "broken"),
    ]
    assert records[0].note == "two\nlines"
    assert (records[1].unsure, records[2].none, records[0].duration_s) == (True, True, 2.0)
    assert records[0].track == pool.tracks[0]
    assert records[0].at is not None


def test_items_without_a_word_come_where_they_are_asked_for(parts, pool):
    records = records_of(pool.project, services=parts, unlabelled=True)
    assert [each.filename for each in records if not each.answered] == ["1.wav", "5.wav"]


def test_records_have_what_the_model_says(parts, pool):
    item = items_by_track(parts, pool)[pool.tracks[0]]
    fado, morna, coladeira = (genre.id for genre in pool.project.genres)
    parts.labels.write_predictions(1, {item: {fado: 0.5, morna: 0.25, coladeira: 0.25}})
    project = parts.projects.merge_genres(pool.project.id, coladeira, morna, actor="curator")
    first, second, *others = records_of(project, services=parts)
    assert first.probabilities == second.probabilities == {"fado": 0.5, "morna": 0.5}
    assert first.model
    assert not any(each.probabilities or each.model for each in others)


def test_labels_go_into_another_project_and_are_the_same_there(parts, pool):
    records = records_of(pool.project, services=parts)
    other = make_pool(parts, 0, multi_label=True)
    parts.projects.add_items(other.project.id, pool.tracks, actor="curator", artists={})
    found = take_in(parts, other, records)
    assert (found.added, found.known, found.unlabelled, found.unknown) == (5, 0, 0, ())
    assert said(records_of(fresh(parts, other), services=parts)) == said(records)
    assert inconsistencies(parts, other) == []


def test_importing_again_adds_nothing(parts, pool):
    records = records_of(pool.project, services=parts)
    before = kinds(parts, pool)
    found = take_in(parts, pool, records)
    assert (found.added, found.known) == (0, 5)
    assert kinds(parts, pool) == before


def test_the_last_word_of_an_annotator_in_a_file_counts_and_is_kept_once(parts, pool):
    record = LabelRecord(filename="1.wav", genres=("fado",))
    records = [record, replace(record, genres=("morna",))]
    assert [take_in(parts, pool, records).added for _ in range(2)] == [1, 0]
    assert take_in(parts, pool, records).known == 2
    last = parts.label_queue.acts(pool.project.id, annotator=UNKNOWN_ANNOTATOR)
    assert [act.genres for act in last] == [("morna",)]


def test_a_recording_is_known_by_its_id_then_its_content_then_its_name(parts, pool):
    tracks = [parts.tracks.get(track) for track in pool.tracks]
    add = {"filename": "twin.wav"}
    twins = [add_track(parts.tracks, sha256=f"{n:064x}", **add).id for n in range(2)]
    parts.projects.add_items(pool.project.id, twins, actor="curator", artists={})
    about = {
        1: LabelRecord(filename="0.wav", sha256=tracks[2].sha256, track=tracks[1].id, genres=("fado",)),
        2: LabelRecord(filename="0.wav", sha256=tracks[2].sha256, genres=("fado",)),
        3: LabelRecord(path="C:\\music\\3.wav", genres=("fado",)),
    }
    ambiguous = LabelRecord(filename="twin.wav", genres=("fado",))
    found = take_in(parts, pool, [*about.values(), ambiguous, LabelRecord(filename="0.wav")])
    assert (found.added, found.unlabelled, found.unknown) == (3, 1, ("twin.wav",))
    labelled = [act.track_id for act in parts.label_queue.acts(pool.project.id, annotator=UNKNOWN_ANNOTATOR)]
    assert sorted(labelled) == sorted(pool.tracks[n] for n in about)
    by_content = LabelRecord(filename="twin.wav", sha256=f"{1:064x}", genres=("fado",))
    take_in(parts, pool, [by_content])
    assert parts.label_queue.acts(pool.project.id, limit=1)[0].track_id == twins[1]


def test_unknown_genres_are_named_or_added(parts, pool):
    records = [
        LabelRecord(filename="1.wav", genres=("Samba",)),
        LabelRecord(filename="5.wav", genres=("FADO", "SAMBA", unicodedata.normalize("NFD", "baião"))),
    ]
    with pytest.raises(Invalid, match="no genre 'Samba', 'baião'"):
        take_in(parts, pool, records)
    assert fresh(parts, pool).genres == pool.project.genres
    assert take_in(parts, pool, records, add_genres=True).added == 2
    project = fresh(parts, pool)
    assert [genre.name for genre in project.genres][3:] == ["Samba", "baião"]
    assert parts.label_queue.acts(project.id, limit=1)[0].genres == ("fado", "Samba", "baião")


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (LabelRecord(filename="5.wav", genres=("fado", "new")), "one genre"),
        (LabelRecord(filename="5.wav", none=True), "wants a genre"),
        (LabelRecord(filename="5.wav", genres=("fado",), note="x" * 5000), "2000 at most"),
        (LabelRecord(filename="5.wav", genres=("fado",), annotator="a" * 150), "annotator"),
        (LabelRecord(filename="5.wav", genres=("g" * 150,)), "genre"),
    ],
)
def test_where_one_answer_is_not_allowed_nothing_is_kept(parts, monkeypatch, bad, says):
    monkeypatch.setattr(exchange, "AT_ONCE", 1)
    pool = make_pool(parts, 6, none_of_these=False)
    before = kinds(parts, pool)
    good = [LabelRecord(filename=f"{n}.wav", genres=("new",)) for n in range(3)]
    with pytest.raises(Invalid, match=says):
        take_in(parts, pool, [*good, bad], add_genres=True)
    assert kinds(parts, pool) == before


def test_more_genres_than_a_project_has_are_refused_before_any_is_added(parts, pool, monkeypatch):
    monkeypatch.setattr(exchange, "MAX_GENRES", 4)
    records = [LabelRecord(filename="1.wav", genres=("a", "b"))]
    with pytest.raises(Invalid, match="4 at most"):
        take_in(parts, pool, records, add_genres=True)
    assert fresh(parts, pool).genres == pool.project.genres


def test_many_answers_are_recorded_some_at_a_time(parts, monkeypatch):
    monkeypatch.setattr(exchange, "AT_ONCE", 2)
    pool = make_pool(parts, 5)
    records = [LabelRecord(filename=f"{n}.wav", genres=("fado",)) for n in range(5)]
    assert take_in(parts, pool, records).added == 5


@pytest.fixture
def learned(parts):
    pool = make_pool(parts, 15, heard=True, name=None)
    answer_all(parts, pool)
    learn(pool.project.id, services=parts)
    return pool


def test_a_version_as_files_answers_as_it_did(parts, learned, tmp_path):
    project = fresh(parts, learned)
    name = save_version(project, None, tmp_path / "model", name=None, services=parts)
    assert name.endswith("-v1")
    head = load_head(tmp_path / "model")
    material = gather(project, parts)
    wanted = head_of(project, 1, parts).probabilities_of(material.pool)
    np.testing.assert_array_equal(head.probabilities_of(material.pool), wanted)
    assert (head.card["name"], head.card["version"]) == (name, "1")
    assert save_version(project, 1, tmp_path / "named", name="my-fado.1", services=parts) == "my-fado.1"


def test_a_published_version_joins_the_models_of_this_machine(parts, learned):
    project = fresh(parts, learned)
    entry = publish(project, None, name="lusofonia", services=parts)
    assert entry.name == "lusofonia"
    assert "lusofonia" in {model.name for model in ModelRegistry().list()}
    assert publish(project, 1, name="lusofonia", services=parts) == entry


@pytest.mark.parametrize("name", ["My model", "../up", "x" * 65])
def test_what_is_no_name_of_a_model_is_refused(parts, learned, tmp_path, name):
    with pytest.raises(Invalid, match="no name of a model"):
        save_version(fresh(parts, learned), 1, tmp_path / "model", name=name, services=parts)
    assert not (tmp_path / "model").exists()


def test_a_model_that_is_not_there_is_named(parts, tmp_path):
    pool = make_pool(parts, 1)
    with pytest.raises(Conflict, match="no model yet"):
        save_version(pool.project, None, tmp_path, name=None, services=parts)
    with pytest.raises(NotFound, match="no version 3"):
        publish(pool.project, 3, name=None, services=parts)
