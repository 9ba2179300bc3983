"""Learning in this process is a job like any other: one at a time, alive for all to see, ended whatever happens."""

import threading
import time

import pytest

from service.errors import Cancelled, Conflict
from service.project_settings import ProjectSettings
from service.usecases.labelling import learn_here as module
from service.usecases.labelling.due import LEARN
from service.usecases.labelling.learn_here import learn_here

RESULT = {"heard": 0, "unheard": 0, "labels": 2, "version": 1, "activated": True, "reason": "first"}


@pytest.fixture
def project(parts):
    return parts.projects.create("dances", genres=["fado", "morna"], settings=ProjectSettings(), actor="ana")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module, "BEAT_S", 0.01)
    monkeypatch.setattr(module, "LOOK_S", 0.01)


def learning(monkeypatch, act):
    def learn(project_id, *, services, progress, cancelled):
        return act(progress, cancelled)

    monkeypatch.setattr(module, "learn", learn)


def job_of(parts, project):
    return parts.jobs.latest_of_project(project.id)


def until(true) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_the_result_is_that_of_the_job(parts, project, monkeypatch):
    shares = []

    def act(progress, _):
        progress(0.5)
        return RESULT

    learning(monkeypatch, act)
    assert learn_here(project, services=parts, progress=shares.append) == RESULT
    assert shares == [0.5]
    job = parts.jobs.get(job_of(parts, project).id)
    assert (job.kind, job.state, job.result) == (LEARN, "done", RESULT)


def test_others_see_that_it_is_being_done(parts, project, monkeypatch, quick):
    def act(progress, _):
        progress(0.25)
        until(lambda: job_of(parts, project).progress == 0.25)
        return RESULT

    learning(monkeypatch, act)
    assert learn_here(project, services=parts) == RESULT


def test_what_somebody_cancels_ends(parts, project, monkeypatch, quick):
    def act(_, cancelled):
        parts.jobs.cancel(job_of(parts, project).id)
        until(cancelled)
        raise Cancelled("the training was cancelled")

    learning(monkeypatch, act)
    with pytest.raises(Cancelled):
        learn_here(project, services=parts)


def test_what_was_cancelled_at_the_last_moment_is_told(parts, project, monkeypatch):
    def act(*_):
        parts.jobs.cancel(job_of(parts, project).id)
        return RESULT

    learning(monkeypatch, act)
    with pytest.raises(Cancelled):
        learn_here(project, services=parts)


@pytest.mark.parametrize("error", [KeyboardInterrupt, Conflict("no room"), ZeroDivisionError])
def test_an_error_comes_through_and_leaves_no_job(parts, project, monkeypatch, error):
    def act(*_):
        raise error

    learning(monkeypatch, act)
    with pytest.raises(BaseException) as raised:
        learn_here(project, services=parts)
    assert raised.type is (error if isinstance(error, type) else type(error))
    assert job_of(parts, project).state == "cancelled"


class Elsewhere:
    """Another process that has begun, and ends when `learn_here` looks at it."""

    def __init__(self, parts, project, end) -> None:
        self.job = parts.jobs.claim(parts.jobs.submit_for_project(LEARN, project_id=project.id).id)
        self.waited = threading.Event()
        self.parts, self.end = parts, end

    def look(self, _share: float) -> None:
        if not self.waited.is_set():
            self.waited.set()
            self.end(self.parts.jobs, self.job)


@pytest.mark.usefixtures("quick")
class TestWhatAnotherProcessDoes:
    def test_its_result_is_waited_for(self, parts, project):
        other = Elsewhere(parts, project, lambda jobs, job: jobs.finish(job, RESULT))
        assert learn_here(project, services=parts, progress=other.look) == RESULT
        assert other.waited.is_set()

    def test_its_failure_is_told(self, parts, project):
        other = Elsewhere(parts, project, lambda jobs, job: jobs.fail(job, {"detail": "no weights"}))
        with pytest.raises(Conflict, match="no weights"):
            learn_here(project, services=parts, progress=other.look)

    def test_its_end_by_somebody_is_told(self, parts, project):
        other = Elsewhere(parts, project, lambda jobs, job: jobs.cancel(job.id))
        with pytest.raises(Cancelled):
            learn_here(project, services=parts, progress=other.look)

    def test_where_it_was_killed_this_one_goes_on(self, parts, project, monkeypatch):
        other = Elsewhere(parts, project, lambda jobs, job: jobs.give_back(job))
        learning(monkeypatch, lambda *_: RESULT)
        assert learn_here(project, services=parts, progress=other.look) == RESULT
        assert parts.jobs.get(other.job.id).start == 2
