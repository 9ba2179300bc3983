"""Listening tests: sounds that tell nothing but themselves, answers that count once, results for organisers."""

import csv
import io
from datetime import timedelta

import numpy as np
import pytest
import soundfile

from features.mastering import loudness_of
from service.usecases import clips as clip_usecases
from service.usecases.tracks import delete_track
from tests.support.listening import add_tone, items_of

URL = "/v1/listening-tests"


@pytest.fixture
def items(parts):
    return items_of(parts)


@pytest.fixture
def create(client, items):
    """Make a test; keyword arguments change the request."""

    def make(**changes):
        body = {"name": "Which sounds better", "pairs": 3, "ratings": 2, "repeats": 1, "seed": 5, "items": items}
        return client.post(URL, json=body | changes)

    return make


@pytest.fixture
def test(create):
    answer = create()
    assert answer.status_code == 201, answer.json
    return answer.json


def next_of(client, test, listener="ann"):
    return client.get(f"{URL}/{test['id']}/next?listener={listener}").json["question"]


def answer(client, test, question, said, listener="ann", **more):
    body = {"question": question["id"], "answer": said, "listener": listener} | more
    return client.post(f"{URL}/{test['id']}/answers", json=body)


def answer_all(client, test, listener="ann"):
    """Answer everything: the higher tone is better, 5 stars against 2. Returns the questions."""
    asked = []
    question = next_of(client, test, listener)
    while question:
        pitches = {side: pitch(client.get(url).data) for side, url in question["sounds"].items()}
        said = max(pitches, key=pitches.get) if question["kind"] == "pair" else (5 if pitches["a"] > 300 else 2)
        asked.append(question)
        question = answer(client, test, question, said, listener, plays=2).json["question"]
    return asked


def pitch(flac: bytes) -> float:
    y, sr = soundfile.read(io.BytesIO(flac))
    return float(np.abs(np.fft.rfft(y)).argmax() * sr / y.size)


def test_a_test_is_made_listed_and_told_without_its_systems(client, create, items):
    made = create()
    assert made.status_code == 201
    assert client.get(made.headers["Location"]).json == made.json
    assert client.get(URL).json == {"items": [made.json], "next_cursor": None}
    assert (made.json["name"], made.json["closed"], made.json["listeners"]) == ("Which sounds better", False, 0)
    assert made.json["settings"] == {
        "aspect": "quality",
        "n_pairs": 3,
        "n_ratings": 2,
        "n_repeats": 1,
        "seconds": 15.0,
        "seed": 5,
    }
    for word in ("gru", "prior", items[0]["track"]):
        assert word not in made.text


def test_a_listener_is_asked_one_question_after_the_other(client, test):
    asked = answer_all(client, test)
    assert [each["kind"] for each in asked] == ["pair"] * 4 + ["rating"] * 2
    assert [each["number"] for each in asked] == [1, 2, 3, 4, 5, 6]
    assert {(each["total"], each["topic"]) for each in asked} == {(6, "jazz")}
    assert next_of(client, test) is None
    assert next_of(client, test, "bob")["number"] == 1
    assert client.get(f"{URL}/{test['id']}").json["listeners"] == 2


def test_sounds_tell_nothing_but_themselves(client, parts, test, items):
    """Equally loud, long and mono, without tags; nothing of the system in addresses, names or headers."""
    question = next_of(client, test)
    loudness, shapes = [], set()
    for url in question["sounds"].values():
        got = client.get(url)
        assert (got.status_code, got.mimetype) == (200, "audio/flac")
        told = f"{url} {got.headers} {got.data[:2000]!r}".lower()
        for word in ("gru", "prior", "made by", *(item["track"].lower() for item in items)):
            assert word not in told
        with soundfile.SoundFile(io.BytesIO(got.data)) as sound:
            y = sound.read(dtype="float32")
            assert (sound.channels, sound.title, sound.comment) == (1, "", "")
            shapes.add((sound.samplerate, y.size))
            loudness.append(loudness_of([y], sound.samplerate))
    assert shapes == {(44100, 88200)}
    assert loudness == pytest.approx([-23.0, -23.0], abs=0.2)


