import io
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from features.errors import AudioError, AudioTooLong, EmptyFile, UnsupportedFormat
from models.track_summary import BACKBONE
from service.errors import Cancelled, NotFound, PayloadTooLarge, StorageFull
from service.storage.ids import new_id
from service.usecases.tracks import (
    MAX_NAME,
    classify_track,
    delete_track,
    display_name,
    receive_upload,
    remove_orphans,
)
from tests.support.stand_in import StandInEngine

ALL = timedelta(seconds=-1)


def receive(parts, content, name="song.wav"):
    return receive_upload(io.BytesIO(content), name, services=parts)


def files(parts):
    """What lies in the store, what is on its way there included."""
    return [path for path in (parts.settings.data_dir / "blobs").rglob("*") if path.is_file()]


def test_an_upload_waits_in_the_library(parts, tone):
    track = receive(parts, tone(1.5))
    assert track == parts.tracks.get(track.id)
    assert (track.filename, track.state, track.size_bytes) == ("song.wav", "queued", len(tone(1.5)))
    assert (track.duration_s, track.sample_rate, track.channels, track.format) == (1.5, 8000, 1, "wav")
    with parts.blobs.open(track.blob) as file:
        assert file.read() == tone(1.5)


def test_a_recording_is_heard(parts, tone):
    track = receive(parts, tone(6.0))
    shares = []
    answer = classify_track(track.id, services=parts, progress=shares.append)
    assert (answer["track"], answer["path"], answer["sha256"]) == (track.id, "song.wav", track.sha256)
    assert answer["genre"] == "jazz"
    assert shares == sorted(shares)
    found = parts.tracks.get(track.id)
    assert found.state == "done"
    assert found.classification["genre"] == "jazz"
    assert parts.tracks.waveform(track.id)["duration_s"] == pytest.approx(6.0)


def test_what_was_heard_is_kept_for_labelling_projects(parts, tone):
    track = receive(parts, tone(3.0))
    assert parts.features.of_tracks([track.id], BACKBONE) == {}
    classify_track(track.id, services=parts)
    with parts.blobs.local(track.blob) as path:
        summary = parts.engine.summarise(path)
    np.testing.assert_array_equal(parts.features.of_tracks([track.id], BACKBONE)[track.id], summary.vector)


def test_an_engine_with_another_backbone_leaves_nothing_for_labelling_projects(parts, tone, monkeypatch):
    classify = parts.engine.classify
    monkeypatch.setattr(
        parts.engine, "classify", lambda *args, **kwargs: replace(classify(*args, **kwargs), summary=None)
    )
    track = receive(parts, tone())
    classify_track(track.id, services=parts)
    assert parts.features.of_tracks([track.id], BACKBONE) == {}


def test_the_same_content_makes_two_tracks_with_an_end_of_their_own(parts, tone):
    first, second = receive(parts, tone(), "a.wav"), receive(parts, tone(), "b.wav")
    assert first.sha256 == second.sha256
    assert first.id != second.id
    delete_track(first.id, services=parts)
    assert classify_track(second.id, services=parts)["path"] == "b.wav"
    with parts.blobs.open(second.blob) as file:
        assert file.read() == tone()


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"", EmptyFile, "empty"),
        (b"hello " * 99, UnsupportedFormat, "plain text"),
        (b"RIFF\x00\x00\x00\x00WAVE", AudioError, "WAV file"),
        (b"fLaC" + bytes(50), AudioError, "FLAC file"),
        (bytes(2 << 20), PayloadTooLarge, "1 MB"),
    ],
)
def test_nothing_stays_of_what_cannot_be_used(make_parts, content, error, says):
    parts = make_parts(max_upload_mb=1)
    with pytest.raises(error, match=says) as refused:
        receive(parts, content, "my song.mp3")
    assert parts.tracks.totals().tracks == 0
    assert files(parts) == []
    assert "01" not in str(refused.value)  # no id of ours instead of the name


def test_a_recording_over_the_limit_is_refused(make_parts, tone):
    parts = make_parts(max_duration_s=2.0)
    with pytest.raises(AudioTooLong, match=r"song\.wav: 3 s of audio, the limit is 2 s"):
        receive(parts, tone(3.0))
    assert files(parts) == []
    receive(parts, tone(2.0))


