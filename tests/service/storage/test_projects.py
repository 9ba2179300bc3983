import unicodedata

import pytest

from service.errors import Conflict, Invalid, NotFound
from service.project_settings import ProjectSettings
from service.storage import projects as module
from service.storage.ids import new_id
from service.storage.projects import MAX_GENRES, MAX_NAME
from tests.support.labelling import (
    GENRES,
    add_tracks,
    answer_all,
    inconsistencies,
    item_row,
    items_by_track,
    kinds,
    label,
    make_pool,
)
from tests.support.library import add_track

SETTINGS = ProjectSettings()


@pytest.fixture
def projects(parts):
    return parts.projects


@pytest.fixture
def create(projects):
    """Begin a project with a name of its own."""

    def make(*genres, name=None):
        return projects.create(name or f"P {new_id()}", genres=genres, settings=SETTINGS, actor="curator")

    return make


def names(project):
    return [genre.name for genre in project.genres]


def id_of(project, name):
    return project.genre_named(name).id


def test_a_project_is_as_it_was_begun(projects, create):
    project = create("fado", "Morna ", "cha  cha", name="  Música  1 ")
    assert (project.name, names(project)) == ("Música 1", ["fado", "Morna", "cha cha"])
    assert (project.closed, project.version, project.settings) == (False, None, SETTINGS)
    assert projects.get(project.id) == projects.get("música 1") == project
    assert projects.list()[0] == project


def test_its_json_has_the_keys_of_the_contract(parts, projects):
    pool = make_pool(parts, 3)
    answer_all(parts, pool, n=1)
    body = projects.to_dict(pool.project)
    assert set(body) == {"id", "name", "created_at", "closed", "settings", "genres", "counts", "model"}
    assert body["genres"] == [{"id": genre.id, "name": genre.name} for genre in pool.project.genres]
    wanted = {"items": 3, "open": 2, "labelled": 1, "set_aside": 0, "labels": 1, "annotators": 1}
    assert body["counts"] == wanted
    assert body["model"] is None


def test_names_of_projects_are_unique_in_any_case(projects, create):
    project = create(name=f"Straße {new_id()}")
    with pytest.raises(Conflict, match="already"):
        create(name=project.name.upper())
    other = create()
    with pytest.raises(Conflict, match="already"):
        projects.change(other.id, name=project.name, actor="curator")
    assert projects.change(project.id, name=project.name.upper(), actor="curator").name == project.name.upper()


@pytest.mark.parametrize(
    "name", ["", "  ", "x" * (MAX_NAME + 1), "a\0b", "a\x1b[31m", "\ud800", "ﬃ" * MAX_NAME], ids=ascii
)
def test_what_is_no_name_is_refused(projects, create, name):
    with pytest.raises(Invalid, match="printable"):
        create(name=name or " ")
    with pytest.raises(Invalid, match="genre"):
        create("fado", name)
    with pytest.raises(Invalid, match="genre"):
        projects.add_genre(create("fado").id, name, actor="curator")


def test_the_longest_name_is_kept(create):
    assert names(create("ß" * MAX_NAME)) == ["ß" * MAX_NAME]


@pytest.mark.parametrize("twice", [("fado", "FADO"), ("a b", "a  b"), ("baião", unicodedata.normalize("NFD", "baião"))])
def test_a_genre_that_comes_twice_is_refused(create, twice):
    with pytest.raises(Invalid, match="twice"):
        create(*twice)


def test_there_is_a_limit_to_genres(projects, create):
    with pytest.raises(Invalid, match=f"{MAX_GENRES} at most"):
        create(*map(str, range(MAX_GENRES + 1)))
    full = create(*map(str, range(MAX_GENRES)))
    with pytest.raises(Invalid, match="merge some"):
        projects.add_genre(full.id, "one more", actor="curator")


@pytest.mark.parametrize(
    "project",
    [new_id(), "no such project", "", "\0", "\ud800"],
    ids=["another id", "no id", "nothing", "NUL", "surrogate"],
)
def test_a_project_that_is_none_is_named(projects, project):
    with pytest.raises(NotFound):
        projects.get(project)


def test_without_a_name_the_only_open_project_is_meant(projects, create):
    with pytest.raises(NotFound, match="create one"):
        projects.get(None)
    first, second = create(), create()
    with pytest.raises(NotFound, match="several"):
        projects.get(None)
    projects.change(second.id, closed=True, actor="curator")
    assert projects.get(None).id == first.id


