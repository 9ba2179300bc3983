import base64

import pytest

from service.security.access import ACCESS, Principal, Role, is_loopback, role_of
from service.settings import Settings

ROLES = ("listener", "annotator", "admin")


def test_every_route_is_in_the_table(app):
    routes = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert routes - set(ACCESS) == set()


def test_the_table_names_no_route_that_is_not_there(app):
    assert set(ACCESS) - {rule.endpoint for rule in app.url_map.iter_rules()} == set()


def test_a_forgotten_route_is_an_administrators():
    assert role_of("labels.forgotten") is Role.ADMIN


def test_what_changes_things_is_for_nobody(app):
    free = {endpoint for endpoint, role in ACCESS.items() if role is Role.ANYONE}
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if rule.methods & {"POST", "PUT", "PATCH", "DELETE"}}
    assert free & changing == {"sessions.log_in", "sessions.log_out"}


def routes(app):
    for rule in app.url_map.iter_rules():
        url = rule.rule
        for argument in rule.arguments:
            url = url.replace(f"<{argument}>", "x").replace(f"<path:{argument}>", "x")
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield method, url, ACCESS[rule.endpoint]


def test_without_tokens_this_machine_may_do_everything(app, client):
    for method, url, _ in routes(app):
        assert client.open(url, method=method).status_code not in {401, 403}, (method, url)


@pytest.mark.parametrize("role", [None, *ROLES])
def test_each_role_may_do_what_the_table_says(app, client, parts, make_token, role):
    make_token(parts, "admin", "someone else")
    headers = {} if role is None else {"Authorization": f"Bearer {make_token(parts, role)}"}
    rank = Role.ANYONE if role is None else Role[role.upper()]
    for method, url, needed in routes(app):
        status = client.open(url, method=method, headers=headers).status_code
        if rank >= needed:
            assert status not in {401, 403}, (method, url)
        else:
            assert status == (401 if role is None else 403), (method, url)


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer", "Bearer ", "Basic eDp5", "", "bearer\x00", "Bearer " + "x" * 5000]
)
def test_a_wrong_token_is_refused_even_where_none_is_needed(client, header):
    answer = client.get("/v1/tracks", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "genrelab tokens create" in answer.json["detail"]


def test_scheme_of_the_header_is_read_in_any_case(client, parts, make_token):
    secret = make_token(parts, "listener")
    assert client.get("/v1", headers={"Authorization": f"bearer {secret}"}).json["you"]["role"] == "listener"


def basic(text: bytes) -> dict:
    return {"Authorization": f"Basic {base64.b64encode(text).decode()}"}


@pytest.mark.parametrize("user", ["", "anybody", "ünïcödé"])
def test_a_token_may_come_as_the_password_of_any_user(client, parts, make_token, user):
    secret = make_token(parts, "annotator", "Ann")
    who = client.get("/v1", headers=basic(f"{user}:{secret}".encode())).json["you"]
    assert (who["name"], who["role"]) == ("Ann", "annotator")


@pytest.mark.parametrize("form", ["{}", "{}:", "x:{} ", "{}:x", ":x{}", "\xff:{}"])
def test_a_password_is_the_token_and_nothing_else(client, parts, make_token, form):
    secret = make_token(parts, "annotator")
    assert client.get("/v1", headers=basic(form.format(secret).encode("latin-1"))).status_code == 401


def test_a_revoked_token_is_worth_nothing(client, parts, make_token):
    make_token(parts, "admin")
    token, secret = parts.tokens.create("gone", "admin")
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get("/v1/tracks", headers=headers).status_code == 200
    parts.tokens.revoke(token.id)
    assert client.get("/v1/tracks", headers=headers).status_code == 401


def test_without_tokens_other_machines_may_do_nothing(client):
    for url in ("/v1/tracks", "/v1", "/metrics"):
        answer = client.get(url, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
        assert answer.status_code == 401


def test_without_tokens_a_server_for_others_answers_nobody(make_app):
    client = make_app(host="0.0.0.0").test_client()
    assert client.get("/v1/tracks").status_code == 401
    assert client.get("/healthz").status_code == 200


def test_a_browser_is_led_to_the_login_and_back(client, parts, make_token):
    make_token(parts, "admin")
    answer = client.get("/?q=x", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/login?next=/?q%3Dx"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.4", False),
        ("example.org", False),
        ("localhost.example.org", False),
        ("", False),
        (None, False),
    ],
)
def test_is_loopback(address, expected):
    assert is_loopback(address) is expected


def test_principal_and_settings_are_immutable(tmp_settings: Settings):
    with pytest.raises(AttributeError):
        Principal("a", "b", Role.ADMIN, "token").role = Role.ADMIN  # type: ignore[misc]
