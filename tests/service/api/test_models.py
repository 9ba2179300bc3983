from pathlib import Path

import pytest

from models.errors import ModelError, UnknownModel
from models.registry import ModelEntry


def entry(name, active):
    return ModelEntry(name, "1", "genre", "2026-01-01", active, Path(name), {"name": name})


class TwoModels:
    """A registry of two models, of which the first answers."""

    def __init__(self):
        self.answers = ["first"]

    def list(self):
        return [entry(name, name == self.answers[-1]) for name in ("first", "second")]

    def activate(self, name):
        if name not in {"first", "second"}:
            raise UnknownModel(f"no model is called {name!r}")
        self.answers.append(name)
        return entry(name, True)

    def rollback(self, kind):
        if len(self.answers) == 1:
            raise ModelError("there is no model to go back to")
        self.answers.pop()
        return entry(self.answers[-1], True)


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


def test_models_have_their_cards(client):
    assert client.get("/v1/models").json["items"][0]["card"] == {"name": "first"}