def test_parts_of_a_sound_can_be_asked_for(client, test):
    url = next_of(client, test)["sounds"]["a"]
    whole = client.get(url)
    part = client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.data) == (206, whole.data[10:20])
    assert client.get(url, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304


def test_sounds_stay_when_the_recordings_go(client, parts, test, items):
    for item in items:
        delete_track(item["track"], services=parts)
    assert client.get(next_of(client, test)["sounds"]["a"]).status_code == 200


def test_a_sound_is_cut_to_the_seconds_of_the_test_from_where_the_item_says(client, parts, create):
    items = [{"system": name, "track": add_tone(parts, name, seconds=4.0), "start_s": 1.0} for name in ("one", "two")]
    question = next_of(client, create(items=items, seconds=1.5).json)
    y, sr = soundfile.read(io.BytesIO(client.get(question["sounds"]["b"]).data))
    assert y.size / sr == pytest.approx(1.5)


def test_takes_of_clips_can_be_heard(client, parts, create):
    request = {"genre": {"jazz": 1.0}, "seconds": 2, "takes": 2, "seed": 1}
    clip = client.post("/v1/clips", json=request).json["id"]
    clip_usecases.make_clip(clip, services=parts)
    items = [{"system": "prior", "clip": clip, "take": k} for k in (0, 1)]
    items.append({"system": "people", "track": add_tone(parts, "people")})
    test = create(items=items).json
    sounds = next_of(client, test)["sounds"]
    assert clip not in str(sounds)
    data = client.get(sounds["a"]).data
    assert b"generated" not in data
    assert soundfile.info(io.BytesIO(data)).samplerate == 44100


def test_the_same_answer_again_is_the_same_and_another_one_is_refused(client, test):
    question = next_of(client, test)
    first = answer(client, test, question, "a")
    again = answer(client, test, question, "a")
    assert (first.status_code, again.status_code, again.json) == (201, 200, first.json)
    other = answer(client, test, question, "b")
    assert (other.status_code, "answered 'a' already" in other.json["detail"]) == (409, True)


def test_what_somebody_else_is_asked_is_theirs(client, test):
    question = next_of(client, test)
    next_of(client, test, "bob")
    for listener in ("bob", "cem"):
        refused = answer(client, test, question, "a", listener)
        assert (refused.status_code, listener in refused.json["detail"]) == (404, True)
    assert next_of(client, test) == question


def test_what_is_no_answer_to_such_a_question(client, create):
    test = create(pairs=1, ratings=1, repeats=0).json
    for kind, refused, taken in (("pair", (3, "left", True, None), "same"), ("rating", ("a", 0, 6, 2.5, "5"), 5)):
        question = next_of(client, test)
        assert question["kind"] == kind
        for said in refused:
            got = answer(client, test, question, said)
            assert (got.status_code, "answer" in got.text) == (422, True), said
        assert answer(client, test, question, taken).status_code == 201


def test_a_closed_test_asks_nobody_until_it_is_opened_again(client, test):
    question = next_of(client, test)
    closed = client.patch(f"{URL}/{test['id']}", json={"closed": True})
    assert (closed.status_code, closed.json["closed"]) == (200, True)
    assert answer(client, test, question, "a").status_code == 409
    assert client.get(f"{URL}/{test['id']}/next").status_code == 409
    client.patch(f"{URL}/{test['id']}", json={"closed": False})
    assert answer(client, test, question, "a").status_code == 201


def test_a_deleted_test_takes_its_sounds_along(client, parts, test):
    sounds = parts.listening_tests.sounds(test["id"])
    assert all(parts.blobs.open(sound.blob).read(4) == b"fLaC" for sound in sounds)
    assert parts.listening_tests.known_sounds([sound.id for sound in sounds] + ["other"]) == {s.id for s in sounds}
    next_of(client, test)
    assert client.delete(f"{URL}/{test['id']}").status_code == 204
    assert client.get(f"{URL}/{test['id']}").status_code == 404
    assert parts.listening_tests.known_sounds([sound.id for sound in sounds]) == set()


def test_results_of_two_listeners_who_prefer_the_higher_tone(client, test):
    for listener in ("ann", "bob"):
        answer_all(client, test, listener)
    next_of(client, test, "cem")
    found = client.get(f"{URL}/{test['id']}/results").json
    assert (found["systems"], found["began"], found["finished"]) == ({"gru": 2, "prior": 2}, 3, 2)
    assert (found["n_answers"], found["n_listeners"]) == (12, 2)
    (preference,) = found["preferences"]
    assert (preference["a"], preference["b"], preference["wins_a"], preference["wins_b"]) == ("gru", "prior", 0, 6)
    assert preference["low"] == pytest.approx(0.0)
    assert 0.0 < preference["high"] < 0.5
    assert [each["system"] for each in found["strengths"]] == ["prior", "gru"]
    assert {each["system"]: each["mean"] for each in found["opinions"]} == {"gru": 2.0, "prior": 5.0}
    assert (found["consistency"]["n"], found["consistency"]["share"]) == (2, 1.0)


def test_results_before_anybody_has_answered(client, test):
    found = client.get(f"{URL}/{test['id']}/results")
    assert found.status_code == 200
    assert (found.json["began"], found.json["finished"], found.json["n_answers"]) == (0, 0, 0)
    assert (found.json["preferences"], found.json["strengths"]) == ([], [])
    assert found.json["consistency"]["share"] is None


def test_answers_go_out_with_systems_and_without_names(client, parts, create):
    items = [
        {"system": "=1+1", "track": add_tone(parts, "low", frequency_hz=220.0)},
        {"system": "prior", "track": add_tone(parts, "high")},
    ]
    test = create(items=items, pairs=1, ratings=1, repeats=1).json
    answer_all(client, test, "Ann of Lisbon")
    rows = [*csv.DictReader(io.StringIO(client.get(f"{URL}/{test['id']}/export").text))]
    assert [(row["listener"], row["position"], row["kind"]) for row in rows] == [
        ("1", "1", "pair"),
        ("1", "2", "pair"),
        ("1", "3", "rating"),
    ]
    assert {rows[0]["system_a"], rows[0]["system_b"]} == {"'=1+1", "prior"}
    assert (rows[1]["repeats"], rows[1]["plays"], rows[1]["system_a"]) == ("1", "2", rows[0]["system_b"])
    exported = client.get(f"{URL}/{test['id']}/export?format=json")
    assert [row["answer"] for row in exported.json["answers"]] == [
        int(row["answer"]) if row["kind"] == "rating" else row["answer"] for row in rows
    ]
    assert "Lisbon" not in exported.text
    assert client.get(f"{URL}/{test['id']}/export?format=xml").status_code == 422


NOBODY = "01J00000000000000000000000"
UNHEARD = [{"system": system, "track": NOBODY} for system in ("gru", "prior")]


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, 404, NOBODY),
        ({"items": []}, 422, "items"),
        ({"items": UNHEARD[:1] * 2}, 422, "two systems"),
        ({"items": [UNHEARD[0], UNHEARD[1] | {"topic": "blues"}]}, 422, "one topic"),
        ({"items": [UNHEARD[0] | {"clip": NOBODY}, UNHEARD[1]]}, 422, "either `track`"),
        ({"items": [{"system": "gru"}, UNHEARD[1]]}, 422, "either `track`"),
        ({"items": [{"system": "gru", "clip": NOBODY, "take": 0}, UNHEARD[1]]}, 404, "clip"),
        ({"items": [UNHEARD[0] | {"system": "\x00"}, UNHEARD[1]]}, 422, "system"),
        ({"pairs": 0, "ratings": 0}, 422, "at least one question"),
        ({"pairs": 101}, 422, "pairs"),
        ({"seconds": 0}, 422, "seconds"),
        ({"seconds": 61}, 422, "seconds"),
        ({"aspect": "beauty"}, 422, "aspect"),
        ({"aspect": "genre"}, 422, "topic"),
        ({"name": " "}, 422, "name"),
    ],
)
def test_what_makes_no_test(client, changes, status, words):
    refused = client.post(URL, json={"name": "No test", "items": UNHEARD} | changes)
    assert (refused.status_code, words in refused.text) == (status, True), refused.text
    assert client.get(URL).json["items"] == []


