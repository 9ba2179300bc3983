"""Labelling projects over HTTP: taxonomy, settings, pool, events, dashboard; labels out and in, in every format."""

import io
import json
import zipfile
from xml.etree import ElementTree

import pytest

from datasets.labels import WRITABLE
from service.api import projects
from service.app import create_app
from tests.support.sounding_project import sounding_project, sounding_track

DEFAULTS = {
    "strategy": "mixed",
    "random_share": 0.2,
    "overlap": 1,
    "lease_s": 600.0,
    "multi_label": False,
    "none_of_these": True,
    "suggestions": "hidden",
    "retrain_every": 0,
}


@pytest.fixture
def project(parts):
    return sounding_project(parts, n=6, multi_label=True)


@pytest.fixture
def labelled(client, project):
    """One of each kind of answer, by two annotators."""
    answers = [
        {"annotator": "Amália", "genres": ["fado"], "note": 'the "voice",\nnot the guitar', "unsure": True},
        {"annotator": "Cesária", "genres": ["fado", "morna"]},
        {"annotator": "Cesária", "none": True},
    ]
    for answer in answers:
        lease = client.post("/v1/queue/lease", json={"annotator": answer["annotator"]}).json
        assert client.post("/v1/labels", json={"lease": lease["id"], **answer}).status_code == 201
    lease = client.post("/v1/queue/lease", json={"annotator": "Amália"}).json
    client.post(f"/v1/queue/{lease['id']}/flag", json={"annotator": "Amália", "flag": "broken", "note": "hum"})
    lease = client.post("/v1/queue/lease", json={"annotator": "Amália"}).json
    client.post(f"/v1/queue/{lease['id']}/skip", json={"annotator": "Amália"})
    return project


def create(client, **body):
    return client.post("/v1/projects", json=body)


def url(project, rest=""):
    return f"/v1/projects/{project.id}{rest}"


def genres(answer):
    return [genre["name"] for genre in answer.json["genres"]]


def send(client, project, content, name="labels.csv", **form):
    body = {"file": (io.BytesIO(content), name), **form}
    return client.post(url(project, "/import"), data=body, content_type="multipart/form-data")


def said(client, project):
    """What counts in a project, however it got there."""
    acts = client.get(f"/v1/labels?project={project.id}&limit=200").json["items"]
    keys = ("kind", "annotator", "genres", "none", "unsure", "flag", "note")
    tracks = {item["id"]: item["filename"] for item in client.get(url(project, "/items")).json["items"]}
    return sorted((tracks[act["item"]], *(str(act[key]) for key in keys)) for act in acts if act["kind"] != "skip")


# ---------- making and changing ----------


def test_a_project_begins(client):
    answer = create(client, name=" Lisbon  fado ", genres=["fado", "morna"], settings={"overlap": 2})
    assert answer.status_code == 201
    made = answer.json
    assert made == {
        "id": made["id"],
        "name": "Lisbon fado",
        "created_at": made["created_at"],
        "closed": False,
        "settings": DEFAULTS | {"overlap": 2},
        "genres": [{"id": made["genres"][k]["id"], "name": name} for k, name in enumerate(["fado", "morna"])],
        "counts": {"items": 0, "open": 0, "labelled": 0, "set_aside": 0, "labels": 0, "annotators": 0},
        "model": None,
    }
    assert answer.headers["Location"] == f"/v1/projects/{made['id']}"
    for named in (made["id"], "lisbon FADO"):
        assert client.get(f"/v1/projects/{named}").json == made
    assert client.get("/v1/projects").json == {"items": [made]}


def test_projects_are_listed_newest_first(client):
    for name in ("a", "b"):
        create(client, name=name)
    assert [each["name"] for each in client.get("/v1/projects").json["items"]] == ["b", "a"]


