"""Items are leased, kept, skipped and flagged; the annotator is whoever the request counts as."""

from datetime import datetime, timedelta

import pytest

from tests.support.sounding_project import sounding_project


@pytest.fixture
def project(parts):
    return sounding_project(parts, n=4)


def lease(client, annotator="me", **body):
    return client.post("/v1/queue/lease", json={"annotator": annotator, **body})


def stats(client):
    return client.get("/v1/queue/stats").json


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def test_a_lease_says_what_to_play_and_until_when(client, parts, project):
    answer = lease(client, "Amália")
    assert answer.status_code == 200
    found = answer.json
    items = {item.id: item for item in parts.projects.all_items(project.id)}
    item = items[found["item"]]
    assert found == {
        "id": found["id"],
        "project": project.id,
        "annotator": "Amália",
        "expires_at": found["expires_at"],
        "item": item.id,
        "track": {"id": item.track_id, "filename": item.filename, "duration_s": found["track"]["duration_s"]},
        "start_s": 3.0,
        "suggestion": None,
    }
    assert 30.0 <= found["track"]["duration_s"] < 34.0
    left = datetime.fromisoformat(found["expires_at"]) - datetime.now().astimezone()
    assert timedelta(seconds=590) < left <= timedelta(seconds=600)


def test_two_annotators_never_get_the_same_item(client, project):
    items = [lease(client, name).json["item"] for name in ("a", "b", "c", "d")]
    assert len(set(items)) == 4


def test_nothing_is_had_while_others_have_it_and_then_it_is_worth_asking_again(client, project):
    for name in ("a", "b", "c", "d"):
        lease(client, name)
    answer = lease(client, "e")
    assert (answer.status_code, answer.get_data(), answer.headers["Retry-After"]) == (204, b"", "5")


def test_nothing_is_had_where_there_is_nothing_and_waiting_does_not_help(client, parts):
    sounding_project(parts, n=0)
    answer = lease(client)
    assert answer.status_code == 204
    assert "Retry-After" not in answer.headers


def test_the_project_is_named_by_id_or_name_or_not_at_all_where_only_one_is_open(client, parts, project):
    for named in ({}, {"project": project.id}, {"project": "LISBON"}):
        assert lease(client, **named).json["project"] == project.id
    other = sounding_project(parts, n=2, name="Mindelo")
    answer = lease(client)
    assert (answer.status_code, "several" in answer.json["detail"]) == (404, True)
    parts.projects.change(other.id, actor="test", closed=True)
    assert lease(client).json["project"] == project.id


def test_without_a_body_it_is_the_only_project_and_me(client, project):
    assert client.post("/v1/queue/lease").json["annotator"] == "me"


def test_a_closed_project_gives_nothing(client, parts, project):
    parts.projects.change(project.id, actor="test", closed=True)
    answer = lease(client, project="Lisbon")
    assert (answer.status_code, "closed" in answer.json["detail"]) == (409, True)


def test_an_item_is_kept_for_longer(client, project):
    first = lease(client).json
    again = client.post(f"/v1/queue/{first['id']}/renew", json={})
    assert again.status_code == 200
    assert again.json == first | {"expires_at": again.json["expires_at"]}
    assert again.json["expires_at"] > first["expires_at"]


def test_what_was_answered_is_not_kept(client, project):
    first = lease(client).json
    client.post(f"/v1/queue/{first['id']}/skip", json={})
    assert client.post(f"/v1/queue/{first['id']}/renew", json={}).status_code == 409


def test_skipping_leaves_an_item_to_others(client, project):
    first = lease(client, "a").json
    answer = client.post(f"/v1/queue/{first['id']}/skip", json={"annotator": "a", "reason": "not my field\r\nat all"})
    assert answer.status_code == 200
    assert answer.json == answer.json | {
        "kind": "skip",
        "item": first["item"],
        "track": first["track"]["id"],
        "annotator": "a",
        "reason": "not my field\nat all",
        "genres": [],
        "none": False,
        "flag": None,
        "note": None,
        "version": None,
    }
    assert first["item"] not in {lease(client, "a").json["item"] for _ in range(3)}
    assert lease(client, "b").json["item"] == first["item"]


def test_flagging_sets_an_item_aside(client, project):
    first = lease(client).json
    answer = client.post(f"/v1/queue/{first['id']}/flag", json={"flag": "broken", "note": "hum"})
    assert (answer.status_code, answer.json["flag"], answer.json["note"]) == (200, "broken", "hum")
    assert stats(client) == stats(client) | {"items": 4, "open": 3, "set_aside": 1, "labelled": 0}
    aside = client.get(f"/v1/projects/{project.id}/items?state=set_aside").json["items"]
    assert [(item["id"], item["flag"]) for item in aside] == [(first["item"], "broken")]


