"""Clips through HTTP: asked for, followed, heard, rated, deleted; and what is refused, with its reason."""

import pytest

from models.errors import ModelError
from service.api.clips import file_name
from service.app import create_app
from service.generation import Generation
from service.job_runner import JobRunner
from service.storage.clips import Take
from tests.support.clips import heard_track, make

NOWHERE = "0" * 26


@pytest.fixture(scope="module")
def shared(make_shared_parts):
    """Client, and a clip of two takes; for tests that only read."""
    parts = make_shared_parts()
    clip = make(parts, seconds=2.0, tempo_bpm=76.0, key="A minor", takes=2)
    return create_app(services=parts).test_client(), f"/v1/clips/{clip.id}", parts


@pytest.fixture
def read(shared):
    client, place, _ = shared
    return lambda address="", **options: client.get(f"{place}{address}", **options)


def test_from_asking_to_hearing(client, parts):
    asked = client.post("/v1/clips", json={"genre": {"jazz": 7, "blues": 3}, "seconds": 1, "takes": 2})
    assert (asked.status_code, asked.json["state"], asked.json["takes"]) == (202, "queued", [])
    assert asked.headers["Location"] == f"/v1/clips/{asked.json['id']}"
    job = client.get(f"/v1/jobs/{asked.json['job']}").json
    assert (job["kind"], job["clip"], job["track"]) == ("generate", asked.json["id"], None)
    JobRunner(parts).run(job["id"])
    clip = client.get(asked.headers["Location"]).json
    assert (clip["state"], clip["request"]["seed"]) == ("done", clip["takes"][0]["seed"])
    assert client.get(f"/v1/jobs/{job['id']}").json["result"] == {"clip": clip["id"], "takes": 2}
    take = clip["takes"][1]
    assert set(take) == {
        *("index", "seed", "seconds", "tempo_bpm", "key", "loudness_lufs", "genre_agreement", "rank", "originality"),
        *("retries", "rating", "wish", "audio", "spectrogram", "waveform", "report"),
    }
    assert take["wish"]["genre"] == {"blues": 0.3, "jazz": 0.7}
    assert sorted(each["rank"] for each in clip["takes"]) == [1, 2]
    for kind in ("audio", "spectrogram", "waveform"):
        assert client.get(take[kind]).status_code == 200


def test_the_same_key_asks_once(client):
    headers = {"Idempotency-Key": "one"}
    first, again = (client.post("/v1/clips", json={"genre": "jazz"}, headers=headers) for _ in range(2))
    assert (again.json["id"], again.headers["Location"]) == (first.json["id"], first.headers["Location"])
    assert len(client.get("/v1/clips").json["items"]) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"genre": "polka"}, ["genre", "'polka'", "blues"]),
        ({"genre": {"jazz": -1}}, ["genre", "share of jazz=-1", "0 to"]),
        ({"genre": {"jazz": 0}}, ["shares", "0"]),
        ({"genre": []}, ["genre"]),
        ({"genre": {}}, ["genre"]),
        ({}, ["genre is missing", "like"]),
        ({"genre": "jazz", "seconds": 0}, ["seconds", "0", "1 to 300"]),
        ({"genre": "jazz", "seconds": 10_000}, ["seconds", "10000", "1 to 300"]),
        ({"genre": "jazz", "seconds": "10"}, ["seconds"]),
        ({"genre": "jazz", "seconds": True}, ["seconds"]),
        ({"genre": "jazz", "tempo_bpm": 5000}, ["tempo_bpm", "5000", "30 to 300"]),
        ({"genre": "jazz", "takes": 0}, ["takes", "0", "1 to 16"]),
        ({"genre": "jazz", "takes": 12}, ["takes", "12", "1 to 8"]),
        ({"genre": "jazz", "takes": 100}, ["takes", "100", "1 to 16"]),
        ({"genre": "jazz", "seed": 2**31}, ["seed", "2147483648", "0 to"]),
        ({"genre": "jazz", "seed": 1.5}, ["seed"]),
        ({"genre": "jazz", "key": "H moll"}, ["key", "H moll", "A minor"]),
        ({"genre": "jazz", "loop": "yes"}, ["loop"]),
        ({"genre": "jazz", "colour": "red"}, ["colour"]),
        ({"genre": "jazz", "source": {"use": "eat"}}, ["source", "use"]),
        ({"genre": "jazz", "vary": {"clip": NOWHERE, "strength": 2}}, ["strength", "2", "0 to 1"]),
        ({"like": NOWHERE}, ["no track", NOWHERE]),
        ({"follow": NOWHERE}, ["no clip", NOWHERE]),
    ],
)
def test_what_cannot_be_is_named_with_what_can(shared, body, says):
    answer = shared[0].post("/v1/clips", json=body)
    assert answer.status_code == (404 if "like" in body or "follow" in body else 422)
    assert answer.content_type == "application/problem+json"
    for words in says:
        assert words in answer.json["detail"], answer.json["detail"]


