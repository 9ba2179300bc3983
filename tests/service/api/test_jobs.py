import json

import pytest


@pytest.fixture
def job(client, upload):
    return upload(client, headers={"Prefer": "respond-async"}).json


def test_a_job_has_its_state_and_says_when_to_ask_again(client, job):
    answer = client.get(f"/v1/jobs/{job['id']}")
    assert answer.json["state"] == "queued"
    assert answer.json["progress"] == 0
    assert answer.headers["Retry-After"] == "1"


def test_a_cancelled_job_stays_cancelled(client, job):
    answer = client.delete(f"/v1/jobs/{job['id']}")
    assert answer.status_code == 200
    assert answer.json["state"] == "cancelled"
    assert client.delete(f"/v1/jobs/{job['id']}").json["state"] == "cancelled"


def test_jobs_are_listed_by_state(client, upload, job):
    other = upload(client, headers={"Prefer": "respond-async"}).json
    client.delete(f"/v1/jobs/{other['id']}")
    assert [item["id"] for item in client.get("/v1/jobs?state=queued").json["items"]] == [job["id"]]
    assert {item["id"] for item in client.get("/v1/jobs").json["items"]} == {job["id"], other["id"]}
    assert client.get("/v1/jobs?state=sleeping").status_code == 422


def test_events_end_with_the_job(client, job):
    client.delete(f"/v1/jobs/{job['id']}")
    answer = client.get(f"/v1/jobs/{job['id']}/events", headers={"Last-Event-ID": "17"})
    assert answer.content_type.startswith("text/event-stream")
    events = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [json.loads(line[6:])["state"] for line in events] == ["cancelled"]


def test_events_carry_what_the_job_itself_says(client, job):
    client.delete(f"/v1/jobs/{job['id']}")
    line = next(x for x in client.get(f"/v1/jobs/{job['id']}/events").text.splitlines() if x.startswith("data: "))
    assert json.loads(line[6:]) == client.get(f"/v1/jobs/{job['id']}").json


def test_a_stream_gives_its_place_back(app, client, job):
    streams = app.extensions["admission"].streams
    client.delete(f"/v1/jobs/{job['id']}")
    for _ in range(3 * streams.count):
        assert client.get(f"/v1/jobs/{job['id']}/events", buffered=True).status_code == 200


def test_a_client_that_leaves_a_stream_gives_its_place_back(app, client, job):
    streams = app.extensions["admission"].streams
    for _ in range(3 * streams.count):
        answer = client.get(f"/v1/jobs/{job['id']}/events", buffered=False)
        next(answer.response)
        answer.close()


def test_too_many_streams_are_refused(app, client, job):
    streams = app.extensions["admission"].streams
    for _ in range(streams.count):
        streams.take()
    answer = client.get(f"/v1/jobs/{job['id']}/events")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("job_id", ["nosuch", "a%00b", "..", "%ff"])
def test_an_id_that_is_none_is_not_found(client, method, job_id):
    assert client.open(f"/v1/jobs/{job_id}", method=method).status_code == 404
    assert client.get(f"/v1/jobs/{job_id}/events").status_code == 404
