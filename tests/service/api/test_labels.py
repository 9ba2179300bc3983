"""Labels: each lease is answered once, with the next item on request; what one said can be taken back."""

import pytest

from tests.support.sounding_project import sounding_project

TWO = {"genres": ["fado", "morna"]}


@pytest.fixture
def project(parts):
    return sounding_project(parts, n=6)


def lease(client, annotator="me"):
    return client.post("/v1/queue/lease", json={"annotator": annotator}).json


def label(client, lease_id, annotator="me", **body):
    return client.post("/v1/labels", json={"annotator": annotator, "lease": lease_id, **body})


def labels(client, query=""):
    return client.get(f"/v1/labels{query}").json


def test_a_label_is_recorded(client, project):
    leased = lease(client, "Amália")
    answer = label(client, leased["id"], "Amália", genres=["FADO"], unsure=True, note="the voice\r\n")
    assert answer.status_code == 201
    assert answer.json["next"] is None
    act = answer.json["label"]
    assert act == {
        "id": act["id"],
        "kind": "label",
        "project": project.id,
        "item": leased["item"],
        "track": leased["track"]["id"],
        "annotator": "Amália",
        "at": act["at"],
        "genres": ["fado"],
        "none": False,
        "unsure": True,
        "flag": None,
        "note": "the voice",
        "reason": None,
        "version": None,
    }
    assert labels(client) == {"items": [act], "next_cursor": None}


def test_none_of_the_genres_may_fit(client, project):
    act = label(client, lease(client)["id"], none=True).json["label"]
    assert (act["genres"], act["none"]) == ([], True)


def test_the_next_item_comes_in_the_same_answer(client, project):
    leased, items = lease(client), []
    while leased:
        items.append(leased["item"])
        leased = label(client, leased["id"], genres=["fado"], next=True).json["next"]
    assert len(set(items)) == len(items) == 6
    assert client.get("/v1/queue/stats").json["labelled"] == 6


def test_the_same_label_again_is_the_same_and_another_one_is_refused(client, project):
    leased = lease(client)
    first = label(client, leased["id"], genres=["fado"])
    again = label(client, leased["id"], genres=["fado"])
    assert (again.status_code, again.json) == (200, first.json)
    other = label(client, leased["id"], genres=["morna"])
    assert (other.status_code, "otherwise already" in other.json["detail"]) == (409, True)
    assert len(labels(client)["items"]) == 1


def test_a_key_changes_nothing(client, project):
    leased = lease(client)
    headers = {"Idempotency-Key": "k"}
    body = {"lease": leased["id"], "genres": ["fado"]}
    assert client.post("/v1/labels", json=body, headers=headers).status_code == 201
    assert client.post("/v1/labels", json=body, headers=headers).status_code == 200
    body = {"lease": lease(client)["id"], "genres": ["morna"]}
    assert client.post("/v1/labels", json=body, headers=headers).status_code == 201


def test_several_genres_where_the_project_wants_them(client, parts, project):
    parts.projects.change(project.id, actor="test", settings={"multi_label": True})
    assert label(client, lease(client)["id"], **TWO).json["label"]["genres"] == ["fado", "morna"]


@pytest.mark.parametrize("kind", ["label", "skip", "flag"])
def test_what_one_said_is_taken_back_and_the_item_is_there_again(client, project, kind):
    leased = lease(client)
    match kind:
        case "label":
            act = label(client, leased["id"], genres=["fado"]).json["label"]
        case "skip":
            act = client.post(f"/v1/queue/{leased['id']}/skip", json={}).json
        case "flag":
            act = client.post(f"/v1/queue/{leased['id']}/flag", json={"flag": "broken"}).json
    answer = client.delete(f"/v1/labels/{act['id']}")
    assert answer.status_code == 200
    assert answer.json["item"] == leased["item"]
    assert answer.json["id"] != leased["id"]
    assert labels(client)["items"] == []
    assert client.delete(f"/v1/labels/{act['id']}").status_code == 409
    assert label(client, answer.json["id"], genres=["morna"]).status_code == 201
    assert [each["genres"] for each in labels(client)["items"]] == [["morna"]]


def test_nobody_takes_back_what_somebody_else_said(client, project):
    act = label(client, lease(client, "a")["id"], "a", genres=["fado"]).json["label"]
    answer = client.delete(f"/v1/labels/{act['id']}", json={"annotator": "b"})
    assert (answer.status_code, answer.json["detail"]) == (403, "This was a's answer: only a can undo it.")
    assert len(labels(client)["items"]) == 1


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "x", "1", "999999999999999999", "9" * 5000, "١"])
def test_there_is_no_act_of_that_number(client, project, number):
    """Number 1 is the event that the project began with."""
    assert client.delete(f"/v1/labels/{number}").status_code == 404