def test_a_span_outside_the_recording_is_named(shared, tone):
    client, _, parts = shared
    source = {"track": heard_track(parts, tone(2.0)), "use": "continue", "end_s": 9}
    answer = client.post("/v1/clips", json={"genre": "jazz", "source": source})
    assert (answer.status_code, "source.end_s=9: expected 0 to 2.00" in answer.json["detail"]) == (422, True)


def test_a_track_without_an_answer_cannot_be_liked_yet(shared, upload):
    client = shared[0]
    job = upload(client, headers={"Prefer": "respond-async"}).json
    answer = client.post("/v1/clips", json={"like": job["track"]})
    assert (answer.status_code, f"/v1/tracks/{job['track']}" in answer.json["detail"]) == (409, True)


def test_a_clip_of_another_kind_of_id_is_not_there(shared):
    client, place, parts = shared
    track = parts.tracks.list(limit=1).items
    for clip_id in ("x", NOWHERE, "%00", *(each.id for each in track)):
        for address in ("", "/audio", "/takes/0/audio", "/takes/0/waveform", "/takes/0/spectrogram.png"):
            assert client.get(f"/v1/clips/{clip_id}{address}").status_code == 404, clip_id
        assert client.delete(f"/v1/clips/{clip_id}").status_code == 404
    for take in ("2", "-1", "x", "9" * 5000, "٣", "0.0"):
        assert client.get(f"{place}/takes/{take}/audio").status_code == 404, take
        assert client.put(f"{place}/takes/{take}/rating", json={"stars": 5}).status_code == 404, take


def test_a_clip_without_takes_has_no_sound_yet(client):
    asked = client.post("/v1/clips", json={"genre": "jazz"}).json
    answer = client.get(f"/v1/clips/{asked['id']}/audio")
    assert (answer.status_code, asked["job"] in answer.json["detail"]) == (404, True)


