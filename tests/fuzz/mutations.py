"""Damaged recordings: each is one valid file with something done to it that happens to files, or that somebody did."""

from collections.abc import Callable, Iterator

import numpy as np

Mutation = Callable[[bytes, np.random.Generator], bytes]


def flip_bits(content: bytes, rng: np.random.Generator) -> bytes:
    """A few wrong bits anywhere."""
    data = bytearray(content)
    for position in rng.integers(0, len(data), size=int(rng.integers(1, 30))):
        data[position] ^= 1 << int(rng.integers(0, 8))
    return bytes(data)


def scramble_header(content: bytes, rng: np.random.Generator) -> bytes:
    """Random bytes among the first 128: lengths, rates and channel counts that lie."""
    data = bytearray(content)
    for position in rng.integers(4, min(128, len(data)), size=int(rng.integers(1, 12))):
        data[position] = int(rng.choice([0, 0xFF, 0x7F, 0x80, int(rng.integers(0, 256))]))
    return bytes(data)


def truncate(content: bytes, rng: np.random.Generator) -> bytes:
    """An upload or a download that broke off."""
    return content[: int(rng.integers(0, len(content)))]


def zero_span(content: bytes, rng: np.random.Generator) -> bytes:
    """A hole of a sparse file or a bad sector."""
    start = int(rng.integers(0, len(content)))
    length = int(rng.integers(1, max(2, len(content) // 4)))
    return content[:start] + bytes(min(length, len(content) - start)) + content[start + length :]


def duplicate_span(content: bytes, rng: np.random.Generator) -> bytes:
    """A block that is there twice."""
    start = int(rng.integers(0, len(content)))
    span = content[start : start + int(rng.integers(1, 4096))]
    return content[:start] + span + content[start:]


def delete_span(content: bytes, rng: np.random.Generator) -> bytes:
    """A block that is missing."""
    start = int(rng.integers(0, len(content)))
    return content[:start] + content[start + int(rng.integers(1, 4096)) :]


def append_garbage(content: bytes, rng: np.random.Generator) -> bytes:
    """Something stuck to the end."""
    return content + rng.bytes(int(rng.integers(1, 8192)))


def overwrite_number(content: bytes, rng: np.random.Generator) -> bytes:
    """A 32-bit field somewhere with a value that arithmetic trips over."""
    value = int(rng.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE]))
    start = int(rng.integers(0, max(1, min(len(content), 2048) - 4)))
    return content[:start] + value.to_bytes(4, "little") + content[start + 4 :]


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits,
    scramble_header,
    truncate,
    zero_span,
    duplicate_span,
    delete_span,
    append_garbage,
    overwrite_number,
)


def mutated_files(originals: dict[str, bytes], *, n_files: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Damaged files in turn: every original with every mutation, again and again with other random numbers.

    Parameters
    ----------
    originals : dict
        File name to content of the valid files.
    n_files : int
        How many to make.
    seed : int
        The same seed makes the same files.

    Yields
    ------
    tuple of str and bytes
        A name that says what was done, and the content. Every tenth name lies about the format.
    """
    names = sorted(originals)
    for index in range(n_files):
        rng = np.random.default_rng([seed, index])
        name = names[index % len(names)]
        mutation = MUTATIONS[(index + index // len(names)) % len(MUTATIONS)]
        content = mutation(originals[name], rng)
        if rng.random() < 0.25:
            content = MUTATIONS[int(rng.integers(len(MUTATIONS)))](content or b"\0", rng)
        suffix = names[int(rng.integers(len(names)))] if index % 10 == 9 else name
        yield f"{index:04d}-{mutation.__name__}-{suffix}", content
