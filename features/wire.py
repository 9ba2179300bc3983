"""Messages between the analyser and its separate processes: a JSON header and named arrays, no pickle.

On the wire a message is two lengths (header, arrays; 4 bytes each, little end first), the header as UTF-8 JSON and the
arrays' bytes one after the other. The header's key "arrays" lists their names, types and shapes. The reader
trusts nothing: a decoder that a hostile file has taken over may write anything.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

LENGTHS = struct.Struct("<II")
MAX_HEADER_BYTES = 1 << 22
MAX_ARRAY_BYTES = 1 << 28
DTYPES = ("float16", "float32", "float64", "uint8")


class WireError(ValueError):
    """What arrived is no message."""


def pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> list[bytes | memoryview]:
    """A message as pieces to write one after the other; the arrays are not copied where they are contiguous.

    Raises
    ------
    WireError
        If an array has a type that does not travel, or the message is too long.
    """
    contiguous = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    for name, array in contiguous.items():
        if array.dtype.name not in DTYPES:
            raise WireError(f"array {name} of {array.dtype}: expected one of {', '.join(DTYPES)}")
    listed = [[name, array.dtype.name, array.shape] for name, array in contiguous.items()]
    text = json.dumps({**header, "arrays": listed}).encode()
    n_bytes = sum(array.nbytes for array in contiguous.values())
    if len(text) > MAX_HEADER_BYTES or n_bytes > MAX_ARRAY_BYTES:
        raise WireError(f"a message of {len(text)} + {n_bytes} bytes: at most {MAX_HEADER_BYTES} + {MAX_ARRAY_BYTES}")
    head = LENGTHS.pack(len(text), n_bytes) + text
    return [head, *(array.reshape(-1).view(np.uint8).data for array in contiguous.values() if array.size)]


def unpack(read: Callable[[int], bytearray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read one message.

    Parameters
    ----------
    read : callable
        Gives exactly as many bytes as it is asked for, or raises.

    Returns
    -------
    header, arrays : dict, dict of np.ndarray
        As given to `pack`; the arrays are the receiver's own.

    Raises
    ------
    WireError
        If the bytes are no message.
    """
    header_bytes, array_bytes = LENGTHS.unpack(read(LENGTHS.size))
    if header_bytes > MAX_HEADER_BYTES or array_bytes > MAX_ARRAY_BYTES:
        raise WireError(f"a message of {header_bytes} + {array_bytes} bytes: it would be too long")
    try:
        header = json.loads(read(header_bytes).decode())
        listed = [(str(name), str(dtype), tuple(map(int, shape))) for name, dtype, shape in header.pop("arrays")]
    except (UnicodeDecodeError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise WireError(f"no header: {error}") from error
    data = read(array_bytes)
    arrays, start = {}, 0
    for name, dtype, shape in listed:
        if dtype not in DTYPES or any(n < 0 for n in shape) or len(shape) > 8:
            raise WireError(f"array {name} of {dtype}, shape {shape}")
        count = math.prod(shape)
        if start + count * np.dtype(dtype).itemsize > array_bytes:
            raise WireError(f"array {name} of shape {shape}: only {array_bytes} bytes came")
        arrays[name] = np.frombuffer(data, dtype, count, start).reshape(shape)
        start += arrays[name].nbytes
    if start != array_bytes:
        raise WireError(f"{array_bytes - start} bytes belong to no array")
    return header, arrays