def test_the_same_answer_again_is_the_same_act_and_another_one_is_refused(client, project):
    first = lease(client).json
    skip = client.post(f"/v1/queue/{first['id']}/skip", json={})
    assert client.post(f"/v1/queue/{first['id']}/skip", json={}).json == skip.json
    assert client.post(f"/v1/queue/{first['id']}/flag", json={"flag": "broken"}).status_code == 409


@pytest.mark.parametrize(
    ("call", "body"),
    [("renew", {}), ("skip", {}), ("flag", {"flag": "broken"}), ("flag", {"flag": "several_genres", "note": None})],
)
def test_a_lease_is_its_annotators(client, project, call, body):
    first = lease(client, "a").json
    answer = client.post(f"/v1/queue/{first['id']}/{call}", json=body | {"annotator": "b"})
    assert (answer.status_code, answer.json["detail"]) == (403, "This lease is a's, not b's.")
    missing = client.post(f"/v1/queue/{project.id}/{call}", json=body)
    assert missing.status_code == 404


def test_stats_count_what_there_is(client, project):
    assert stats(client) == {
        "project": project.id,
        "items": 4,
        "open": 4,
        "labelled": 0,
        "leased": 0,
        "set_aside": 0,
        "labels": 0,
        "by_annotator": {},
        "labels_until_retraining": 10,
    }
    first = lease(client, "a").json
    lease(client, "b")
    client.post("/v1/labels", json={"annotator": "a", "lease": first["id"], "genres": ["fado"]})
    assert stats(client) == stats(client) | {
        "open": 3,
        "labelled": 1,
        "leased": 1,
        "labels": 1,
        "by_annotator": {"a": 1},
        "labels_until_retraining": 9,
    }


def test_with_tokens_the_annotator_is_who_the_token_is_for(client, parts, project, make_token):
    headers = bearer(make_token(parts, "annotator", "Amália"))
    assert client.post("/v1/queue/lease", json={}, headers=headers).json["annotator"] == "Amália"
    same = client.post("/v1/queue/lease", json={"annotator": "Amália"}, headers=headers)
    assert same.json["annotator"] == "Amália"
    other = client.post("/v1/queue/lease", json={"annotator": "Cesária"}, headers=headers)
    assert (other.status_code, "Amália's" in other.json["detail"]) == (403, True)


def test_a_listener_labels_nothing(client, parts, project, make_token):
    headers = bearer(make_token(parts, "listener"))
    assert client.post("/v1/queue/lease", json={}, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"project": "Porto"}, 404, "There is no labelling project 'Porto'."),
        ({"project": "\x00"}, 422, "no name of a project"),
        ({"project": 3}, 422, "project: Not a valid string."),
        ({"project": None}, 422, "project: Field may not be null."),
        ({"annotator": ""}, 422, "no name of a annotator"),
        ({"annotator": "x" * 101}, 422, "1 to 100 printable characters"),
        ({"annotator": "a\nb\x07"}, 422, "1 to 100 printable characters"),
        ({"annotator": ["me"]}, 422, "annotator: Not a valid string."),
        ({"anotator": "me"}, 422, "anotator: Unknown field."),
        ([], 422, "Invalid input type."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_wrong_with_a_request_is_said(client, project, body, status, words):
    answer = client.post("/v1/queue/lease", json=body)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert words in answer.json["detail"]
    assert stats(client)["leased"] == 0


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b'{"annotator": NaN}', 400),
        (b'{"annotator": Infinity}', 400),
        (b'{"annotator": ' + b"9" * 5000 + b"}", 400),
        (b'{"annotator": ' + b"9" * 4000 + b"}", 422),
        (b'{"annotator": 1e999}', 422),
        (b'{"annotator": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", 400),
        (b'{"annotator": "\\ud800"}', 400),
        (b'{"annotator": "' + b"x" * (1 << 20) + b'"}', 413),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_body_that_is_no_json_is_refused(client, project, content, status):
    answer = client.post("/v1/queue/lease", data=content, content_type="application/json")
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert stats(client)["leased"] == 0


def test_a_body_that_is_a_form_is_not_passed_over(client, project):
    answer = client.post("/v1/queue/lease", data={"project": "Porto"})
    assert (answer.status_code, "application/json" in answer.json["detail"]) == (415, True)
