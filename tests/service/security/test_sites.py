import pytest

from service.security.sites import CSRF_HEADER


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:9", "[::1]:8000", "192.168.1.5:8000", "app.localhost:1"],
)
def test_own_names_and_numbers_are_answered(client, host):
    assert client.get("/v1", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:8000", "a@localhost b", "[::1"],
)
@pytest.mark.parametrize("url", ["/v1", "/", "/nosuch", "/v1/tracks/x/audio", "/healthz"])
def test_other_names_are_not(client, host, url):
    answer = client.get(url, headers={"Host": host})
    assert answer.status_code in {400, 421}
    assert answer.content_type == "application/problem+json"


def test_names_can_be_trusted(make_app):
    client = make_app(trusted_hosts=("Music.example", ".corp.example")).test_client()
    for host, status in [
        ("music.example", 200),
        ("MUSIC.example:443", 200),
        ("a.corp.example", 200),
        ("corp.example", 421),
        ("xmusic.example", 421),
        ("notcorp.example", 421),
    ]:
        assert client.get("/v1", headers={"Host": host}).status_code == status, host


CHANGES = [("POST", "/v1/models/rollback"), ("DELETE", "/v1/tracks/x"), ("DELETE", "/v1/jobs/x"), ("POST", "/login")]


@pytest.mark.parametrize(("method", "url"), CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_changes_that_another_site_asks_for_are_refused(client, method, url, headers):
    answer = client.open(url, method=method, headers=headers)
    assert answer.status_code == 403
    assert "another web site" in answer.json["detail"]


@pytest.mark.parametrize(("method", "url"), CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_changes_that_our_page_or_a_program_asks_for_are_not(client, method, url, headers):
    assert client.open(url, method=method, headers=headers).status_code != 403


def test_reading_may_come_from_a_link_elsewhere(client):
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.fixture
def session(client, parts, make_token):
    secret = make_token(parts, "admin")
    assert client.post("/login", data={"token": secret}).status_code == 303
    return client


def page_secret(session):
    with session.session_transaction() as cookie:
        return cookie["csrf"]


def test_a_sessions_changes_repeat_the_sessions_secret(session):
    secret = page_secret(session)
    assert session.delete("/v1/tracks/x").status_code == 403
    assert session.delete("/v1/tracks/x", headers={CSRF_HEADER: "wrong"}).status_code == 403
    assert session.delete("/v1/tracks/x", headers={CSRF_HEADER: "ü"}).status_code == 403
    assert session.delete("/v1/tracks/x", headers={CSRF_HEADER: secret}).status_code == 404


def test_the_page_knows_the_sessions_secret(session):
    assert page_secret(session) in session.get("/").text


def test_a_token_needs_no_such_secret(client, parts, make_token):
    headers = {"Authorization": f"Bearer {make_token(parts, 'admin')}"}
    assert client.delete("/v1/tracks/x", headers=headers).status_code == 404


def test_reading_with_a_session_needs_no_such_secret(session):
    assert session.get("/v1/tracks").status_code == 200
