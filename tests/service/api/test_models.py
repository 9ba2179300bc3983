import pytest

from models.errors import UnknownModel
from service.errors import Conflict


class Entry:
    def __init__(self, name, active):
        self.name, self.version, self.kind, self.created, self.active, self.card = name, 1, "genre", "2026", active, {}


class TwoModels:
    def __init__(self):
        self.entries = [Entry("first", True), Entry("second", False)]
        self.before = None

    def list(self):
        return self.entries

    def active(self, kind="genre"):
        return next(entry for entry in self.entries if entry.active)

    def activate(self, name):
        if name not in {entry.name for entry in self.entries}:
            raise UnknownModel(f"no model is called {name!r}")
        self.before = self.active().name
        for entry in self.entries:
            entry.active = entry.name == name

    def rollback(self, kind="genre"):
        if self.before is None:
            raise Conflict("there is no model to go back to")
        self.activate(self.before)


@pytest.fixture(autouse=True)
def two_models(parts, monkeypatch):
    monkeypatch.setattr(parts, "models", TwoModels())


def active(client):
    return [model["id"] for model in client.get("/v1/models").json["items"] if model["active"]]


def test_a_model_is_activated_and_rolled_back(client):
    assert active(client) == ["first"]
    answer = client.post("/v1/models/second/activate")
    assert (answer.status_code, answer.json["id"], answer.json["active"]) == (200, "second", True)
    assert active(client) == ["second"]
    assert client.post("/v1/models/rollback").json["id"] == "first"
    assert active(client) == ["first"]


def test_what_is_no_model_is_not_found(client):
    assert client.post("/v1/models/third/activate").status_code == 404
    assert active(client) == ["first"]


def test_there_may_be_nothing_to_go_back_to(client):
    assert client.post("/v1/models/rollback").status_code == 409
