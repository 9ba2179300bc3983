"""Archives of plain arrays (.npz), read without trust: nothing is unpickled, and whatever the bytes are, the error is
one of two.

Not by `numpy.load`, which tries other formats on what is no zip file, and whose messages advise to unpickle it.
"""

import io
import os
import struct
import tokenize
import zipfile
import zlib
from typing import BinaryIO

import numpy as np

from features.errors import FeatureError

_DAMAGE = (  # what zipfile, zlib and numpy.lib.format raise for bytes that are not theirs
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    struct.error,
    SyntaxError,
    tokenize.TokenError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
)


class DamagedArchive(FeatureError):
    """The file is no .npz archive, or an array in it cannot be read without running code."""


def read_npz(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of an archive by name.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DamagedArchive
        If what it holds is not what `numpy.savez` writes; object arrays are refused.
    """
    with open(path, "rb") as file:
        return _arrays(file, os.fspath(path))


def unpack_npz(content: bytes, *, name: str) -> dict[str, np.ndarray]:
    """The same for an archive in memory, called `name` in the error."""
    return _arrays(io.BytesIO(content), name)


def _arrays(file: BinaryIO, name: str | bytes) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(file) as archive:
            return {member.removesuffix(".npy"): _array(archive, member) for member in archive.namelist()}
    except _DAMAGE as error:
        raise DamagedArchive(f"{name!s}: no .npz archive of plain arrays, or a damaged one") from error


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as member:
        return np.lib.format.read_array(member, allow_pickle=False)
