import json
import threading

from service.api.events import job_events


def states(*progress_and_state):
    jobs = iter([{"progress": progress, "state": state} for progress, state in progress_and_state])
    last = {}

    def read():
        nonlocal last
        last = next(jobs, last)
        return last

    return read


def stream(read, **settings):
    return list(job_events(read, stopping=threading.Event(), **({"poll_s": 0} | settings)))


def data(chunks):
    return [json.loads(line[6:]) for chunk in chunks for line in chunk.splitlines() if line.startswith("data: ")]


def test_each_change_is_one_event_and_the_final_state_ends_the_stream():
    chunks = stream(states((0, "queued"), (0, "queued"), (0.5, "running"), (1, "done"), (9, "never")))
    assert [job["state"] for job in data(chunks)] == ["queued", "running", "done"]
    assert [chunk.split("\n")[0] for chunk in chunks[1:]] == ["id: 1", "id: 2", "id: 3"]
    assert all(chunk.endswith("\n\n") for chunk in chunks)


def test_silence_is_filled_with_comments():
    chunks = stream(states((0, "running"), (0, "running"), (1, "failed")), heartbeat_s=0)
    assert [chunk for chunk in chunks if chunk.startswith(":")]


def test_a_stream_ends_by_itself():
    assert len(data(stream(states((0, "running")), max_stream_s=0))) == 1


def test_a_stopping_server_ends_its_streams():
    stopping = threading.Event()
    stopping.set()
    assert len(data(list(job_events(states((0, "running")), stopping=stopping, poll_s=60)))) == 1
