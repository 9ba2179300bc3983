import io

import numpy as np
import pytest

from features.npz import DamagedArchive, read_npz, unpack_npz

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b/c": np.array([1, 2], np.int32), "empty": np.zeros((0, 4))}


def packed(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def test_arrays_come_back_from_memory_and_from_a_file(tmp_path):
    (tmp_path / "arrays.npz").write_bytes(packed(**ARRAYS))
    for found in (unpack_npz(packed(**ARRAYS), name="it"), read_npz(tmp_path / "arrays.npz")):
        assert list(found) == list(ARRAYS)
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", packed(**ARRAYS)[:-40], b"\x80\x04N.", packed(a=np.array([{}], object))],
    ids=["nothing", "a beginning", "cut", "a pickle", "objects"],
)
def test_what_holds_no_plain_arrays_is_refused_by_name(content):
    with pytest.raises(DamagedArchive, match="version 2 of Fado"):
        unpack_npz(content, name="version 2 of Fado")
