import io
import socket
import threading

import pytest

from service.api.classifications import client_gone
from service.errors import Cancelled


def test_a_recording_is_answered_with_its_genre_and_kept(client, upload):
    answer = upload(client)
    assert answer.status_code == 200
    body = answer.json
    assert body["path"] == "song.wav"
    assert sum(body["probabilities"].values()) == pytest.approx(1)
    assert body["genre"] in body["set"]
    assert {"segments", "runs", "evidence", "tags", "attributes", "coverage", "sha256"} <= set(body)
    track = client.get(f"/v1/tracks/{body['track']}").json
    assert (track["state"], track["filename"]) == ("done", "song.wav")
    assert track["classification"]["genre"] == body["genre"]


def test_hf_form_is_sorted_and_complete(client, upload):
    full = upload(client).json
    ranked = upload(client, path="/v1/classifications?format=hf").json
    assert {item["label"]: item["score"] for item in ranked} == full["probabilities"]
    scores = [item["score"] for item in ranked]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("prefer", ["respond-async", "wait=10, Respond-Async", "respond-async;x=y"])
def test_who_prefers_not_to_wait_gets_a_job(client, upload, prefer):
    answer = upload(client, headers={"Prefer": prefer})
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json['id']}"
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert answer.headers["Retry-After"] == "1"
    job = client.get(answer.headers["Location"]).json
    assert job["state"] == "queued"
    assert client.get(f"/v1/tracks/{job['track']}").json["state"] == "queued"


def test_a_long_recording_is_answered_by_a_job(make_app, upload, tone):
    client = make_app(sync_max_duration_s=1.5).test_client()
    assert upload(client, tone(1.0)).status_code == 200
    answer = upload(client, tone(2.0))
    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers


def empty_form(client):
    return client.post("/v1/classifications", data={}, content_type="multipart/form-data; boundary=b")


def no_form(client):
    return client.post("/v1/classifications", data=b"RIFF", content_type="audio/wav")


def no_type(client):
    return client.post("/v1/classifications", data=b"x")


def another_part(client):
    return client.post("/v1/classifications", data={"audio": (io.BytesIO(b"x"), "a.wav")})


def a_text_field(client):
    return client.post("/v1/classifications", data={"file": "a.wav"}, content_type="multipart/form-data")


def two_files(client):
    return client.post("/v1/classifications", data={"file": [(io.BytesIO(b"x"), "a"), (io.BytesIO(b"y"), "b")]})


def another_file_beside(client):
    return client.post("/v1/classifications", data={"file": (io.BytesIO(b"x"), "a"), "b": (io.BytesIO(b"y"), "b")})


def empty_file(client):
    return client.post("/v1/classifications", data={"file": (io.BytesIO(b""), "a.wav")})


def text_named_mp3(client):
    return client.post("/v1/classifications", data={"file": (io.BytesIO(b"hello " * 99), "a.mp3")})


def raw(body: bytes, content_type: str = "multipart/form-data; boundary=b"):
    def send(client):
        return client.post("/v1/classifications", data=body, content_type=content_type)

    return send


BROKEN_OFF = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nRIFF'


@pytest.mark.parametrize(
    ("send", "status", "says"),
    [
        (empty_form, 422, "file"),
        (no_form, 415, "multipart/form-data"),
        (no_type, 415, "multipart/form-data"),
        (another_part, 422, "file"),
        (a_text_field, 422, "file"),
        (two_files, 422, "one recording at a time"),
        (another_file_beside, 422, "one recording at a time"),
        (empty_file, 422, ""),
        (text_named_mp3, 415, ""),
        (raw(BROKEN_OFF), 400, "damaged"),
        (raw(b"garbage"), 400, "damaged"),
        (raw(BROKEN_OFF, "multipart/form-data"), 400, "boundary"),
        (raw(b"--b\r\n" * 50_000), 400, ""),
        (raw(b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n" * 2 + b"--b--"), 422, "file"),
        (raw(b"--b\r\n\xff\xfe: \x00\r\n\r\n\r\n--b--"), 400, ""),
    ],
)
def test_what_is_no_recording_is_refused_and_nothing_stays(client, parts, send, status, says):
    answer = send(client)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert says in answer.json["detail"]
    assert client.get("/v1/tracks").json["items"] == []
    incoming = parts.settings.data_dir / "incoming"
    assert not incoming.exists() or list(incoming.iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\x00b.wav", "C:\\song.wav", "ünïcödé ♫.wav", "x" * 5000, "."])
def test_a_file_name_is_only_ever_a_name(client, upload, name):
    answer = upload(client, name=name)
    assert answer.status_code == 200
    shown = answer.json["path"]
    assert "/" not in shown
    assert "\\" not in shown
    assert len(shown) < 1000
    assert not any(ord(character) < 32 for character in shown)


def test_an_upload_over_the_limit_is_refused_before_it_is_read(make_app, upload):
    client = make_app(max_upload_mb=1).test_client()
    answer = upload(client, bytes(2 << 20))
    assert answer.status_code == 413
    assert "1 MB" in answer.json["detail"]


def test_an_upload_of_unknown_length_is_stopped_at_the_limit(make_app):
    client = make_app(max_upload_mb=1).test_client()
    body = BROKEN_OFF + bytes(3 << 20)
    answer = client.post(
        "/v1/classifications",
        input_stream=io.BytesIO(body),
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    assert answer.status_code == 413


def test_a_large_body_elsewhere_is_refused(client):
    answer = client.post("/login", data=b"token=" + bytes(2 << 20), content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413


def test_too_many_at_once_are_refused_with_a_time_to_come_back(make_app, upload):
    app = make_app(threads=4)
    uploads = app.extensions["admission"].uploads
    for _ in range(uploads.count):
        uploads.take()
    answer = upload(app.test_client())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    uploads.give_back()
    assert upload(app.test_client()).status_code == 200


def test_a_client_that_goes_away_leaves_nothing_behind(app, client, parts, upload, monkeypatch):
    def gone(*_args, cancelled, **_kwargs):
        raise Cancelled("the client went away")

    monkeypatch.setattr(parts.engine, "classify", gone, raising=False)
    monkeypatch.setattr("service.usecases.tracks.classify_track", gone)
    assert upload(client).status_code == 409
    assert client.get("/v1/tracks").json["items"] == []


def test_a_closed_connection_is_noticed(app):
    ours, theirs = socket.socketpair()
    with app.test_request_context(environ_overrides={"gunicorn.socket": ours}):
        gone = client_gone()
        assert not gone()
        theirs.send(b"GET / HTTP/1.1")
        assert not gone()
        assert ours.recv(100) == b"GET / HTTP/1.1"  # looking took nothing away
        theirs.close()
        assert gone()
    ours.close()


def test_without_a_connection_to_look_at_nobody_is_gone(app):
    with app.test_request_context():
        assert not client_gone()()


def test_concurrent_uploads_are_all_answered(app, upload, tone):
    statuses = []

    def send(seed):
        statuses.append(upload(app.test_client(), tone(seed=seed)).status_code)

    threads = [threading.Thread(target=send, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
