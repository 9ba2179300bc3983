import json
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import StatementError

from service.errors import NotFound
from service.storage.ids import new_id
from service.storage.pages import utc_now
from service.storage.tables import ClassificationRow, TrackRow, WaveformRow
from service.storage.tracks import TrackStore, blob_key
from tests.support.labelling import inconsistencies, make_pool, stores_of
from tests.support.library import add_track, answer

WAVE = np.array([0.0, 0.5, 1.0], np.float32)


@pytest.fixture
def tracks(database):
    return TrackStore(database)


def count(database, table):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def names(page):
    return [track.filename for track in page.items]


def test_a_track_is_as_it_was_added(tracks):
    added = add_track(tracks, filename="Für Elise.mp3")
    track = tracks.get(added.id)
    assert track == added
    assert (track.state, track.classification, track.problem, track.job_id) == ("queued", None, None, None)
    assert utc_now() - track.created_at < timedelta(minutes=1)


def test_its_json_has_the_keys_of_the_contract(tracks):
    track = add_track(tracks)
    tracks.save(track.id, answer(), WAVE)
    body = tracks.get(track.id).to_dict()
    assert set(body) == {
        *("id", "filename", "sha256", "size_bytes", "duration_s", "sample_rate", "channels", "format", "created_at"),
        *("state", "job", "classification", "problem"),
    }
    assert body["created_at"].endswith("Z")
    assert {"segments", "runs"} <= set(body["classification"])
    assert {"segments", "runs"}.isdisjoint(tracks.get(track.id).to_dict(segments=False)["classification"])


def test_an_answer_comes_back_as_it_was_given(tracks):
    track = add_track(tracks, filename="a.flac")
    saved = tracks.save(track.id, answer(), WAVE)
    found = tracks.get(track.id)
    wanted = {"track": track.id, "path": "a.flac", "sha256": track.sha256, **answer().to_dict()}
    assert json.dumps(saved.classification, sort_keys=True) == json.dumps(wanted, sort_keys=True)
    assert json.dumps(found.classification, sort_keys=True) == json.dumps(wanted, sort_keys=True)
    assert (saved.state, found.state) == ("done", "done")
    assert (found.duration_s, found.sample_rate, found.channels, found.format) == (4.5, 44100, 2, "flac")


def test_the_latest_answer_counts_and_earlier_ones_stay(tracks, database):
    track = add_track(tracks)
    for genre in ("jazz", "rock"):
        tracks.save(track.id, answer(genre), WAVE)
    assert tracks.get(track.id).classification["genre"] == "rock"
    assert tracks.list().items[0].classification["genre"] == "rock"
    assert names(tracks.list(genre="jazz")) == []
    assert count(database, ClassificationRow) == 2
    assert count(database, WaveformRow) == 1


def test_an_answer_is_kept_whole_or_not_at_all(tracks, database):
    track = add_track(tracks)
    with pytest.raises((ValueError, StatementError), match="JSON"):
        tracks.save(track.id, answer(attributes={"tempo_bpm": float("nan")}), WAVE)
    assert tracks.get(track.id) == track
    assert count(database, ClassificationRow) == count(database, WaveformRow) == 0


def test_a_waveform_comes_back_rounded(tracks):
    track = add_track(tracks)
    tracks.save(track.id, answer(), np.array([0.123456, 1.0], np.float64))
    assert tracks.waveform(track.id) == {"duration_s": 4.5, "peaks": [0.1235, 1.0]}


def test_there_is_no_waveform_before_the_first_answer(tracks):
    with pytest.raises(NotFound, match="no waveform"):
        tracks.waveform(add_track(tracks).id)


def test_pages_are_stable_while_tracks_are_added_and_deleted(tracks):
    added = [add_track(tracks) for _ in range(7)]
    seen, cursor = [], None
    while True:
        page = tracks.list(cursor=cursor, limit=3)
        seen += [track.id for track in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        add_track(tracks)
        if len(seen) == 3:
            tracks.delete(added[4].id)  # the last of the first page: its id still is a place in the list
    assert seen == [track.id for track in reversed(added)]


def test_a_page_that_holds_all_is_the_last(tracks):
    add_track(tracks)
    assert tracks.list(limit=1).next_cursor is None
    assert tracks.list(limit=2).next_cursor is None


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("FÜR", ["Für Elise.mp3"]),
        ("elise", ["Für Elise.mp3"]),
        ("strasse", ["Straße.wav"]),
        ("100%", ["100% real_deal.wav"]),
        ("%", ["100% real_deal.wav"]),
        ("_", ["100% real_deal.wav"]),
        ("/", []),
        ("nothing", []),
        ("", ["100% real_deal.wav", "Straße.wav", "Für Elise.mp3"]),
    ],
)
def test_names_are_searched_without_case_and_without_wildcards(tracks, q, found):
    for name in ("Für Elise.mp3", "Straße.wav", "100% real_deal.wav"):
        add_track(tracks, filename=name)
    assert names(tracks.list(q=q)) == found


