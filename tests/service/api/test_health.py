def test_healthz_is_ok_whatever_else_is_not(client, parts, monkeypatch):
    monkeypatch.setattr(parts.engine, "ready", False)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_readyz_waits_for_the_model(client, parts, monkeypatch):
    assert client.get("/readyz").json == {"status": "ready", "checks": {"model": "ok", "database": "ok"}}
    monkeypatch.setattr(parts.engine, "ready", False)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json["checks"]["model"] == "loading"


def test_readyz_waits_for_the_database(client, parts, monkeypatch):
    monkeypatch.setattr(type(parts.database), "is_reachable", lambda self: False)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"]["database"] == "unreachable"
