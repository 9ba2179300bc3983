"""A project's model: trained by a job, activated, rolled back, published; the queue follows whichever answers."""

import pytest

from models.registry import ModelRegistry
from service.usecases.labelling.training import learn
from tests.support.sounding_project import genre_of, sounding_project, teach


@pytest.fixture
def project(parts):
    return sounding_project(parts, n=24, suggestions="shown")


@pytest.fixture
def versions(client, parts, project):
    """Version 1 takes recordings for what they are, version 2 each for the other genre; 2 answers."""
    for version in (teach(parts, project), teach(parts, project, wrongly=True)):
        assert client.post(f"/v1/projects/{project.id}/versions/{version}/activate").status_code == 200


def suggested(client):
    """Version that judged the next item, whether it takes it for what it is; the item is left again."""
    lease = client.post("/v1/queue/lease", json={}).json
    client.post(f"/v1/queue/{lease['id']}/skip", json={})
    first = lease["suggestion"]["genres"][0]["genre"]
    return lease["suggestion"]["version"], first == genre_of(lease["track"]["filename"])


def test_training_is_a_job_that_is_not_doubled(client, project):
    first = client.post("/v1/trainings", json={"project": "lisbon"})
    assert first.status_code == 202
    assert (first.json["kind"], first.json["state"], first.json["project"]) == ("learn", "queued", project.id)
    assert first.headers["Location"] == f"/v1/jobs/{first.json['id']}"
    assert client.get(first.headers["Location"]).json["id"] == first.json["id"]
    assert client.post("/v1/trainings").json["id"] == first.json["id"]
    assert client.get(f"/v1/projects/{project.id}/dashboard").json["job"]["id"] == first.json["id"]


@pytest.mark.parametrize(("body", "status"), [({"project": "Porto"}, 404), ({"project": 1}, 422), ({"x": 1}, 422)])
def test_there_must_be_something_to_train(client, project, body, status):
    assert client.post("/v1/trainings", json=body).status_code == status


def test_what_was_learned_is_suggested(client, parts, project):
    for _ in range(12):
        lease = client.post("/v1/queue/lease", json={}).json
        body = {"lease": lease["id"], "genres": [genre_of(lease["track"]["filename"])]}
        assert client.post("/v1/labels", json=body).status_code == 201
    learn(project.id, services=parts)
    assert suggested(client) == (1, True)
    model = client.get("/v1/projects/lisbon").json["model"]
    assert (model["version"], model["labels"]) == (1, 12)


def test_the_version_that_is_activated_answers(client, project, versions):
    assert suggested(client) == (2, False)
    activated = client.post(f"/v1/projects/{project.id}/versions/1/activate")
    assert activated.status_code == 200
    assert activated.json == {
        "version": 1,
        "created_at": activated.json["created_at"],
        "labels": 24,
        "accuracy": 0.75,
        "low": 0.5,
        "high": 1.0,
        "state": "active",
        "reason": "",
    }
    assert suggested(client) == (1, True)
    assert client.get("/v1/projects/lisbon").json["model"]["version"] == 1
    states = {each["version"]: each["state"] for each in client.get("/v1/projects/lisbon/dashboard").json["versions"]}
    assert states == {1: "active", 2: "superseded"}


def test_rolling_back_lets_the_version_before_answer(client, project, versions):
    rolled_back = client.post(f"/v1/projects/{project.id}/rollback")
    assert (rolled_back.status_code, rolled_back.json["version"]) == (200, 1)
    assert suggested(client) == (1, True)
    again = client.post(f"/v1/projects/{project.id}/rollback")
    assert (again.status_code, "nothing to go back to" in again.json["detail"]) == (409, True)


def test_who_activated_what_is_an_event(client, project, versions):
    client.post(f"/v1/projects/{project.id}/rollback")
    events = client.get(f"/v1/projects/{project.id}/events?limit=1000").json["items"]
    activated = [(event["actor"], event["content"]["version"]) for event in events if event["kind"] == "activated"]
    assert activated == [("this machine", 1), ("this machine", 2), ("this machine", 1)]


@pytest.mark.parametrize("version", ["0", "1", "01", "-1", "x", "9" * 18, "9" * 5000])
@pytest.mark.parametrize("call", ["activate", "publish"])
def test_there_is_no_such_version(client, project, version, call):
    assert client.post(f"/v1/projects/{project.id}/versions/{version}/{call}", json={}).status_code == 404


def test_without_recordings_a_version_is_activated_all_the_same(client, parts, project, versions):
    for item in parts.projects.all_items(project.id):
        parts.tracks.delete(item.track_id)
    assert client.post(f"/v1/projects/{project.id}/versions/1/activate").json["state"] == "active"


def test_a_version_joins_the_models_of_the_server(client, parts, project, versions, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "models", ModelRegistry(tmp_path / "models"))
    published = client.post(f"/v1/projects/{project.id}/versions/1/publish", json={"name": "saudade"})
    assert published.status_code == 201
    listed = {model["id"]: model for model in client.get("/v1/models").json["items"]}
    assert listed["saudade"] == published.json
    assert (published.json["version"], published.json["kind"], published.json["active"]) == ("1", "genre", False)
    assert published.json["card"]["genres"] == ["fado", "morna"]
    unnamed = client.post(f"/v1/projects/{project.id}/versions/2/publish")
    assert (unnamed.status_code, unnamed.json["id"]) == (201, "lisbon-v2")
    taken = client.post(f"/v1/projects/{project.id}/versions/2/publish", json={"name": "gtzan-musicnn-1"})
    assert (taken.status_code, "exists already" in taken.json["detail"]) == (409, True)
    for name in ("../x", "", "Saudade", "a" * 65, "x" * 2000, 3):
        answer = client.post(f"/v1/projects/{project.id}/versions/1/publish", json={"name": name})
        assert answer.status_code == 422, name
    assert {model["id"] for model in client.get("/v1/models").json["items"]} == {*listed, "lisbon-v2"}