@pytest.mark.parametrize(
    ("format", "content_type", "beginning"),
    [
        ("flac", "audio/flac", b"fLaC"),
        ("wav", "audio/wav", b"RIFF"),
        ("ogg", "audio/ogg", b"OggS"),
        ("mp3", "audio/mpeg", b""),
    ],
)
def test_sound_comes_in_four_formats(read, format, content_type, beginning):
    answer = read("/takes/0/audio", query_string={"format": format})
    assert (answer.status_code, answer.content_type) == (200, content_type)
    assert answer.data.startswith(beginning)
    assert answer.content_length == len(answer.data)
    name = f"reggae-76bpm-A-minor-seed-1.{format}"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_sound_answers_ranges_and_is_not_sent_again(read):
    whole = read("/audio")
    part = read("/audio", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.data) == (206, whole.data[4:8])
    assert part.headers["Content-Range"] == f"bytes 4-7/{len(whole.data)}"
    assert read("/audio", headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    assert read("/audio", headers={"Range": "bytes=999999999-"}).status_code == 416
    assert read("/audio?format=mp3").headers["ETag"] != whole.headers["ETag"]
    assert read("/audio?format=exe").status_code == 422


def test_a_take_is_looked_at(read):
    picture = read("/takes/1/spectrogram.png?width=64&height=32")
    assert (picture.content_type, picture.data[:4]) == ("image/png", b"\x89PNG")
    again = read("/takes/1/spectrogram.png?width=64&height=32", headers={"If-None-Match": picture.headers["ETag"]})
    assert again.status_code == 304
    assert read("/takes/1/waveform").json["duration_s"] == 2.0


@pytest.mark.parametrize(
    "body", [{}, {"stars": 0}, {"stars": 6}, {"stars": "5"}, {"stars": 4.5}, {"stars": None}, {"x": 1}]
)
def test_stars_are_one_to_five(shared, body):
    client, place, _ = shared
    answer = client.put(f"{place}/takes/0/rating", json=body)
    assert answer.status_code == 422
    assert client.get(place).json["takes"][0]["rating"] is None


def test_ratings_steer_the_next_clip(client, parts):
    clip = make(parts, genre={"jazz": 0.5, "rock": 0.5}, takes=2)
    refused = client.post("/v1/clips", json={"follow": clip.id})
    assert (refused.status_code, "/rating" in refused.json["detail"]) == (409, True)
    rated = client.put(f"/v1/clips/{clip.id}/takes/1/rating", json={"stars": 4})
    assert (rated.status_code, rated.json["index"], rated.json["rating"]) == (200, 1, 4)
    assert client.post("/v1/clips", json={"follow": clip.id, "takes": 3}).status_code == 202


def test_lists_page_and_leave_reports_out(client, parts):
    made = [make(parts).id for _ in range(2)]
    page = client.get("/v1/clips?limit=1").json
    assert [clip["id"] for clip in page["items"]] == made[1:]
    assert "report" not in page["items"][0]["takes"][0]
    assert page["items"][0]["takes"][0]["audio"]
    following = client.get(f"/v1/clips?limit=1&cursor={page['next_cursor']}").json
    assert [clip["id"] for clip in following["items"]] == made[:1]
    assert client.get("/v1/clips?cursor=x").status_code == 422


def test_only_its_owner_or_an_administrator_deletes_a_clip(client, parts, make_token):
    ann, bia, admin = (
        {"Authorization": f"Bearer {make_token(parts, role)}"} for role in ("listener", "listener", "admin")
    )
    places = [client.post("/v1/clips", json={"genre": "jazz"}, headers=ann).headers["Location"] for _ in range(2)]
    assert client.delete(places[0], headers=bia).status_code == 403
    assert client.get(places[0], headers=bia).status_code == 200
    assert client.delete(places[0], headers=ann).status_code == 204
    assert client.delete(places[1], headers=admin).status_code == 204
    assert client.get(places[0], headers=ann).status_code == 404


def test_deleting_a_clip_cancels_its_job(client, parts):
    asked = client.post("/v1/clips", json={"genre": "jazz"}).json
    assert client.delete(f"/v1/clips/{asked['id']}").status_code == 204
    job = client.get(f"/v1/jobs/{asked['job']}").json
    assert (job["state"], job["clip"]) == ("cancelled", None)


def test_cancelling_a_job_cancels_its_clip(client):
    asked = client.post("/v1/clips", json={"genre": "jazz"}).json
    client.delete(f"/v1/jobs/{asked['job']}")
    assert client.get(f"/v1/clips/{asked['id']}").json["state"] == "cancelled"


def test_without_a_generator_the_server_says_so(client, parts):
    def missing():
        raise ModelError("generator-1/card.json: no model card can be read there")

    parts.generation = Generation(missing, missing)
    for answer in (client.get("/v1/generator"), client.post("/v1/clips", json={"genre": "jazz"})):
        assert (answer.status_code, "no model card" in answer.json["detail"]) == (503, True)
        assert answer.headers["Retry-After"]
    assert client.post("/v1/clips", json={"genre": "polka"}).status_code == 422


def test_too_many_clips_are_told_to_wait(make_app):
    client = make_app(clip_max_waiting=1).test_client()
    first, second = (client.post("/v1/clips", json={"genre": "jazz"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 503)
    assert second.headers["Retry-After"] == "30"


def test_clips_are_counted_with_the_uploads(make_app):
    client = make_app(upload_rate_limit="1/minute").test_client()
    answers = [client.post("/v1/clips", json={"genre": "jazz"}).status_code for _ in range(2)]
    assert answers == [202, 429]
    assert client.get("/v1/clips").status_code == 200


@pytest.mark.parametrize(
    ("wish", "report", "name"),
    [
        (
            {"genre": {"jazz": 0.3, "blues": 0.7}, "tempo_bpm": 91.6, "key": "F# minor"},
            {},
            "blues-jazz-92bpm-Fsharp-minor-seed-5",
        ),
        (
            {"genre": {"hiphop": 1.0}, "tempo_bpm": None, "key": None},
            {"tempo_bpm": 88.0, "key": "C major"},
            "hiphop-88bpm-C-major-seed-5",
        ),
        ({"genre": {"drum_and_bass": 1.0}, "tempo_bpm": None, "key": None}, {}, "drum_and_bass-seed-5"),
        ({"genre": {"waltz": 1.0}, "tempo_bpm": None, "key": '../\r\n"é'}, {}, "waltz---seed-5"),
    ],
)
def test_files_are_named_after_what_they_are(wish, report, name):
    take = Take(
        **dict.fromkeys(("clip_id", "created_at", "genre_agreement", "rating")),
        number=0,
        seconds=1.0,
        rank=1,
        sha256="",
        report={"wish": {**wish, "seed": 5}, "tempo_bpm": None, "key": None, **report},
    )
    assert file_name(take, "flac") == f"{name}.flac"