def test_nothing_stays_of_a_test_that_cannot_be_made(parts, create, items):
    refused = create(items=[items[0], items[2] | {"start_s": 7.0}])
    assert (refused.status_code, "behind the end" in refused.json["detail"]) == (422, True)
    assert len([*parts.blobs.keys(older_than=-timedelta(days=1))]) == len(items)


def test_with_tokens_listeners_are_who_their_tokens_say_and_see_no_results(client, parts, test, make_token):
    def headers(role, name):
        return {"Authorization": f"Bearer {make_token(parts, role, name)}"}

    ann, admin = headers("listener", "Ann"), headers("admin", "Organiser")
    question = client.get(f"{URL}/{test['id']}/next", headers=ann).json["question"]
    body = {"question": question["id"], "answer": "a"}
    assert client.post(f"{URL}/{test['id']}/answers", json=body | {"listener": "Bob"}, headers=ann).status_code == 403
    assert client.get(f"{URL}/{test['id']}/next?listener=Bob", headers=ann).status_code == 403
    assert client.post(f"{URL}/{test['id']}/answers", json=body, headers=admin).status_code == 404
    assert client.post(f"{URL}/{test['id']}/answers", json=body, headers=ann).status_code == 201
    for method, path in (("GET", "/results"), ("GET", "/export"), ("DELETE", "")):
        assert client.open(f"{URL}/{test['id']}{path}", method=method, headers=ann).status_code == 403
    assert client.get(f"{URL}/{test['id']}/results", headers=admin).json["n_answers"] == 1


@pytest.mark.parametrize("path", ["", "/next", "/results", "/export", "/questions/x/a"])
def test_there_is_no_such_test(client, path):
    assert client.get(f"{URL}/{NOBODY}{path}").status_code == 404


def test_there_is_no_such_sound(client, create):
    test = create(pairs=0, ratings=1).json
    url = next_of(client, test)["sounds"]["a"]
    assert client.get(f"{url[:-1]}b").status_code == 404  # of a rating there is one sound
    assert client.get(url.replace(test["id"], NOBODY)).status_code == 404
