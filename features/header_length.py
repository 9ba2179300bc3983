"""Whether the header of a WAV, AIFF, AU or FLAC file keeps its word about the length.

Decoders read what is there and say nothing, so a copy that broke off half-way would pass for a short recording.
Lengths are in bytes.
"""

import math
import struct
from collections.abc import Iterator
from typing import BinaryIO

from features.errors import CorruptAudio

MISSING_S = 0.05  # of sound that a header may promise too much: some writers count the last block as full
HIDDEN_S = 1.0  # of sound that may lie behind what the header names: careless programs append tags there
STREAMED_FROM = 0x7FFF0000  # writers that cannot go back to correct a length put 0, or something from here up
MAX_CHUNKS = 1000
FLAC_TAGS_BYTES = 1 << 16  # that a careless program may have appended
AU_SAMPLE_BYTES = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}
AIFC_PCM = {b"NONE", b"sowt", b"twos", b"raw ", b"in24", b"in32", b"42ni", b"23ni", b"fl32", b"FL32", b"fl64", b"FL64"}


def check_length(file: BinaryIO, *, format: str, start: int = 0) -> None:
    """Refuse a header that promises other sound than the file holds.

    Parameters
    ----------
    file : BinaryIO
        Readable and seekable; its position is moved.
    format : str
        "wav", "aiff", "au" or "flac"; others have no such header and pass.
    start : int
        Where the header begins.

    Raises
    ------
    CorruptAudio
        If more than 0.05 s of the promised sound is missing, or more than a second lies where no header names it.
        Lengths that streaming writers leave (0, or near 2 or 4 GiB) promise nothing and pass.
    """
    check = {"wav": _check_wav, "aiff": _check_aiff, "au": _check_au, "flac": _check_flac}.get(format)
    if check is None:
        return
    total = file.seek(0, 2)
    file.seek(start)
    try:
        check(file, total)
    except struct.error:
        return  # a header too short to promise anything: the decoder has the word


def _check_wav(file: BinaryIO, total: int) -> None:
    kind = file.read(12)[:4]
    byte_order = ">" if kind == b"RIFX" else "<"
    bytes_per_s = long_size = 0
    for name, begin, size in _chunks(file, byte_order, total):
        if name == b"ds64":
            (long_size,) = struct.unpack("<8xQ", file.read(16))
        elif name == b"fmt ":
            _, _, rate, bytes_per_s, align, _ = struct.unpack(byte_order + "HHIIHH", file.read(16))
            bytes_per_s = bytes_per_s or rate * align
        elif name == b"data":
            if size == 0xFFFFFFFF and kind == b"RF64":
                size = long_size
            elif size == 0 or size >= STREAMED_FROM:
                return
            _compare("WAV", size, total - begin, bytes_per_s, hidden=_hidden(file, byte_order, begin + size, total))
            return


def _check_aiff(file: BinaryIO, total: int) -> None:
    is_pcm = file.read(12)[8:] == b"AIFF"
    promised = bytes_per_s = 0
    for name, begin, size in _chunks(file, ">", total):
        if name == b"COMM":
            channels, frames, bits, exponent, mantissa = struct.unpack(">HIHHQ", file.read(18))
            frame_bytes = channels * ((bits + 7) // 8)
            rate = math.ldexp(mantissa, min((exponent & 0x7FFF) - 16383, 63) - 63)
            bytes_per_s = int(min(rate, 1e9)) * frame_bytes
            is_pcm = is_pcm or file.read(4) in AIFC_PCM
            promised = frames * frame_bytes if is_pcm and frames < STREAMED_FROM else 0
        elif name == b"SSND":
            if 8 < size < STREAMED_FROM:
                hidden = _hidden(file, ">", begin + size, total)
                _compare("AIFF", size - 8, total - begin - 8, bytes_per_s, hidden=hidden)
            if promised:
                held = total - begin - 8 if size <= 8 or size >= STREAMED_FROM else size - 8
                _compare("AIFF", promised, held, bytes_per_s, hidden=held - promised)
            return


def _check_au(file: BinaryIO, total: int) -> None:
    header = file.read(24)
    byte_order = "<" if header[:4] == b"dns." else ">"
    begin, size, encoding, rate, channels = struct.unpack(byte_order + "4x5I", header)
    if 0 < size < STREAMED_FROM:
        bytes_per_s = rate * channels * AU_SAMPLE_BYTES.get(encoding, 0)
        _compare("AU", size, total - begin, bytes_per_s, hidden=total - begin - size)


def _check_flac(file: BinaryIO, total: int) -> None:
    """Whether the file is far too large for what its header promises; a missing end shows when decoding."""
    begin = file.tell() + 4
    n_samples = rate = most = 0
    for _ in range(MAX_CHUNKS):
        file.seek(begin)
        (head,) = struct.unpack(">I", file.read(4))
        if head >> 24 & 0x7F == 0:  # STREAMINFO
            block, _, frame_sizes, packed = struct.unpack(">HH6sQ", file.read(18))
            largest = int.from_bytes(frame_sizes[3:])
            n_samples, rate = packed & 0xFFFFFFFFF, packed >> 44
            if not (n_samples and rate and largest and block):
                return
            most = math.ceil(n_samples / block) * largest
        begin += 4 + (head & 0xFFFFFF)
        if head >> 31:  # the last block of metadata
            break
    if most and total - begin > most + FLAC_TAGS_BYTES:
        raise CorruptAudio(
            f"the FLAC header promises {n_samples / rate:.1f} s of sound, the file holds more: "
            "its length was never corrected, export it again"
        )


def _compare(format: str, promised: int, there: int, bytes_per_s: int, *, hidden: int) -> None:
    if not bytes_per_s:
        return
    if promised - there > MISSING_S * bytes_per_s:
        raise CorruptAudio(
            f"the {format} header promises {promised / bytes_per_s:.1f} s of sound, the file ends after "
            f"{max(0, there) / bytes_per_s:.1f} s: it was cut off, copy or export it again"
        )
    if hidden > HIDDEN_S * bytes_per_s:
        raise CorruptAudio(
            f"the {format} header promises {promised / bytes_per_s:.1f} s of sound, the file holds "
            f"{(promised + hidden) / bytes_per_s:.1f} s: its length was never corrected, export it again"
        )


def _chunks(file: BinaryIO, byte_order: str, total: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin and length of each chunk from here on; the position is at its begin."""
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        name, size = struct.unpack(byte_order + "4sI", head)
        begin = file.tell()
        yield name, begin, size
        following = begin + size + size % 2
        if following >= total:
            return
        file.seek(following)


def _hidden(file: BinaryIO, byte_order: str, end: int, total: int) -> int:
    """Bytes from `end` to the end of the file that no chunk accounts for, other than tags and padding."""
    end += end % 2
    if end >= total:
        return 0
    file.seek(end)
    for name, begin, size in _chunks(file, byte_order, total):
        if not all(32 <= byte < 127 for byte in name) or begin + size > total:
            break
        end = begin + size + size % 2
    file.seek(min(end, total))
    rest = file.read(4096)
    return 0 if rest.startswith((b"ID3", b"TAG", b"APETAGEX")) or not any(rest) else total - end
