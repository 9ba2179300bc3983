import stat
import threading

import pytest

from service.security.sessions import COOKIE, secret_key


def log_in(client, token, **kwargs):
    return client.post("/login", data={"token": token, **kwargs.pop("data", {})}, **kwargs)


def test_a_token_opens_the_page(client, parts, make_token):
    secret = make_token(parts, "listener", "Ann")
    assert client.get("/v1/tracks").status_code == 401
    answer = log_in(client, f" {secret} ", data={"next": "/tracks/abc?x=1"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tracks/abc?x=1")
    you = client.get("/v1").json["you"]
    assert (you["name"], you["role"]) == ("Ann", "listener")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client, parts, make_token):
    secret = make_token(parts, "admin")
    header = log_in(client, secret).headers["Set-Cookie"]
    assert header.startswith(COOKIE)
    assert "HttpOnly" in header
    assert "SameSite=Strict" in header
    assert "Secure" not in header
    assert secret not in header
    assert "Secure" in log_in(client, secret, base_url="https://localhost").headers["Set-Cookie"]


@pytest.mark.parametrize("token", ["wrong", "", "a\x00b", "ü" * 300])
def test_a_wrong_token_opens_nothing(client, parts, make_token, token):
    make_token(parts, "admin")
    answer = log_in(client, token)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login?error=1")
    assert client.get("/v1/tracks").status_code == 401


def test_logging_in_as_nobody_ends_the_session_before(client, parts, make_token):
    log_in(client, make_token(parts, "admin"))
    log_in(client, "wrong")
    assert client.get("/v1/tracks").status_code == 401


def test_revoking_the_token_ends_the_session(client, parts, make_token):
    make_token(parts, "admin", "other")
    token, secret = parts.tokens.create("gone", "admin")
    log_in(client, secret)
    assert client.get("/v1/tracks").status_code == 200
    parts.tokens.revoke(token.id)
    assert client.get("/v1/tracks").status_code == 401


def test_logging_out_ends_the_session(client, parts, make_token):
    log_in(client, make_token(parts, "admin"))
    assert client.post("/logout").headers["Location"] == "/login"
    assert client.get("/v1/tracks").status_code == 401


def test_a_forged_cookie_is_nobodys(client, parts, make_token):
    make_token(parts, "admin")
    client.set_cookie(COOKIE, "eyJ0b2tlbiI6ImEifQ.aaaaaa.bbbbbbbbbbbb")
    assert client.get("/v1/tracks").status_code == 401


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil",
        "/a\r\nb",
        "\\\\e",
        "http:/x",
    ],
)
def test_a_login_leads_nowhere_else(client, parts, make_token, target):
    assert log_in(client, make_token(parts, "admin"), data={"next": target}).headers["Location"] == "/"


def test_the_key_is_its_owners_and_stays(tmp_path):
    path = tmp_path / "data" / "secret.key"
    key = secret_key(path)
    assert len(key) == 32
    assert secret_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]


def test_processes_that_start_together_agree_on_the_key(tmp_path):
    keys = []
    threads = [threading.Thread(target=lambda: keys.append(secret_key(tmp_path / "secret.key"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1
