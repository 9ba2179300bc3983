import pytest


@pytest.fixture
def app(make_app):
    return make_app(rate_limit="3/minute", upload_rate_limit="2/minute")


def test_one_request_too_many_is_refused_with_a_time_to_come_back(client):
    assert [client.get("/v1").status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = client.get("/v1/tracks")
    assert answer.status_code == 429
    assert answer.content_type == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 61


def test_uploads_are_counted_apart(client, upload):
    for _ in range(4):
        client.get("/v1")
    assert [upload(client).status_code for _ in range(3)] == [200, 200, 429]


def test_health_is_always_answered(client):
    for _ in range(10):
        assert client.get("/healthz").status_code == 200


def test_clients_are_counted_apart(app, make_token):
    client, parts = app.test_client(), app.extensions["services"]
    ann, bob = ({"Authorization": f"Bearer {make_token(parts, 'listener')}"} for _ in range(2))
    assert [client.get("/v1", headers=ann).status_code for _ in range(4)][-1] == 429
    assert client.get("/v1", headers=bob).status_code == 200


def test_guessing_tokens_is_limited_by_address(app, make_token):
    client = app.test_client()
    make_token(app.extensions["services"], "admin")
    statuses = [client.get("/v1", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(4)]
    assert statuses == [401, 401, 401, 429]


def test_logins_are_limited(app, make_token):
    client = app.test_client()
    make_token(app.extensions["services"], "admin")
    assert [client.post("/login", data={"token": str(n)}).status_code for n in range(4)] == [303, 303, 303, 429]
