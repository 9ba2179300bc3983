"""A project as an ML backend of Label Studio: recordings are found by what an export says of them, or by name."""

import base64

import pytest

from datasets.labels.labelling_config import labelling_config
from service.usecases.labelling.training import answer_with
from tests.support.library import add_track
from tests.support.sounding_project import GENRES, sounding_project, teach

CONFIG = labelling_config(GENRES, False)
OTHER_CONFIG = """
<View>
  <Audio name="sound" value="$url"/>
  <Choices name="style" toName="sound" choice="single"><Choice value="Morna"/><Choice value="Fado"/></Choices>
</View>
"""
NO_CHOICES = '<View><Audio name="audio" value="$audio"/></View>'
ENTITIES = '<!DOCTYPE x [<!ENTITY a "b">]>' + CONFIG


@pytest.fixture
def project(parts):
    return sounding_project(parts, n=24)


@pytest.fixture
def trained(parts, project):
    answer_with(project, teach(parts, project), actor="test", services=parts)
    return project


def backend(project, call):
    return f"/v1/projects/{project.id}/label-studio/{call}"


def predict(client, project, *data, config=CONFIG):
    tasks = [{"id": 10 + number, "data": each} for number, each in enumerate(data)]
    body = {"tasks": tasks, "label_config": config, "project": "1.1699999999", "params": {"login": None}}
    return client.post(backend(project, "predict"), json=body)


def choices(answer):
    return [[choice for r in each["result"] for choice in r["value"]["choices"]] for each in answer.json["results"]]


@pytest.mark.parametrize("call", ["health", ""])
def test_it_says_that_it_is_up(client, project, call):
    answer = client.get(backend(project, call))
    assert (answer.status_code, answer.json) == (200, {"status": "UP", "model_class": "genrelab"})


def test_setting_up_tells_the_version(client, project):
    body = {"project": "1.1", "schema": CONFIG, "hostname": "http://studio", "access_token": "x", "extra_params": None}
    assert client.post(backend(project, "setup"), json=body).json == {"model_version": "lisbon-untrained"}


def test_setting_up_tells_the_trained_version(client, trained):
    assert client.post(backend(trained, "setup"), json={"schema": CONFIG}).json == {"model_version": "lisbon-v1"}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (NO_CHOICES, "no Choices control"),
        ("<View>", "no labelling configuration"),
        ("", "no labelling configuration"),
        (ENTITIES, "document type or entities"),
        (OTHER_CONFIG.replace("</View>", OTHER_CONFIG.strip()[6:-7].replace("style", "more") + "</View>"), "several"),
    ],
    ids=["no choices", "broken", "empty", "entities", "two controls"],
)
def test_a_configuration_must_ask_for_genres(client, project, config, words):
    for answer in (
        client.post(backend(project, "setup"), json={"schema": config}),
        predict(client, project, {"audio": "fado-0.wav"}, config=config),
    ):
        assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
        assert (answer.json["type"].rsplit("/")[-1], words in answer.json["detail"]) == ("unusable-data", True)


def test_a_task_is_known_by_track_content_or_name(client, parts, trained):
    items = {item.filename: item for item in parts.projects.all_items(trained.id)}
    answer = predict(
        client,
        trained,
        {"audio": "http://x/y", "genrelab_track": items["fado-0.wav"].track_id},
        {"audio": "http://x/y", "genrelab_sha256": items["morna-1.wav"].sha256},
        {"audio": "/data/upload/3/0a1b2c3d-fado-2.wav"},
        {"audio": "https://files.example/music/morna-3.wav?sig=x"},
        {"audio": "s3://bucket/fado-4.wav"},
    )
    assert answer.status_code == 200
    assert choices(answer) == [["fado"], ["morna"], ["fado"], ["morna"], ["fado"]]
    assert answer.json["model_version"] == "lisbon-v1"
    first = answer.json["results"][0]
    assert first["model_version"] == "lisbon-v1"
    assert 0.5 < first["score"] <= 1.0
    result = first["result"][0]
    assert {name: result[name] for name in ("from_name", "to_name", "type")} == {
        "from_name": "genre",
        "to_name": "audio",
        "type": "choices",
    }


def test_what_is_not_known_gets_an_empty_answer(client, parts, trained):
    name = parts.projects.all_items(trained.id)[0].filename
    twin = add_track(parts.tracks, filename=name, sha256="e" * 64)
    parts.projects.add_items(trained.id, [twin.id], actor="test", artists={})
    answer = predict(
        client,
        trained,
        {"audio": "http://x/nosuch.wav"},
        {"genrelab_track": 3, "audio": 4},
        {"text": "no recording"},
        {},
        {"audio": name},  # two have it
        {"audio": "y.wav", "genrelab_track": twin.id},  # not judged yet
    )
    empty = {"result": [], "score": 0.0, "model_version": "lisbon-v1"}
    assert answer.json["results"] == [empty] * 6


def test_without_a_model_every_answer_is_empty(client, project):
    answer = predict(client, project, {"audio": "fado-0.wav"})
    assert answer.json == {
        "results": [{"result": [], "score": 0.0, "model_version": "lisbon-untrained"}],
        "model_version": "lisbon-untrained",
    }
    assert predict(client, project).json["results"] == []


def test_controls_and_choices_are_those_of_the_configuration(client, trained):
    answer = predict(client, trained, {"url": "fado-0.wav"}, config=OTHER_CONFIG)
    result = answer.json["results"][0]["result"][0]
    assert (result["from_name"], result["to_name"], result["value"]) == ("style", "sound", {"choices": ["Fado"]})


def test_a_genre_that_is_no_choice_is_not_predicted(client, trained):
    answer = predict(client, trained, {"audio": "fado-0.wav"}, config=labelling_config(["samba"], False))
    assert answer.json["results"][0]["result"] == []


def test_a_genre_that_was_merged_is_predicted_as_what_it_is_now(client, parts, trained):
    fado, morna = (genre.id for genre in trained.genres)
    parts.projects.merge_genres(trained.id, fado, morna, actor="test")
    answer = predict(client, trained, {"audio": "fado-0.wav"})
    assert choices(answer) == [["morna"]]
    assert answer.json["results"][0]["score"] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tasks": []},
        {"label_config": CONFIG},
        {"tasks": {}, "label_config": CONFIG},
        {"tasks": [1], "label_config": CONFIG},
        {"tasks": [{}] * 1001, "label_config": CONFIG},
        {"tasks": [], "label_config": 1},
    ],
    ids=lambda body: str(body)[:30],
)
def test_what_is_no_request_of_label_studio(client, project, body):
    assert client.post(backend(project, "predict"), json=body).status_code == 422


def test_annotations_that_it_tells_of_change_nothing(client, project):
    answer = client.post(backend(project, "webhook"), json={"action": "ANNOTATION_CREATED"})
    assert (answer.status_code, answer.json) == (200, {})
    assert client.get("/v1/labels").json["items"] == []


def test_it_logs_in_with_a_token_as_password(client, parts, project, make_token):
    credentials = base64.b64encode(f"studio:{make_token(parts, 'annotator')}".encode()).decode()
    assert client.get(backend(project, "health")).status_code == 401
    assert client.get(backend(project, "health"), headers={"Authorization": f"Basic {credentials}"}).status_code == 200
