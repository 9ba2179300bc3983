import pytest

from service.errors import NotFound
from service.storage.ids import new_id
from service.usecases.labelling.pool import add_tracks, take_in
from tests.support.labelling import make_pool
from tests.support.library import add_track


@pytest.fixture
def project(parts):
    return make_pool(parts, 0).project


def test_new_items_are_heard_and_ranked_by_a_job(parts, project):
    tracks = [add_track(parts.tracks).id for _ in range(3)]
    added, job = add_tracks(project, tracks, actor="ana", services=parts, artists={tracks[0]: "Amália"})
    assert (added, job.kind, job.project_id, job.state) == (3, "learn", project.id, "queued")
    assert [item.artist for item in parts.projects.all_items(project.id)] == ["Amália", "", ""]


def test_without_new_items_there_is_no_job(parts, project):
    track = add_track(parts.tracks).id
    add_tracks(project, [track], actor="ana", services=parts)
    assert add_tracks(project, [track, track], actor="ana", services=parts) == (0, None)
    assert add_tracks(project, [], actor="ana", services=parts) == (0, None)


def test_a_track_that_is_none_adds_nothing(parts, project):
    with pytest.raises(NotFound):
        add_tracks(project, [add_track(parts.tracks).id, new_id()], actor="ana", services=parts)
    assert parts.projects.all_items(project.id) == []
    assert parts.jobs.latest_of_project(project.id) is None


def test_files_become_tracks_and_those_that_cannot_stop_no_other(make_parts, tone, tmp_path):
    parts = make_parts(max_upload_mb=1)
    contents = {"a.wav": tone(), "b.wav": b"no sound", "c.wav": b"", "d.wav": b"\0" * (2 << 20), "e.wav": tone(seed=3)}
    paths = [tmp_path / name for name in contents]
    for path in paths:
        path.write_bytes(contents[path.name])
    paths.insert(2, tmp_path / "missing.wav")
    paths.insert(3, tmp_path)
    found = [take_in(path, services=parts) for path in paths]
    assert [added.path for added in found] == paths
    assert [added.path.name for added in found if added.track_id] == ["a.wav", "e.wav"]
    assert all((added.track_id is None) != (added.problem is None) for added in found)
    assert "missing.wav cannot be read" in found[2].problem
    assert [parts.tracks.get(added.track_id).filename for added in found if added.track_id] == ["a.wav", "e.wav"]
    assert {job.kind for job in parts.jobs.list().items} == {"classify"}
