"""Messages between processes: what goes in comes out, and nonsense is refused."""

import io
import json
import struct

import numpy as np
import pytest

from features.wire import MAX_ARRAY_BYTES, WireError, pack, unpack


def _unpack(data: bytes):
    file = io.BytesIO(data)

    def read(n_bytes: int) -> bytearray:
        piece = file.read(n_bytes)
        if len(piece) < n_bytes:
            raise EOFError
        return bytearray(piece)

    return unpack(read)


def _message(header: object, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<II", len(text), len(payload)) + text + payload


def test_what_goes_in_comes_out(rng: np.random.Generator) -> None:
    arrays = {
        "frames": rng.random((7, 96)).astype(np.float32),
        "turned": rng.random((4, 3)).T,
        "png": np.arange(5, dtype=np.uint8),
        "empty": np.empty((0, 96), np.float32),
        "number": np.array(2.5),
    }

    header, received = _unpack(b"".join(pack({"kind": "result", "progress": 0.25, "name": "Bjørk"}, arrays)))

    assert header == {"kind": "result", "progress": 0.25, "name": "Bjørk"}
    assert list(received) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(received[name], array)
        assert received[name].dtype == array.dtype
        assert received[name].flags.writeable


def test_types_that_hide_programs_do_not_travel() -> None:
    with pytest.raises(WireError, match="of object"):
        pack({}, {"x": np.array([print])})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (struct.pack("<II", 2**31, 0), "too long"),
        (struct.pack("<II", 2, MAX_ARRAY_BYTES + 1) + b"{}", "too long"),
        (_message(b"no json"), "no header"),
        (_message(b"\xff\xfe"), "no header"),
        (_message(b"[" * 100_000), "no header"),
        (_message([]), "no header"),
        (_message({"kind": "x"}), "no header"),
        (_message({"arrays": [["x", "float32"]]}), "no header"),
        (_message({"arrays": [["x", "object", [1]]]}, bytes(8)), "array x of object"),
        (_message({"arrays": [["x", "float32", [-1]]]}, bytes(8)), "shape"),
        (_message({"arrays": [["x", "float32", [3]]]}, bytes(8)), "only 8 bytes came"),
        (_message({"arrays": [["x", "float32", [2**62, 4]]]}, bytes(8)), "only 8 bytes came"),
        (_message({"arrays": [["x", "float32", [1]]]}, bytes(8)), "4 bytes belong to no array"),
    ],
)
def test_nonsense_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(WireError, match=message):
        _unpack(data)