def test_tracks_are_filtered_by_the_genre_of_their_answer(tracks):
    for name, genre in (("a", "jazz"), ("b", "rock"), ("c", None), ("d", "jazz")):
        tracks.save(add_track(tracks, filename=name).id, answer(genre), WAVE)
    add_track(tracks, filename="unheard")
    assert names(tracks.list(genre="jazz")) == ["d", "a"]
    assert names(tracks.list(genre="jazz", q="A")) == ["a"]
    page = tracks.list(genre="jazz", limit=1)
    assert names(tracks.list(genre="jazz", limit=1, cursor=page.next_cursor)) == ["a"]


def test_a_list_does_not_load_what_grows_with_the_recording(tracks):
    track = add_track(tracks)
    tracks.save(track.id, answer(n_segments=1000), WAVE)
    assert "segments" not in tracks.list().items[0].classification
    assert len(tracks.get(track.id).classification["segments"]) == 1000


def test_deleting_takes_everything(tracks, database):
    track, other = add_track(tracks), add_track(tracks)
    for one in (track, other):
        tracks.save(one.id, answer(), WAVE)
    assert tracks.delete(track.id) == track.blob
    assert [one.id for one in tracks.list().items] == [other.id]
    assert count(database, ClassificationRow) == count(database, WaveformRow) == 1


@pytest.mark.parametrize("track_id", ["", "x", "\0", "é" * 26, "' OR 1=1 --", "../..", "0" * 26])
def test_an_id_that_is_none_is_not_found(tracks, track_id):
    for call in (tracks.get, tracks.delete, tracks.waveform):
        with pytest.raises(NotFound):
            call(track_id)
    with pytest.raises(NotFound):
        tracks.save(track_id, answer(), WAVE)


def test_a_track_that_waits_begins(tracks):
    track = add_track(tracks)
    tracks.begin(track.id)
    assert tracks.get(track.id).state == "running"
    tracks.save(track.id, answer(), WAVE)
    tracks.begin(track.id)
    assert tracks.get(track.id).state == "done"


def test_a_deleted_track_leaves_its_items_and_takes_its_leases(database):
    parts = stores_of(database)
    first, second = make_pool(parts, 2), make_pool(parts, 1)
    for pool in (first, second):
        parts.projects.add_items(pool.project.id, [first.tracks[0]], actor="curator", artists={})
    held = [parts.label_queue.lease(pool.project.id, name) for pool in (first, second) for name in ("ana", "bia")]
    parts.tracks.delete(first.tracks[0])
    for pool in (first, second):
        found = {item.filename: item for item in parts.projects.all_items(pool.project.id) if item.track_id is None}
        assert [item.state for item in found.values()] == ["set_aside"]
        assert parts.label_queue.leased(pool.project.id) == 1
        assert inconsistencies(parts, pool) == []
    assert len(held) == 4


def test_totals(tracks):
    assert (tracks.totals().tracks, tracks.totals().audio_s) == (0, 0)
    add_track(tracks, duration_s=2.5)
    add_track(tracks, duration_s=None)
    assert (tracks.totals().tracks, tracks.totals().audio_s) == (2, 2.5)


def test_what_nobody_answers_is_stranded_after_a_while(tracks, database):
    waiting, heard = add_track(tracks), add_track(tracks)
    tracks.save(heard.id, answer(), WAVE)
    assert tracks.stranded(since=timedelta(minutes=1)) == []
    with database.writing() as session:
        session.execute(update(TrackRow).values(updated_at=utc_now() - timedelta(minutes=2)))
    assert tracks.stranded(since=timedelta(minutes=1)) == [waiting.id]


def test_seconds_are_told_of_every_track_that_is_known(tracks):
    known, _ = add_track(tracks, duration_s=2.5), add_track(tracks, duration_s=None)
    assert tracks.durations() == {known.id: 2.5}


def test_known_ids(tracks):
    track = add_track(tracks)
    assert tracks.known([track.id, new_id()]) == {track.id}


def test_keys_of_content_spread_over_folders():
    keys = {blob_key(new_id()).partition("/")[0] for _ in range(200)}
    assert len(keys) > 50


def test_every_id_newest_first(tracks):
    ids = [add_track(tracks).id for _ in range(5)]
    assert list(tracks.ids()) == ids[::-1]


def test_of_each_content_the_oldest_track_is_known(tracks):
    first, other, _ = (add_track(tracks, sha256=sha256) for sha256 in ("a" * 64, "b" * 64, "a" * 64))
    assert tracks.by_content() == {"a" * 64: first.id, "b" * 64: other.id}
