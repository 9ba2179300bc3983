import hashlib
import io
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec

import fsspec
import pytest

from service.errors import ConfigurationError, NotFound, PayloadTooLarge, StorageFull
from service.storage.blobs import BLOCK_BYTES, INCOMING, BlobStore
from service.storage.ids import new_id

MB = 1 << 20
CONTENT = bytes(range(256)) * 5000  # more than a block
STAGE_AND_WAIT = """
import io
import sys
from pathlib import Path
from service.storage.blobs import BlobStore
store = BlobStore(f"file://{sys.argv[1]}", scratch=Path(sys.argv[1]))
with store.stage(io.BytesIO(bytes(5000)), max_bytes=9000):
    print("staged", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["local", "remote"])
def store(request, tmp_path):
    if request.param == "local":
        yield BlobStore(f"file://{tmp_path}/blobs", scratch=tmp_path)
        return
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    yield BlobStore("memory://bucket/prefix", scratch=tmp_path)
    memory.store.clear()


def put(store, content=CONTENT, key=None):
    key = key or f"ab/{new_id()}"
    with store.stage(io.BytesIO(content), max_bytes=10 * MB) as staged:
        store.keep(staged, key)
    return key


def on_its_way(tmp_path):
    return [path for folder in tmp_path.rglob(INCOMING) for path in folder.iterdir()]


def everything(store):
    return list(store.keys(older_than=timedelta(days=-1)))


def test_content_is_hashed_and_counted_while_it_arrives(store):
    with store.stage(io.BytesIO(CONTENT), max_bytes=len(CONTENT)) as staged:
        assert staged.path.read_bytes() == CONTENT
    assert staged.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert staged.size_bytes == len(CONTENT)


def test_content_comes_back(store, tmp_path):
    key = put(store)
    with store.open(key) as file:
        file.seek(100)
        assert file.read(10) == CONTENT[100:110]
    with store.local(key) as path:
        assert path.read_bytes() == CONTENT
    assert everything(store) == [key]
    assert on_its_way(tmp_path) == []


def test_content_that_is_not_kept_is_gone(store, tmp_path):
    with store.stage(io.BytesIO(CONTENT), max_bytes=10 * MB):
        assert len(on_its_way(tmp_path)) == 1
    assert on_its_way(tmp_path) == []
    assert everything(store) == []


def test_deleted_content_is_gone(store):
    key, other = put(store), put(store)
    store.delete(key)
    store.delete(key)
    assert everything(store) == [other]
    for read in (store.open, lambda key: store.local(key).__enter__()):
        with pytest.raises(NotFound, match=key[3:]):
            read(key)


class Endless:
    """A stream without an end that counts what was read of it."""

    def __init__(self):
        self.read_bytes = 0

    def read(self, size):
        self.read_bytes += size
        return bytes(size)


def test_a_stream_without_an_end_is_stopped_at_the_limit(store, tmp_path):
    stream = Endless()
    with pytest.raises(PayloadTooLarge, match="3 MB"), store.stage(stream, max_bytes=3 * MB):
        pytest.fail("it has no end")
    assert stream.read_bytes <= 3 * MB + BLOCK_BYTES
    assert on_its_way(tmp_path) == []


def test_the_limit_itself_is_allowed(store):
    with store.stage(io.BytesIO(bytes(100)), max_bytes=100) as staged:
        assert staged.size_bytes == 100
    with pytest.raises(PayloadTooLarge), store.stage(io.BytesIO(bytes(101)), max_bytes=100):
        pass


def test_a_stream_that_breaks_leaves_nothing(store, tmp_path):
    class Broken(Endless):
        def read(self, size):
            if self.read_bytes:
                raise ConnectionResetError
            return super().read(size)

    with pytest.raises(ConnectionResetError), store.stage(Broken(), max_bytes=10 * MB):
        pass
    assert on_its_way(tmp_path) == []


@contextmanager
def files_of_at_most(n_bytes):
    """The kernel refuses to make a file longer, as a full disk would; Python ignores the signal that comes along."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_no_room_is_named_and_nothing_stays(store, tmp_path):
    with files_of_at_most(MB // 2), pytest.raises(StorageFull, match="full"), store.stage(Endless(), max_bytes=9 * MB):
        pytest.fail("there is no room")
    assert on_its_way(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_named_and_nothing_stays(small_disk):
    store = BlobStore(f"file://{small_disk}", scratch=small_disk)
    key = put(store, bytes(MB))
    for _ in range(2):
        with pytest.raises(StorageFull, match="full"), store.stage(Endless(), max_bytes=9 * MB):
            pytest.fail("there is no room")
    assert on_its_way(small_disk) == []
    assert everything(store) == [key]


def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path):
    store = BlobStore(f"file://{tmp_path}", scratch=tmp_path)
    key = put(store)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", STAGE_AND_WAIT, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == b"staged\n"
    killed, alive = processes
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert store.sweep() == 0  # too young: a process may be about to lock it
    for path in on_its_way(tmp_path):
        os.utime(path, (0, 0))
    assert store.sweep() == 1
    assert len(on_its_way(tmp_path)) == 1
    alive.communicate()
    assert on_its_way(tmp_path) == []
    assert everything(store) == [key]


def test_keys_are_listed_by_the_age_of_their_ids(store):
    old, new = f"ab/{'0' * 26}", put(store)
    put(store, key=old)
    assert list(store.keys(older_than=timedelta(hours=1))) == [old]
    assert sorted(everything(store)) == sorted([old, new])


def test_a_file_that_is_none_of_ours_is_not_listed(tmp_path):
    store = BlobStore(f"file://{tmp_path}", scratch=tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    assert everything(store) == []


@pytest.mark.parametrize(
    ("url", "says"),
    [("nosuch://bucket", "GENRELAB_BLOB_URL"), ("file:///proc/nosuch", "cannot be made")],
)
def test_a_store_that_cannot_be_used_is_named(tmp_path, url, says):
    with pytest.raises(ConfigurationError, match=says):
        BlobStore(url, scratch=tmp_path)


@pytest.mark.skipif(find_spec("s3fs") is not None, reason="s3fs is installed here")
def test_a_store_whose_package_is_missing_says_which(tmp_path):
    with pytest.raises(ConfigurationError, match="s3fs"):
        BlobStore("s3://bucket", scratch=tmp_path)