def test_labels_come_in_pages_newest_first(client, project):
    acts = [label(client, lease(client, name)["id"], name, genres=["fado"]).json["label"]["id"] for name in "abcab"]
    first = labels(client, "?limit=2")
    assert [act["id"] for act in first["items"]] == acts[:2:-1]
    second = labels(client, f"?limit=2&cursor={first['next_cursor']}")
    assert [act["id"] for act in second["items"]] == acts[2:0:-1]
    last = labels(client, f"?limit=2&cursor={second['next_cursor']}")
    assert ([act["id"] for act in last["items"]], last["next_cursor"]) == (acts[:1], None)
    assert [act["id"] for act in labels(client, "?annotator=b&project=lisbon")["items"]] == [acts[4], acts[1]]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("project=Porto", 404),
        ("project=%00", 422),
        ("cursor=0", 422),
        ("cursor=x", 422),
        ("cursor=" + "9" * 19, 422),
        ("limit=0", 422),
        ("limit=201", 422),
        ("limit=x", 422),
        ("annotator=", 422),
    ],
)
def test_a_list_that_is_none(client, project, query, status):
    assert client.get(f"/v1/labels?{query}").status_code == status


@pytest.mark.parametrize(
    ("settings", "body", "status", "words"),
    [
        ({}, {"lease": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "genres": ["fado"]}, 404, "There is no lease"),
        ({}, {"lease": "nosuch", "genres": ["fado"]}, 404, "There is no lease 'nosuch'."),
        ({}, {"lease": None, "genres": ["fado"]}, 422, "lease: Field may not be null."),
        ({}, {"lease": 1, "genres": ["fado"]}, 422, "lease: Not a valid string."),
        ({}, {"annotator": "b", "genres": ["fado"]}, 403, "This lease is me's, not b's."),
        ({"closed": True}, {"genres": ["fado"]}, 409, "closed"),
        ({}, {"genres": ["samba"]}, 422, "no genre 'samba': it has fado, morna."),
        ({}, {"genres": ["fado", "samba"]}, 422, "no genre 'samba'"),
        ({}, TWO, 422, "wants one genre for each item"),
        ({}, {"genres": []}, 422, "A label needs a genre"),
        ({}, {}, 422, "A label needs a genre"),
        ({}, {"genres": ["fado"], "none": True}, 422, "not both"),
        ({"settings": {"none_of_these": False}}, {"none": True}, 422, "wants a genre for each item"),
        ({}, {"genres": ["fado"], "note": "x" * 2001}, 422, "A note of 2001 characters: 2000 at most."),
        ({}, {"genres": ["fado"], "note": "bell\x07"}, 422, "control characters"),
        ({}, {"genres": ["fado"], "note": 3}, 422, "note: Not a valid string."),
        ({}, {"genres": "fado"}, 422, "genres: Not a valid list."),
        ({}, {"genres": [1]}, 422, "Not a valid string."),
        ({}, {"genres": [None]}, 422, "Field may not be null."),
        ({}, {"genres": ["x" * 1001]}, 422, "genres"),
        ({}, {"genres": ["fado"] * 501}, 422, "genres"),
        ({}, {"none": "true"}, 422, "none: Not a valid boolean."),
        ({}, {"none": 1}, 422, "none: Not a valid boolean."),
        ({}, {"genres": ["fado"], "unsure": None}, 422, "unsure: Field may not be null."),
        ({}, {"genres": ["fado"], "next": "yes"}, 422, "next: Not a valid boolean."),
        ({}, {"genres": ["fado"], "genre": "fado"}, 422, "genre: Unknown field."),
        ({}, {"genres": [10**4000]}, 422, "Not a valid string."),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_with_a_label_is_said(client, parts, project, settings, body, status, words):
    leased = lease(client)
    parts.projects.change(project.id, actor="test", **settings)
    answer = client.post("/v1/labels", json={"lease": leased["id"], **body})
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert words in answer.json["detail"]
    assert labels(client, "?project=lisbon")["items"] == []


def test_with_tokens_each_answers_for_themselves(client, parts, project, make_token):
    ann, bob = ({"Authorization": f"Bearer {make_token(parts, 'annotator', name)}"} for name in ("Ann", "Bob"))
    leased = client.post("/v1/queue/lease", json={}, headers=ann).json
    body = {"lease": leased["id"], "genres": ["fado"]}
    assert client.post("/v1/labels", json=body, headers=bob).status_code == 403
    assert client.post("/v1/labels", json=body | {"annotator": "Bob"}, headers=ann).status_code == 403
    act = client.post("/v1/labels", json=body, headers=ann).json["label"]
    assert act["annotator"] == "Ann"
    assert client.delete(f"/v1/labels/{act['id']}", headers=bob).status_code == 403
    assert client.delete(f"/v1/labels/{act['id']}", headers=ann).status_code == 200
