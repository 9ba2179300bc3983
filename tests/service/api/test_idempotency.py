import pytest


def send(upload, client, key, **kwargs):
    return upload(client, headers={"Idempotency-Key": key}, **kwargs)


def test_the_same_request_again_is_answered_again_not_done_again(client, upload):
    first = send(upload, client, "k1")
    again = send(upload, client, "k1")
    assert again.status_code == first.status_code
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert len(client.get("/v1/tracks").json["items"]) == 1


def test_a_job_is_made_once(client, upload):
    headers = {"Idempotency-Key": "k", "Prefer": "respond-async"}
    first, again = upload(client, headers=headers), upload(client, headers=headers)
    assert (again.status_code, again.headers["Location"]) == (202, first.headers["Location"])
    assert len(client.get("/v1/jobs").json["items"]) == 1


def test_another_request_with_the_same_key_is_refused(client, upload, tone):
    send(upload, client, "k1")
    answer = send(upload, client, "k1", content=tone(2.0))
    assert answer.status_code in {409, 422}
    assert answer.content_type == "application/problem+json"
    assert len(client.get("/v1/tracks").json["items"]) == 1


def test_after_a_failure_the_key_is_free(client, upload):
    assert send(upload, client, "k1", content=b"no sound").status_code == 415
    assert send(upload, client, "k1").status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 300, "a b", "\u00fc"])
def test_a_key_is_a_short_word(client, upload, key):
    assert send(upload, client, key).status_code == 400


def test_keys_of_two_people_do_not_meet(client, parts, upload, make_token):
    ann, bob = make_token(parts, "listener"), make_token(parts, "listener")
    tracks = {
        upload(client, headers={"Idempotency-Key": "k", "Authorization": f"Bearer {secret}"}).json["track"]
        for secret in (ann, bob)
    }
    assert len(tracks) == 2
