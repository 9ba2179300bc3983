import numpy as np

from service.storage import features as module
from service.storage.ids import new_id
from tests.support.labelling import items_by_track, make_pool
from tests.support.library import add_track

VECTOR = np.linspace(-3, 3, 300, dtype=np.float32)


def test_a_vector_is_as_it_was_kept(parts):
    track = add_track(parts.tracks).id
    parts.features.put(track, "A", VECTOR, start_s=1.0)
    parts.features.put(track, "B", 2 * VECTOR.astype(np.float64), start_s=1.0)
    found = parts.features.of_tracks([track, new_id()], "A")
    assert list(found) == [track]
    assert found[track].dtype == np.float32
    np.testing.assert_array_equal(found[track], VECTOR)
    np.testing.assert_array_equal(parts.features.of_tracks([track], "B")[track], 2 * VECTOR)


def test_what_was_heard_last_counts(parts):
    track = add_track(parts.tracks).id
    for factor in (1, 2):
        parts.features.put(track, "A", factor * VECTOR, start_s=factor)
    np.testing.assert_array_equal(parts.features.of_tracks([track], "A")[track], 2 * VECTOR)


def test_a_track_that_was_deleted_keeps_nothing(parts):
    track = add_track(parts.tracks).id
    parts.features.put(track, "A", VECTOR, start_s=0.0)
    parts.tracks.delete(track)
    parts.features.put(track, "A", VECTOR, start_s=0.0)
    assert parts.features.of_tracks([track], "A") == {}


def test_many_tracks_are_read_in_several_questions(parts, monkeypatch):
    monkeypatch.setattr(module, "IDS_AT_ONCE", 2)
    tracks = [add_track(parts.tracks).id for _ in range(5)]
    for number, track in enumerate(tracks):
        parts.features.put(track, "A", number * VECTOR, start_s=0.0)
    found = parts.features.of_tracks(tracks, "A")
    assert {track: vector[-1] for track, vector in found.items()} == {track: 3 * n for n, track in enumerate(tracks)}
    assert parts.features.of_tracks([], "A") == {}


def test_what_a_project_lacks_is_what_its_backbone_has_not_heard(parts):
    pool, _ = make_pool(parts, 4), make_pool(parts, 1)
    parts.features.put(pool.tracks[0], "A", VECTOR, start_s=0.0)
    parts.features.put(pool.tracks[1], "B", VECTOR, start_s=0.0)
    parts.tracks.delete(pool.tracks[2])
    assert parts.features.missing(pool.project.id, "A") == [pool.tracks[1], pool.tracks[3]]
    assert None in items_by_track(parts, pool)
