"""Bodies of requests: what is large goes to the data folder's own disk and vanishes, what is broken is an error."""

import io
import os
from pathlib import Path

import pytest
from flask import request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from service.api.requests import MAX_BODY_BYTES, MAX_FORM_FIELD_BYTES, MAX_FORM_PARTS, SPOOL_BYTES


def form(*parts: bytes, end: bytes = b"--b--\r\n") -> dict:
    """A multipart form out of parts, each of headers, an empty line and content."""
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end
    return {"data": body, "content_type": "multipart/form-data; boundary=b", "method": "POST"}


def file(content: bytes, name: str = "a.wav", field: str = "file") -> bytes:
    head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + content


def text(content: bytes, field: str = "note") -> bytes:
    return f'Content-Disposition: form-data; name="{field}"\r\n\r\n'.encode() + content


@pytest.fixture
def received(app):
    """The context of a request with this body, whose size is not limited."""

    def receive(**kwargs):
        context = app.test_request_context("/v1/classifications", **kwargs)
        context.request.max_content_length = 1 << 30
        return context

    return receive


@pytest.fixture
def incoming(app) -> Path:
    return app.config["INCOMING_DIR"]


def spooled_to(folder: Path) -> list[int]:
    """Sizes of the nameless files that this process holds open in a folder."""
    sizes = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue
        if target.startswith(f"{folder}/") and target.endswith("(deleted)"):
            sizes.append(os.stat(f"/proc/self/fd/{descriptor}").st_size)
    return sizes


@pytest.mark.parametrize("n_bytes", [0, 1, SPOOL_BYTES, SPOOL_BYTES + 1, 3 * SPOOL_BYTES])
def test_an_upload_arrives_byte_for_byte(received, n_bytes):
    content = os.urandom(n_bytes)
    with received(**form(file(content))):
        upload = request.files["file"]
        assert (upload.filename, upload.stream.read()) == ("a.wav", content)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="looks at open files in /proc")
@pytest.mark.parametrize(("n_bytes", "on_disk"), [(SPOOL_BYTES // 2, []), (2 * SPOOL_BYTES, [2 * SPOOL_BYTES])])
def test_what_is_large_lies_on_the_data_folder_s_disk_and_vanishes_with_its_request(
    received, incoming, n_bytes, on_disk
):
    context = received(**form(file(bytes(n_bytes))))
    with context:
        stream = request.files["file"].stream
        stream.flush()
        assert spooled_to(incoming) == on_disk
        assert list(incoming.iterdir()) == []  # without a name: even a killed process leaves nothing
        request.close()
    assert spooled_to(incoming) == []


def test_the_folder_is_made_when_the_first_upload_comes(received, incoming):
    assert not incoming.exists()
    with received(**form(text(b"no file"))):
        assert request.form["note"] == "no file"
    assert not incoming.exists()
    with received(**form(file(b"x"))):
        assert "file" in request.files
    assert incoming.is_dir()


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (form(file(b"RIFF"), end=b""), BadRequest, "damaged"),
        (form(file(b"RIFF"), end=b"--b"), BadRequest, "damaged"),
        (form(end=b"garbage"), BadRequest, "damaged"),
        (form(text(b"x" * (MAX_FORM_FIELD_BYTES + 1))), RequestEntityTooLarge, "413"),
        (form(*[text(b"x", f"note{n}") for n in range(MAX_FORM_PARTS + 1)]), RequestEntityTooLarge, "413"),
    ],
    ids=["no end", "half an end", "no part", "a long field", "many parts"],
)
def test_half_a_form_is_not_taken_for_a_whole_one(received, body, error, words):
    with received(**body), pytest.raises(error, match=words):
        _ = request.files


def test_a_form_up_to_the_limits_is_fine(received):
    parts = [text(b"x" * 100, f"note{n}") for n in range(MAX_FORM_PARTS - 1)]
    with received(**form(*parts, file(b"RIFF"))):
        assert len(request.form) == MAX_FORM_PARTS - 1
        assert request.files["file"].stream.read() == b"RIFF"
    with received(**form(text(b"x" * (MAX_FORM_FIELD_BYTES // 2)))):
        assert len(request.form["note"]) == MAX_FORM_FIELD_BYTES // 2


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json"])
def test_a_body_that_is_no_upload_is_bounded(app, content_type):
    small = {"method": "POST", "content_type": content_type, "data": b"a=" + b"x" * (MAX_BODY_BYTES - 100)}
    with app.test_request_context("/login", **small):
        assert len(request.get_data()) == MAX_BODY_BYTES - 98
    large = small | {"data": io.BytesIO(b"a=" + b"x" * MAX_BODY_BYTES)}
    with app.test_request_context("/login", **large), pytest.raises(RequestEntityTooLarge):
        request.get_data()


def test_another_encoding_of_a_form_s_names_is_no_trouble(received):
    with received(**form(file(b"RIFF", "ünïcödé ♫.wav"), text("é".encode("latin-1")))):
        assert request.files["file"].filename == "ünïcödé ♫.wav"
        assert request.form["note"] == "\ufffd"
