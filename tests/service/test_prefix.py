import re

import pytest


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