@pytest.mark.parametrize("error", [StorageFull("full"), KeyboardInterrupt()])
def test_nothing_stays_where_the_track_cannot_be_written(parts, tone, monkeypatch, error):
    def fail(**_):
        raise error

    monkeypatch.setattr(parts.tracks, "add", fail)
    with pytest.raises(type(error)):
        receive(parts, tone())
    assert files(parts) == []


def test_a_file_is_spoken_of_by_its_owners_name(parts, tone, monkeypatch):
    track = receive(parts, tone(), "Für Elise.wav")

    def damaged(path, **_):
        raise UnsupportedFormat(f"{path.name}: nobody knows this")

    monkeypatch.setattr(parts.engine, "classify", damaged)
    with pytest.raises(UnsupportedFormat, match=r"^Für Elise\.wav: nobody"):
        classify_track(track.id, services=parts)


def test_a_cancelled_classification_keeps_nothing(parts, tone):
    track = receive(parts, tone())
    with pytest.raises(Cancelled):
        classify_track(track.id, services=parts, cancelled=lambda: True)
    assert parts.tracks.get(track.id).classification is None


def test_a_track_deleted_while_it_is_heard_stays_deleted(parts, tone, monkeypatch):
    track = receive(parts, tone())
    hear = StandInEngine().classify

    def delete_and_hear(path, **options):
        heard = hear(path, **options)
        delete_track(track.id, services=parts)
        return heard

    monkeypatch.setattr(parts.engine, "classify", delete_and_hear)
    with pytest.raises(NotFound):
        classify_track(track.id, services=parts)
    assert files(parts) == []


def test_deleting_takes_the_content_along(parts, tone):
    track = receive(parts, tone())
    delete_track(track.id, services=parts)
    assert files(parts) == []
    with pytest.raises(NotFound):
        delete_track(track.id, services=parts)
    with pytest.raises(NotFound):
        classify_track(track.id, services=parts)


def test_a_recording_in_a_remote_store_is_heard(make_parts, tone):
    parts = make_parts(blob_url="memory://genrelab-test")
    track = receive(parts, tone())
    assert classify_track(track.id, services=parts)["genre"] == "jazz"
    delete_track(track.id, services=parts)
    assert list(parts.blobs.keys(older_than=ALL)) == []


def test_content_without_a_track_is_removed(parts, tone):
    track = receive(parts, tone())
    with parts.blobs.stage(io.BytesIO(tone()), max_bytes=1 << 20) as staged:
        parts.blobs.keep(staged, f"ab/{new_id()}")
    assert remove_orphans(services=parts, older_than=timedelta(hours=1)) == 0
    assert remove_orphans(services=parts, older_than=ALL) == 1
    assert list(parts.blobs.keys(older_than=ALL)) == [track.blob]


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("song.wav", "song.wav"),
        ("Für Elise.mp3", "Für Elise.mp3"),
        ("Fu\u0308r.mp3", "Für.mp3"),
        ("../../etc/passwd", "passwd"),
        ("C:\\music\\song.wav", "song.wav"),
        ("a\x00b\r\n\x1b[31mc.wav", "ab[31mc.wav"),
        ("a\u202egnp.wav", "agnp.wav"),
        ("\ud83d.wav", "wav"),
        ("  two\u2028  words .wav", "two words .wav"),
        ("🎵 ♫.flac", "🎵 ♫.flac"),
        ("می\u200cخواهم.mp3", "می\u200cخواهم.mp3"),
        ("", "recording"),
        ("/", "recording"),
        ("..", "recording"),
        ("\x00", "recording"),
    ],
)
def test_names_are_for_people(filename, shown):
    assert display_name(filename) == shown
    assert display_name(shown) == shown


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 5000 + ".flac", "." + "x" * 5000, "x." + "y" * 5000])
def test_long_names_are_cut_and_keep_their_extension(name):
    shown = display_name(name)
    assert len(shown) == MAX_NAME
    assert shown.endswith(".flac") == name.endswith(".flac")