def test_changes_are_events_and_what_is_as_it_was_is_none(parts, projects):
    pool = make_pool(parts, 1)
    settings = {"overlap": 3, "suggestions": "shown"}
    for _ in range(2):
        changed = projects.change(
            pool.project.id, name=f"{pool.project.name}!", closed=True, settings=settings, actor="curator"
        )
    assert changed.name.endswith("!")
    assert (changed.closed, changed.settings.overlap, changed.settings.suggestions) == (True, 3, "shown")
    assert kinds(parts, pool) == {"created": 1, "items_added": 1, "renamed": 1, "closed": 1, "settings": 1}
    assert not projects.change(pool.project.id, closed=False, actor="curator").closed
    assert inconsistencies(parts, pool) == []


@pytest.mark.parametrize("settings", [{"overlap": 0}, {"strategy": "guess"}, {"colour": "red"}, {"lease_s": "600"}])
def test_settings_that_cannot_be_are_refused_with_the_whole_change(projects, create, settings):
    project = create("fado")
    with pytest.raises(Invalid):
        projects.change(project.id, name=f"other {new_id()}", settings=settings, actor="curator")
    assert projects.get(project.id) == project


def test_another_overlap_asks_more_annotators_or_fewer(parts, projects):
    pool = make_pool(parts, 2)
    first, second = answer_all(parts, pool)
    parts.label_queue.ask_again(first.item_id, wanted=2, actor="genrelab")
    projects.change(pool.project.id, settings={"overlap": 2}, actor="curator")
    assert [item_row(parts, act.item_id).wanted for act in (first, second)] == [3, 2]
    assert projects.counts(pool.project.id).open == 2
    projects.change(pool.project.id, settings={"overlap": 1}, actor="curator")
    assert [item_row(parts, act.item_id).available for act in (first, second)] == [True, False]
    assert projects.counts(pool.project.id).labelled == 1
    assert inconsistencies(parts, pool) == []


def test_a_new_genre_comes_last(projects, create):
    project = projects.add_genre(create("b", "a").id, "c", actor="curator")
    assert names(project) == ["b", "a", "c"]
    with pytest.raises(Conflict, match="'B' already"):
        projects.add_genre(project.id, "B", actor="curator")


def test_a_renamed_genre_keeps_its_labels_and_its_place(parts, projects):
    pool = make_pool(parts, 3)
    acts = answer_all(parts, pool)
    project = projects.rename_genre(pool.project.id, id_of(pool.project, "fado"), "Fado de Lisboa", actor="curator")
    assert names(project) == ["Fado de Lisboa", "morna", "coladeira"]
    told = {act.number: act.genres for act in parts.label_queue.acts(project.id)}
    for act in acts:
        assert told[act.number] == tuple(name.replace("fado", "Fado de Lisboa") for name in act.genres)
    assert inconsistencies(parts, pool) == []


def test_names_of_genres_stay_unique_and_may_change_their_case(projects, create):
    project = create("fado", "morna")
    with pytest.raises(Conflict, match="already"):
        projects.rename_genre(project.id, id_of(project, "fado"), "MORNA", actor="curator")
    assert names(projects.rename_genre(project.id, id_of(project, "fado"), "FADO", actor="curator"))[0] == "FADO"


def test_merged_genres_take_their_labels_along_a_chain(parts, projects):
    pool = make_pool(parts, 3, multi_label=True)
    lease = parts.label_queue.lease(pool.project.id, "ana")
    parts.label_queue.answer(lease.id, label(*GENRES), "ana")
    answer_all(parts, pool)
    fado, morna, coladeira = (id_of(pool.project, name) for name in GENRES)
    projects.merge_genres(pool.project.id, fado, morna, actor="curator")
    project = projects.merge_genres(pool.project.id, morna, coladeira, actor="curator")
    assert names(project) == ["coladeira"]
    assert project.merged == {fado: coladeira, morna: coladeira}
    assert {act.genres for act in parts.label_queue.acts(project.id)} == {("coladeira",)}
    assert {told.genres for told in parts.labels.in_force(project.id)} == {(coladeira,)}
    assert project.shares_of({fado: 0.5, morna: 0.25, coladeira: 0.25}) == {"coladeira": 1.0}
    assert inconsistencies(parts, pool) == []


def test_the_name_of_a_merged_genre_can_be_used_again(parts, projects):
    pool = make_pool(parts, 3)
    answer_all(parts, pool, n=3)
    fado, morna, coladeira = (id_of(pool.project, name) for name in GENRES)
    projects.merge_genres(pool.project.id, fado, morna, actor="curator")
    again = projects.add_genre(pool.project.id, "Fado", actor="curator")
    assert names(again) == ["morna", "coladeira", "Fado"]
    assert id_of(again, "fado") != fado
    assert id_of(again, "fado") not in {genre for told in parts.labels.in_force(again.id) for genre in told.genres}
    merged = projects.merge_genres(again.id, id_of(again, "fado"), morna, actor="curator")
    assert names(projects.rename_genre(merged.id, coladeira, "fado", actor="curator")) == ["morna", "fado"]
    assert inconsistencies(parts, pool) == []