def test_a_project_is_made_once_for_a_key(client):
    made = [client.post("/v1/projects", json={"name": "a"}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json == made[1].json


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, "name: Missing data for required field."),
        ({"name": ""}, 422, "no name of a project"),
        ({"name": "x" * 101}, 422, "1 to 100 printable characters"),
        ({"name": "a\x07b"}, 422, "1 to 100 printable characters"),
        ({"name": "x" * 2000}, 422, "name"),
        ({"name": 1}, 422, "name: Not a valid string."),
        ({"name": "LISBON"}, 409, "There is a project 'LISBON' already"),
        ({"name": "a", "genres": ["fado", "FADO"]}, 422, "A genre comes twice"),
        ({"name": "a", "genres": [""]}, 422, "no name of a genre"),
        ({"name": "a", "genres": "fado"}, 422, "genres: Not a valid list."),
        ({"name": "a", "genres": [str(k) for k in range(501)]}, 422, "genres"),
        ({"name": "a", "settings": {"strategy": "nosuch"}}, 422, "There is no strategy 'nosuch'"),
        ({"name": "a", "settings": {"strategy": 1}}, 422, "'strategy'"),
        ({"name": "a", "settings": {"random_share": 1.5}}, 422, "'random_share' of a project: Input should be less"),
        ({"name": "a", "settings": {"random_share": "0.5"}}, 422, "'random_share'"),
        ({"name": "a", "settings": {"random_share": 1e999}}, 400, "no JSON"),
        ({"name": "a", "settings": {"overlap": 0}}, 422, "'overlap'"),
        ({"name": "a", "settings": {"overlap": 1.5}}, 422, "'overlap'"),
        ({"name": "a", "settings": {"overlap": 10**30}}, 422, "'overlap'"),
        ({"name": "a", "settings": {"lease_s": 10**400}}, 422, "'lease_s'"),
        ({"name": "a", "settings": {"multi_label": 1}}, 422, "'multi_label'"),
        ({"name": "a", "settings": {"suggestions": None}}, 422, "'suggestions'"),
        ({"name": "a", "settings": {"nosuch": 1}}, 422, "'nosuch'"),
        ({"name": "a", "settings": []}, 422, "settings: Not a valid mapping type."),
        ({"name": "a", "closed": True}, 422, "closed: Unknown field."),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_is_wrong_with_a_new_project_is_said(client, project, body, status, words):
    answer = client.post("/v1/projects", data=json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert words in answer.json["detail"]
    assert len(client.get("/v1/projects").json["items"]) == 1


def test_what_is_changed_changes_and_the_rest_stays(client, project):
    before = client.get(url(project)).json
    answer = client.patch(url(project), json={"settings": {"lease_s": 60, "suggestions": "shown"}})
    assert answer.json == before | {"settings": before["settings"] | {"lease_s": 60.0, "suggestions": "shown"}}
    renamed = client.patch("/v1/projects/lisbon", json={"name": "Alfama"})
    assert (renamed.json["id"], renamed.json["name"]) == (project.id, "Alfama")
    assert client.get("/v1/projects/lisbon").status_code == 404
    assert client.patch(url(project), json={"closed": True}).json["closed"] is True
    assert client.patch(url(project), json={"closed": False}).json["closed"] is False


@pytest.mark.parametrize(
    ("body", "status"),
    [({"closed": "true"}, 422), ({"closed": None}, 422), ({"name": "b"}, 409), ({"settings": {"overlap": 6}}, 422)],
    ids=str,
)
def test_what_cannot_be_changed(client, project, body, status):
    create(client, name="b")
    assert client.patch(url(project), json=body).status_code == status
    assert client.get(url(project)).json["name"] == "Lisbon"


def test_genres_are_added_renamed_and_merged_and_labels_follow(client, project):
    lease = client.post("/v1/queue/lease", json={}).json
    client.post("/v1/labels", json={"lease": lease["id"], "genres": ["fado"]})
    added = client.post(url(project, "/genres"), json={"name": "samba"})
    assert (added.status_code, genres(added)) == (200, ["fado", "morna", "samba"])
    fado, _, samba = (genre["id"] for genre in added.json["genres"])
    renamed = client.patch(url(project, f"/genres/{fado}"), json={"name": "canção"})
    assert genres(renamed) == ["canção", "morna", "samba"]
    assert client.get("/v1/labels").json["items"][0]["genres"] == ["canção"]
    merged = client.post(url(project, f"/genres/{fado}/merge"), json={"into": samba})
    assert genres(merged) == ["morna", "samba"]
    assert client.get("/v1/labels").json["items"][0]["genres"] == ["samba"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/genres", {"name": "Fado"}, 409),
        ("POST", "/genres", {"name": ""}, 422),
        ("POST", "/genres", {}, 422),
        ("PATCH", "/genres/nosuch", {"name": "x"}, 404),
        ("PATCH", "/genres/{fado}", {"name": "morna"}, 409),
        ("PATCH", "/genres/{fado}", {"name": None}, 422),
        ("POST", "/genres/{fado}/merge", {"into": "nosuch"}, 404),
        ("POST", "/genres/{fado}/merge", {"into": "{fado}"}, 422),
        ("POST", "/genres/nosuch/merge", {"into": "{fado}"}, 404),
        ("POST", "/genres/{fado}/merge", {}, 422),
    ],
    ids=str,
)
def test_what_cannot_be_done_to_genres(client, project, method, path, body, status):
    fado = project.genres[0].id
    sent = {key: value and value.format(fado=fado) for key, value in body.items()}
    assert client.open(url(project, path.format(fado=fado)), method=method, json=sent).status_code == status
    assert genres(client.get(url(project))) == ["fado", "morna"]


# ---------- the pool ----------


def test_tracks_join_the_pool_once(client, parts, project):
    more = [sounding_track(parts, number) for number in (6, 7)]
    first = client.post(url(project, "/items"), json={"tracks": [*more, more[0]]})
    assert first.status_code == 200
    assert (first.json["added"], first.json["items"]) == (2, 8)
    assert (first.json["job"]["kind"], first.json["job"]["project"]) == ("learn", project.id)
    assert client.post(url(project, "/items"), json={"tracks": more}).json == {"added": 0, "items": 8, "job": None}


def test_the_whole_library_joins_the_pool(client, parts, project):
    sounding_track(parts, 6)
    answer = client.post(url(project, "/items"), json={"all": True}).json
    assert (answer["added"], answer["items"]) == (1, 7)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"all": False}, 422),
        ({"tracks": [], "all": False}, 422),
        ({"tracks": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"], "all": True}, 422),
        ({"tracks": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"]}, 404),
        ({"tracks": ["nosuch"]}, 422),
        ({"tracks": ["\x00"]}, 422),
        ({"tracks": [3]}, 422),
        ({"all": "true"}, 422),
    ],
    ids=str,
)
def test_what_cannot_join_the_pool(client, project, body, status):
    assert client.post(url(project, "/items"), json=body).status_code == status
    assert client.get(url(project)).json["counts"]["items"] == 6


def test_items_come_in_pages_by_state(client, labelled):
    first = client.get(url(labelled, "/items?limit=4")).json
    rest = client.get(url(labelled, f"/items?limit=4&cursor={first['next_cursor']}")).json
    items = first["items"] + rest["items"]
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (4, 2, None)
    assert [item["id"] for item in items] == sorted((item["id"] for item in items), reverse=True)
    assert sorted(items[0]) == sorted(["id", "track", "filename", "artist", "state", "flag", "wanted", "labels"])
    for state, n in (("labelled", 3), ("set_aside", 1), ("open", 2)):
        found = client.get(url(labelled, f"/items?state={state}")).json["items"]
        assert [item["state"] for item in found] == [state] * n


@pytest.mark.parametrize("query", ["state=nosuch", "cursor=x", "limit=0", "limit=1000"])
def test_there_is_no_such_page(client, project, query):
    assert client.get(url(project, f"/items?{query}")).status_code == 422


# ---------- how it stands ----------


def test_events_tell_everything_in_order(client, labelled):
    first = client.get(url(labelled, "/events?limit=3")).json
    assert [event["kind"] for event in first["items"]] == ["created", "items_added", "label"]
    assert first["next_after"] == first["items"][-1]["number"]
    rest = client.get(url(labelled, f"/events?after={first['next_after']}")).json
    assert [event["kind"] for event in rest["items"]] == ["label", "label", "flag", "skip"]
    assert rest["next_after"] is None
    label = first["items"][-1]
    assert (label["actor"], label["content"]["genres"]) == ("Amália", [labelled.genres[0].id])
    assert label["shown"]["slice"] in {"ranked", "random"}


@pytest.mark.parametrize("query", ["after=-1", "after=x", f"after={1 << 60}", "limit=0", "limit=1001"])
def test_there_are_no_such_events(client, project, query):
    assert client.get(url(project, f"/events?{query}")).status_code == 422


def test_the_dashboard_of_a_new_project_says_to_label(client, project):
    found = client.get(url(project, "/dashboard")).json
    assert found["annotators"] == found["suspicious"] == found["versions"] == []
    assert found["classes"] == [{"genre": name, "labels": 0, "predicted": 0} for name in ("fado", "morna")]
    assert found["agreement"] == {"items": 0, "cohen": [], "fleiss": None, "krippendorff": None}
    assert (found["curve"]["points"], found["curve"]["gain"], found["curve"]["advice"]["stop"]) == ([], None, False)
    assert found["confusion"] == {"genres": [], "matrix": []}
    assert found["job"] is None


def test_the_dashboard_counts_who_did_what(client, labelled):
    found = client.get(url(labelled, "/dashboard")).json
    people = {each["name"]: (each["labels"], each["skips"], each["flags"]) for each in found["annotators"]}
    assert people == {"Cesária": (2, 0, 0), "Amália": (1, 1, 1)}
    assert found["classes"] == [
        {"genre": "fado", "labels": 2, "predicted": 0},
        {"genre": "morna", "labels": 1, "predicted": 0},
    ]


# ---------- labels out and in ----------


@pytest.mark.parametrize("format", WRITABLE)
def test_what_is_exported_is_imported_again(client, parts, labelled, format):
    exported = client.get(url(labelled, f"/export?format={format}"))
    assert exported.status_code == 200
    filename = exported.headers["Content-Disposition"].removeprefix("attachment; filename=")
    assert filename.startswith("lisbon-labels.")
    assert exported.content_length == len(exported.data)
    other = sounding_project(parts, n=0, name="Mindelo", multi_label=True)
    tracks = [item.track_id for item in parts.projects.all_items(labelled.id)]
    parts.projects.add_items(other.id, tracks, actor="test", artists={})
    imported = send(client, other, exported.data, filename)
    assert (imported.status_code, imported.json) == (
        200,
        {"added": 4, "known": 0, "unlabelled": 0, "unknown": [], "n_unknown": 0},
    )
    assert said(client, other) == said(client, labelled)
    assert send(client, other, exported.data, "anything", format=format).json["known"] == 4


def test_items_without_a_word_are_exported_where_they_are_wanted(client, parts, labelled):
    lines = {
        unlabelled: client.get(url(labelled, f"/export?format=jsonl&unlabelled={unlabelled}")).text.splitlines()
        for unlabelled in ("false", "true")
    }
    assert (len(lines["false"]), len(lines["true"])) == (4, 6)
    assert client.get(url(labelled, "/export?format=jsonl")).text.splitlines() == lines["false"]


def test_label_studio_gets_addresses_that_it_can_play(make_parts):
    parts = make_parts(prefix="/music")
    project = sounding_project(parts, n=2)
    client = create_app(services=parts).test_client()
    tasks = client.get(f"/music/v1/projects/{project.id}/export?format=label-studio&unlabelled=true").json
    tracks = [item.track_id for item in parts.projects.all_items(project.id)]
    assert [task["data"]["audio"] for task in tasks] == [
        f"http://localhost/music/v1/tracks/{track}/audio" for track in tracks
    ]
    assert [task["data"]["genrelab_track"] for task in tasks] == tracks


def test_label_studio_gets_a_configuration_with_the_genres(client, project):
    exported = client.get(url(project, "/export?format=label-studio-config"))
    assert exported.mimetype == "application/xml"
    assert "lisbon-labelling-config.xml" in exported.headers["Content-Disposition"]
    choices = ElementTree.fromstring(exported.text).find("Choices[@name='genre']")
    assert choices.get("choice") == "multiple"
    assert [choice.get("value") for choice in choices] == ["fado", "morna", "none of these"]


def test_jams_come_as_an_archive(client, labelled):
    exported = client.get(url(labelled, "/export?format=jams"))
    with zipfile.ZipFile(io.BytesIO(exported.data)) as archive:
        assert len(archive.namelist()) == 4


@pytest.mark.parametrize("query", ["format=nosuch", "format=tags", "unlabelled=1", "unlabelled=yes"])
def test_there_is_no_such_export(client, project, query):
    assert client.get(url(project, f"/export?{query}")).status_code == 422


def test_what_an_import_did_not_find_is_named(client, project):
    rows = "".join(f"nosuch-{k}.wav,fado\n" for k in range(150))
    answer = send(client, project, f"filename,genre\nfado-0.wav,fado\nmorna-1.wav,\n{rows}".encode())
    assert answer.json == {
        "added": 1,
        "known": 0,
        "unlabelled": 1,
        "unknown": [f"nosuch-{k}.wav" for k in range(100)],
        "n_unknown": 150,
    }
    assert [(act["annotator"], act["genres"]) for act in client.get("/v1/labels").json["items"]] == [
        ("imported", ["fado"])
    ]
    event = client.get(url(project, "/events")).json["items"][-1]
    assert event["shown"]["imported"] == "labels.csv"


def test_unknown_genres_join_where_that_is_wanted(client, project):
    content = b"filename,genre\nfado-0.wav,samba\n"
    refused = send(client, project, content)
    assert (refused.status_code, "no genre 'samba'" in refused.json["detail"]) == (422, True)
    assert send(client, project, content, add_genres="true").json["added"] == 1
    assert genres(client.get(url(project))) == ["fado", "morna", "samba"]


@pytest.mark.parametrize(
    ("content", "name", "form", "status", "words"),
    [
        (b"filename,genre\nfado-0.wav\n", "x.csv", {}, 422, "labels.csv, line 2"),
        (b"\xff\xfe", "x.csv", {}, 422, "labels.csv: not UTF-8"),
        (b"{", "x", {}, 422, "labels: no JSON"),
        (b"PK\x03\x04", "x.zip", {}, 422, "labels.zip"),
        (b"", "x.jams", {"format": "jams"}, 422, "labels.jams"),
        (b"ID3", "x.mp3", {}, 422, "labels"),
        (b"filename,genre\n", "x.csv", {"format": "tags"}, 422, "format"),
        (b"filename,genre\n", "x.csv", {"add_genres": "yes"}, 422, "add_genres"),
        (b"filename,genre,annotator\nfado-0.wav,fado," + b"x" * 101 + b"\n", "x.csv", {}, 422, "annotator"),
        (b"filename,genre,none\nfado-0.wav,,true\nmorna-1.wav,samba,\n", "x.csv", {}, 422, "no genre 'samba'"),
        (bytes(2 << 20), "x.csv", {}, 413, "over the limit of 1 MB"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_imported_changes_nothing(client, app, project, monkeypatch, content, name, form, status, words):
    monkeypatch.setattr(projects, "MAX_IMPORT_MB", 1)
    answer = send(client, project, content, name, **form)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert words in answer.json["detail"]
    assert client.get("/v1/labels").json["items"] == []
    assert not app.config["INCOMING_DIR"].exists() or list(app.config["INCOMING_DIR"].iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b.csv", "\u202e.csv", "x" * 300 + ".csv", ""])
def test_the_name_of_a_file_leads_nowhere(client, app, project, name):
    answer = send(client, project, b"filename,genre\nfado-0.wav,fado\n", name)
    assert answer.status_code in {200, 422}  # 422: a file without a name is none
    assert list(app.config["INCOMING_DIR"].iterdir()) == []


def test_there_must_be_a_file(client, project):
    assert client.post(url(project, "/import")).status_code == 422
    form = {"file": "no file", "format": "csv"}
    assert client.post(url(project, "/import"), data=form, content_type="multipart/form-data").status_code == 422


# ---------- who may ----------


def test_an_annotator_reads_and_an_administrator_changes(client, parts, project, make_token):
    annotator, admin = ({"Authorization": f"Bearer {make_token(parts, role, role)}"} for role in ("annotator", "admin"))
    assert client.get(url(project), headers=annotator).status_code == 200
    assert client.patch(url(project), json={"name": "x"}, headers=annotator).status_code == 403
    assert client.patch(url(project), json={"name": "x"}, headers=admin).status_code == 200
    assert client.get(url(project, "/events"), headers=annotator).json["items"][-1]["actor"] == "admin"


@pytest.mark.parametrize("name", ["nosuch", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "%00", "%ff", "%20", "..", "x" * 3000])
def test_there_is_no_such_project(client, project, name):
    for rest in ("", "/items", "/events", "/export", "/dashboard", "/label-studio/health"):
        assert client.get(f"/v1/projects/{name}{rest}").status_code == 404
