import logging
import re


def test_a_request_keeps_the_id_it_came_with(client):
    assert client.get("/v1", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    made = client.get("/v1", headers={"X-Request-ID": "no good\t" * 50}).headers["X-Request-ID"]
    assert re.fullmatch(r"\w{26}", made)
    assert client.get("/v1/nosuch").json["instance"].startswith("urn:request:")


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