def test_what_cannot_be_merged_or_renamed_is_named(projects, create):
    project, other = create("fado", "morna"), create("samba")
    fado = id_of(project, "fado")
    with pytest.raises(Invalid, match="itself"):
        projects.merge_genres(project.id, fado, fado, actor="curator")
    for foreign in (id_of(other, "samba"), new_id(), ""):
        with pytest.raises(NotFound, match="no genre"):
            projects.merge_genres(project.id, fado, foreign, actor="curator")
        with pytest.raises(NotFound, match="no genre"):
            projects.rename_genre(project.id, foreign, "x", actor="curator")
    projects.merge_genres(project.id, fado, id_of(project, "morna"), actor="curator")
    with pytest.raises(NotFound, match="no genre"):
        projects.merge_genres(project.id, id_of(project, "morna"), fado, actor="curator")


@pytest.mark.parametrize("change", ["change", "add_genre", "rename_genre", "merge_genres", "add_items"])
def test_nothing_is_changed_in_a_project_that_is_none(projects, change):
    arguments = {
        "change": {"name": "x"},
        "add_genre": {"name": "x"},
        "rename_genre": {"genre_id": new_id(), "name": "x"},
        "merge_genres": {"genre_id": new_id(), "into": new_id()},
        "add_items": {"track_ids": [], "artists": {}},
    }
    if change == "add_items":
        assert projects.add_items(new_id(), **arguments[change], actor="curator") == 0
        return
    with pytest.raises(NotFound, match="no labelling project"):
        getattr(projects, change)(new_id(), **arguments[change], actor="curator")


def test_a_track_joins_a_pool_once(parts, projects, monkeypatch):
    monkeypatch.setattr(module, "ADDED_AT_ONCE", 2)
    pool = make_pool(parts, 5)
    more = [add_track(parts.tracks).id for _ in range(2)]
    tracks = [*pool.tracks, *more, more[0]]
    assert projects.add_items(pool.project.id, tracks, actor="curator", artists={more[0]: "Cesária"}) == 2
    items = projects.all_items(pool.project.id)
    assert [item.track_id for item in items] == [*pool.tracks, *more]
    assert [item.artist for item in items] == [""] * 5 + ["Cesária", ""]
    assert kinds(parts, pool)["items_added"] == 3 + 2  # one for each two tracks of which one at least is new
    assert inconsistencies(parts, pool) == []


def test_tracks_join_together_or_not_at_all(parts, projects, monkeypatch):
    monkeypatch.setattr(module, "ADDED_AT_ONCE", 2)
    pool = make_pool(parts, 0)
    tracks = [add_track(parts.tracks).id for _ in range(3)]
    with pytest.raises(NotFound, match="deleted"):
        projects.add_items(pool.project.id, [*tracks, new_id()], actor="curator", artists={})
    assert projects.all_items(pool.project.id) == []


def test_items_come_newest_first_by_state_and_page(parts, projects):
    pool = make_pool(parts, 5)
    labelled = {act.item_id for act in answer_all(parts, pool, n=2)}
    lease = parts.label_queue.lease(pool.project.id, "bia")
    parts.tracks.delete(lease.track_id)
    everything = [item.id for item in projects.all_items(pool.project.id)][::-1]
    first = projects.items(pool.project.id, limit=3)
    rest = projects.items(pool.project.id, limit=3, cursor=first.next_cursor)
    assert [item.id for item in (*first.items, *rest.items)] == everything
    assert rest.next_cursor is None
    by_state = {
        state: {item.id for item in projects.items(pool.project.id, state=state).items}
        for state in ("open", "labelled", "set_aside")
    }
    assert by_state["labelled"] == labelled
    assert by_state["set_aside"] == {lease.item_id}
    assert by_state["open"] == set(everything) - labelled - {lease.item_id}
    for state, ids in by_state.items():
        found = projects.items_of(pool.project.id, ids)
        assert {item.state for item in found.values()} == {state}
    with pytest.raises(Invalid, match="no state"):
        projects.items(pool.project.id, state="lost")
    with pytest.raises(NotFound, match="cursor"):
        projects.items(pool.project.id, cursor="x")


def test_items_of_another_project_are_not_found(parts, projects):
    pool, other = make_pool(parts, 1), make_pool(parts, 1)
    item = items_by_track(parts, other)[other.tracks[0]]
    assert projects.items_of(pool.project.id, [item]) == {}


def test_events_are_read_from_a_number_on(parts, projects):
    pool = add_tracks(parts, make_pool(parts, 1), 1)
    first, second, third = projects.events(pool.project.id)
    assert [event.kind for event in (first, second, third)] == ["created", "items_added", "items_added"]
    assert projects.events(pool.project.id, after=first.number, limit=1) == [second]
    assert projects.events(pool.project.id, after=third.number) == []
