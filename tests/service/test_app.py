import logging
import re

import pytest

from service.app import create_app

PROBLEM_FIELDS = {"type", "title", "status", "detail"}


def assert_problem(answer, *statuses):
    assert answer.status_code in statuses, answer.get_data(as_text=True)[:300]
    assert answer.content_type == "application/problem+json"
    assert set(answer.json) >= PROBLEM_FIELDS
    assert answer.json["status"] == answer.status_code
    assert answer.json["detail"]
    assert not re.search(r"Traceback|File \"|site-packages", answer.text)


def urls(app, value="nosuch"):
    for rule in app.url_map.iter_rules():
        url = rule.rule
        for argument in rule.arguments:
            url = url.replace(f"<{argument}>", value).replace(f"<path:{argument}>", value)
        yield url, rule


def test_every_route_refuses_a_wrong_method_with_a_problem(app, client):
    for url, rule in urls(app):
        allowed = {m for other, r in urls(app) if other == url for m in r.methods}
        for method in sorted({"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed):
            answer = client.open(url, method=method)
            assert_problem(answer, 405)
            assert set(answer.headers["Allow"].split(", ")) == allowed, rule


def test_every_route_of_a_thing_that_is_not_there_is_a_problem(app, client):
    for url, rule in urls(app):
        if rule.arguments and rule.endpoint.split(".")[0] not in {"web", "docs"}:
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert_problem(client.open(url, method=method), 404)


def test_every_route_answers_a_failure_inside_with_a_problem(app, client, parts, monkeypatch):
    class Broken:
        def __getattr__(self, name):
            raise ZeroDivisionError("secret words")

    seen = set()
    with monkeypatch.context() as patch:
        for name in ("tracks", "jobs", "models", "database", "blobs"):
            patch.setattr(parts, name, Broken())
        for url, rule in urls(app):
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                answer = client.open(url, method=method)
                if answer.status_code == 500:
                    assert_problem(answer, 500)
                    assert "secret" not in answer.text
                    seen.add(rule.endpoint)
    assert {"tracks.list_tracks", "jobs.get_job", "models.list_models", "health.readyz"} <= seen


@pytest.mark.parametrize("url", ["/nosuch", "/v1/nosuch", "/v1/tracks/", "/%00", "/%ff", "/v1/" + "x" * 9000, "/v1/.."])
def test_an_address_that_is_none_is_a_problem(client, url):
    assert_problem(client.get(url), 404, 308, 414)


def test_a_browser_gets_a_page_outside_the_api_and_a_problem_inside(client):
    html = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = client.get("/nosuch", headers=html)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "<h1" in page.text
    assert_problem(client.get("/v1/nosuch", headers=html), 404)


def test_every_answer_carries_the_security_headers(client):
    for url in ("/", "/v1", "/nosuch", "/docs", "/openapi.json", "/healthz"):
        headers = client.get(url).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"]


def test_a_request_keeps_the_id_it_came_with(client):
    assert client.get("/v1", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    made = client.get("/v1", headers={"X-Request-ID": "no good\t" * 50}).headers["X-Request-ID"]
    assert re.fullmatch(r"\w{26}", made)
    assert client.get("/v1/nosuch").json["instance"].startswith("urn:request:")


def test_index_links_lead_somewhere(client):
    index = client.get("/v1").json
    for name, link in index["links"].items():
        assert client.get(link).status_code in {200, 405}, name
    assert index["limits"]["upload_bytes"] == 512 << 20
    assert "wav" in index["formats"]
    assert index["you"] == index["you"] | {"role": "admin"}


def test_docs_need_nothing_from_elsewhere(client):
    page = client.get("/docs")
    assert page.status_code == 200
    for attribute, target in re.findall(r'\b(src|href)="([^"]*)"', page.text):
        assert not re.match(r"(https?:)?//", target), (attribute, target)
    for url in re.findall(r'<link[^>]*href="([^"]*)"', page.text):
        assert client.get(url).status_code == 200
    for path in client.get("/openapi.json").json["paths"]:
        assert path in page.text


def mounted(make_app, **settings):
    return make_app(prefix="/x/y", **settings).test_client()


@pytest.mark.parametrize("arrives_as", ["/x/y", ""])
def test_below_a_sub_path_every_address_begins_with_it(make_app, upload, arrives_as):
    client = mounted(make_app)
    assert client.get(f"{arrives_as}/healthz").status_code == 200
    assert all(link.startswith("/x/y/") for link in client.get(f"{arrives_as}/v1").json["links"].values())
    answer = upload(client, path=f"{arrives_as}/v1/classifications", headers={"Prefer": "respond-async"})
    assert answer.headers["Location"].startswith("/x/y/v1/jobs/")
    page = client.get(f"{arrives_as}/").text
    assert all(target.startswith(("/x/y/", "#")) for target in re.findall(r'(?:src|href)="([^"]*)"', page))
    docs = client.get(f"{arrives_as}/docs").text
    assert all(target.startswith(("/x/y/", "#")) for target in re.findall(r'(?:src|href)="([^"]*)"', docs))


def test_below_a_sub_path_login_and_cookie_stay_there(make_app, make_token):
    client = mounted(make_app)
    secret = make_token(client.application.extensions["services"], "admin")
    moved = client.get("/x/y/", headers={"Accept": "text/html"})
    assert moved.headers["Location"].startswith("/x/y/login?next=/x/y/")
    answer = client.post("/x/y/login", data={"token": secret, "next": "/x/y/tracks/a"})
    assert answer.headers["Location"] == "/x/y/tracks/a"
    assert "Path=/x/y" in answer.headers["Set-Cookie"]
    assert client.get("/x/y/v1/tracks").status_code == 200


def test_a_path_that_only_begins_like_the_prefix_is_another(make_app):
    assert mounted(make_app).get("/x/yz").status_code == 404


def test_forwarded_headers_count_only_from_trusted_proxies(make_app, make_token):
    forwarded = {
        "X-Forwarded-For": "192.0.2.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "music.example",
        "X-Forwarded-Prefix": "/p",
    }
    plain = make_app().test_client()
    assert plain.get("/v1", headers=forwarded).json["links"]["tracks"] == "/v1/tracks"

    proxied = make_app(proxy_hops=1, trusted_hosts=("music.example",)).test_client()
    assert proxied.get("/v1", headers=forwarded).status_code == 401  # it comes from elsewhere
    secret = make_token(proxied.application.extensions["services"], "listener")
    answer = proxied.get("/v1", headers=forwarded | {"Authorization": f"Bearer {secret}"})
    assert answer.json["links"]["tracks"] == "/p/v1/tracks"


def test_failures_are_logged_with_their_request_and_without_secrets(client, parts, monkeypatch, capsys, caplog):
    from service import logs

    def broken(*args, **kwargs):
        raise RuntimeError("Authorization: Bearer abcdefgh went wrong")

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logs.configure("INFO")
        monkeypatch.setattr(parts.tracks, "list", broken)
        client.get("/v1/tracks?q=private", headers={"X-Request-ID": "r-1", "Cookie": "a=secretcookie"})
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    written = capsys.readouterr().err
    assert '"request_id": "r-1"' in written
    assert "RuntimeError" in written
    assert '"status": 500' in written
    for secret in ("abcdefgh", "private", "secretcookie"):
        assert secret not in written


def test_settings_alone_are_enough(tmp_settings):
    app = create_app(tmp_settings)
    try:
        assert app.test_client().get("/healthz").status_code == 200
    finally:
        app.extensions["services"].close()
