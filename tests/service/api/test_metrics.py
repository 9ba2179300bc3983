import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.clips import make


@pytest.fixture
def samples(client):
    def read():
        families = text_string_to_metric_families(client.get("/metrics").text)
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    return read


def test_requests_are_counted_by_route_not_by_address(client, samples):
    for track in ("a", "b", "c"):
        client.get(f"/v1/tracks/{track}")
    labels = (("method", "GET"), ("route", "/v1/tracks/<track_id>"), ("status", "404"))
    assert samples()["genrelab_http_requests_total", labels] == 3


def test_made_up_addresses_and_methods_make_no_new_labels(client, samples):
    for number in range(5):
        client.open(f"/nosuch/{number}", method=f"BREW{number}")
    labels = (("method", "OTHER"), ("route", "unmatched"), ("status", "404"))
    assert samples()["genrelab_http_requests_total", labels] == 5


def test_durations_have_a_histogram(client, samples):
    client.get("/healthz")
    labels = (("method", "GET"), ("route", "/healthz"))
    assert samples()["genrelab_http_request_duration_seconds_count", labels] == 1


def test_jobs_recordings_audio_and_model(client, samples, upload, tone):
    upload(client, tone(2.0))
    upload(client, tone(1.0, seed=1), headers={"Prefer": "respond-async"})
    seen = samples()
    assert seen["genrelab_jobs", (("kind", "classify"), ("state", "queued"))] == 1
    assert seen["genrelab_tracks", ()] == 2
    assert seen["genrelab_library_audio_seconds", ()] == pytest.approx(3.0)
    assert seen["genrelab_audio_seconds_total", ()] == pytest.approx(2.0)
    assert [labels for name, labels in seen if name == "genrelab_model_info"]


def test_clips_are_counted_by_state(client, samples, parts):
    make(parts, seconds=2.0)
    client.post("/v1/clips", json={"genre": "jazz"})
    seen = samples()
    assert seen["genrelab_clips", (("state", "done"),)] == seen["genrelab_clips", (("state", "queued"),)] == 1
    assert seen["genrelab_clip_audio_seconds", ()] == 2.0
