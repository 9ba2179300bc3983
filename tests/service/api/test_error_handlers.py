import errno
import re

import pytest

PROBLEM_FIELDS = {"type", "title", "status", "detail"}


BODIES = {  # without them the request itself would be at fault
    ("clips.rate_take", "PUT"): {"stars": 3},
    ("listening_tests.change_test", "PATCH"): {"closed": True},
    ("listening_tests.create_answer", "POST"): {"question": "nosuch", "answer": 3},
}


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
                assert_problem(client.open(url, method=method, json=BODIES.get((rule.endpoint, method))), 404)


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


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 413),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 413),
        (OSError(errno.ECONNRESET, "Connection reset by peer"), 400),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), 408),
        (TimeoutError(), 408),
        (OSError(errno.EIO, "Input/output error"), 500),
    ],
    ids=lambda value: str(value),
)
def test_what_the_system_says_while_a_body_arrives(client, parts, upload, monkeypatch, error, status):
    class Broken:
        def write(self, data):
            raise error

        def close(self):
            pass

    monkeypatch.setattr("service.api.requests.tempfile.SpooledTemporaryFile", lambda **settings: Broken())
    assert_problem(upload(client), status)
    assert client.get("/v1/tracks").json["items"] == []
