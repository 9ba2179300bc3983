import pytest

from service.api.tracks import safe_filename


@pytest.fixture
def track(client, upload):
    return client.get(f"/v1/tracks/{upload(client).json['track']}").json


def test_library_pages_by_cursor_newest_first(client, upload, tone):
    made = [upload(client, tone(seed=seed), f"{seed}.wav").json["track"] for seed in range(5)]
    seen, cursor = [], None
    while True:
        page = client.get("/v1/tracks", query_string={"limit": 2} | ({"cursor": cursor} if cursor else {})).json
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


def test_library_is_searched_by_name_and_genre(client, upload, tone):
    upload(client, tone(seed=1), "needle in hay.wav")
    genre = upload(client, tone(seed=2), "other.wav").json["genre"]
    assert [item["filename"] for item in client.get("/v1/tracks?q=needle").json["items"]] == ["needle in hay.wav"]
    assert len(client.get("/v1/tracks", query_string={"genre": genre}).json["items"]) == 2
    assert client.get("/v1/tracks?genre=nosuchgenre").json["items"] == []
    assert client.get("/v1/tracks?q=100%25_").json["items"] == []


def test_library_leaves_segments_out(client, track):
    listed = client.get("/v1/tracks").json["items"][0]
    assert "segments" not in listed["classification"]
    assert track["classification"]["segments"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1000", "limit=x", "cursor=!!", "cursor=", "cursor=%00", "q=%00", "cursor=" + "A" * 600]
)
def test_a_wrong_query_is_named(client, query):
    answer = client.get(f"/v1/tracks?{query}")
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"


def test_audio_comes_back_as_it_was_sent(client, track, tone):
    answer = client.get(f"/v1/tracks/{track['id']}/audio")
    assert answer.status_code == 200
    assert answer.data == tone()
    assert answer.content_type == "audio/wav"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == "attachment; filename=song.wav"


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199), ("bytes=-10", -10, None), ("bytes=16000-", 16000, None)],
)
def test_audio_answers_ranges(client, track, tone, header, first, last):
    answer = client.get(f"/v1/tracks/{track['id']}/audio", headers={"Range": header})
    content = tone()
    wanted = content[first:] if last is None else content[first : last + 1]
    assert answer.status_code == 206
    assert answer.data == wanted
    start = first % len(content)
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(wanted) - 1}/{len(content)}"


@pytest.mark.parametrize("header", ["bytes=99999999-", "bytes=5-2"])
def test_a_range_outside_the_file_is_refused(client, track, tone, header):
    answer = client.get(f"/v1/tracks/{track['id']}/audio", headers={"Range": header})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(tone())}"
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "header", ["lines=0-1", "bytes=a-b", "bytes=-", "bytes", "bytes=0-1,3-4", "bytes=" + "1" * 400]
)
def test_a_strange_range_never_breaks(client, track, header):
    assert client.get(f"/v1/tracks/{track['id']}/audio", headers={"Range": header}).status_code in {200, 206, 416}


def test_audio_is_not_sent_again_to_who_has_it(client, track):
    first = client.get(f"/v1/tracks/{track['id']}/audio")
    again = client.get(f"/v1/tracks/{track['id']}/audio", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""


def test_head_of_audio_has_its_length(client, track, tone):
    answer = client.head(f"/v1/tracks/{track['id']}/audio")
    assert answer.status_code == 200
    assert answer.content_length == len(tone())


def test_a_recording_named_like_a_page_is_no_page(client, upload):
    track = upload(client, name="<script>.html").json["track"]
    answer = client.get(f"/v1/tracks/{track}/audio")
    assert answer.content_type == "audio/wav"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_waveform(client, track):
    waveform = client.get(f"/v1/tracks/{track['id']}/waveform").json
    assert waveform["duration_s"] == pytest.approx(1.0)
    assert all(0 <= peak <= 1 for peak in waveform["peaks"])


@pytest.mark.parametrize("kind", ["spectrogram", "scalogram"])
def test_pictures_are_png_and_cached(client, track, kind):
    url = f"/v1/tracks/{track['id']}/{kind}.png"
    first = client.get(url)
    assert first.status_code == 200
    assert first.content_type == "image/png"
    assert first.data.startswith(b"\x89PNG")
    assert "max-age" in first.headers["Cache-Control"]
    assert client.get(url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    other = client.get(f"{url}?width=300")
    assert other.headers["ETag"] != first.headers["ETag"]


def test_a_cached_picture_is_not_drawn_again(client, parts, track, monkeypatch):
    url = f"/v1/tracks/{track['id']}/spectrogram.png"
    etag = client.get(url).headers["ETag"]
    monkeypatch.setattr(parts.engine, "picture", None)
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("query", ["width=10", "width=99999", "height=0", "width=x"])
def test_picture_sizes_are_bounded(client, track, query):
    assert client.get(f"/v1/tracks/{track['id']}/spectrogram.png?{query}").status_code == 422


def test_a_track_is_classified_again_by_a_job(client, track):
    answer = client.post(f"/v1/tracks/{track['id']}/classifications")
    assert answer.status_code == 202
    assert client.get(answer.headers["Location"]).json["track"] == track["id"]


def test_a_deleted_track_is_gone(client, track):
    url = f"/v1/tracks/{track['id']}"
    answer = client.delete(url)
    assert (answer.status_code, answer.data) == (204, b"")
    for path in ["", "/audio", "/waveform", "/spectrogram.png", "/scalogram.png"]:
        assert client.get(url + path).status_code == 404
    assert client.delete(url).status_code == 404
    assert client.get("/v1/tracks").json["items"] == []


@pytest.mark.parametrize(
    "track_id",
    ["nosuch", "..", "%2e%2e%2fetc%2fpasswd", "a%00b", "%ff%fe", "x" * 3000, "0", "%F0%9F%98%80", "' OR 1=1 --", "-"],
)
@pytest.mark.parametrize("rest", ["", "/audio", "/waveform", "/spectrogram.png", "/scalogram.png"])
def test_an_id_that_is_none_is_not_found(client, track_id, rest):
    answer = client.get(f"/v1/tracks/{track_id}{rest}")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("song.wav", "song.wav"),
        ("../../etc/passwd", "passwd"),
        ("C:\\music\\song.wav", "song.wav"),
        ('a"b?c.wav', "a_b_c.wav"),
        ("", "recording"),
        ("...", "recording"),
        ("x" * 500 + ".wav", "x" * 196 + ".wav"),
        ("a\u202egnp.wav", "agnp.wav"),
        ("Für Elise.mp3", "Für Elise.mp3"),
    ],
)
def test_safe_filename(name, safe):
    assert safe_filename(name) == safe
