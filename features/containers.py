"""What a file is by its first bytes, and whether its header keeps its word about the length.

Nothing is decoded here. Formats are named as people name them: "wav", "flac", "m4a".
"""

import codecs
from typing import BinaryIO, NamedTuple

HEAD_BYTES = 4096
UNKNOWN = "data in no known format"

# Formats that libsndfile reads: their magic at an offset, and the name.
_PCM_MAGIC = (
    (8, b"WAVE", (b"RIFF", b"RIFX", b"RF64"), "wav"),
    (8, b"AIFF", (b"FORM",), "aiff"),
    (8, b"AIFC", (b"FORM",), "aiff"),
    (8, b"8SVX", (b"FORM",), "svx"),
    (8, b"16SV", (b"FORM",), "svx"),
    (0, b".snd", (b"",), "au"),
    (0, b"dns.", (b"",), "au"),
    (0, b"fLaC", (b"",), "flac"),
    (0, b"caff", (b"",), "caf"),
    (0, b"riff\x2e\x91\xcf\x11", (b"",), "w64"),
    (0, b"Creative Voice File\x1a", (b"",), "voc"),
    (0, b"NIST_1A\n", (b"",), "nist"),
)
# Formats that FFmpeg reads.
_CODED_MAGIC = (
    (0, b"OggS", "ogg"),
    (0, b"ID3", "mp3"),
    (4, b"ftyp", "mp4"),
    (4, b"moov", "mp4"),
    (4, b"mdat", "mp4"),
    (4, b"wide", "mp4"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "asf"),
    (8, b"AVI ", "avi"),
    (0, b"FLV\x01", "flv"),
    (0, b"#!AMR", "amr"),
    (0, b"MAC ", "ape"),
    (0, b"wvpk", "wv"),
    (0, b"TTA1", "tta"),
    (0, b"DSD ", "dsf"),
    (0, b"MPCK", "mpc"),
    (0, b"MP+", "mpc"),
    (0, b"\x0bw", "ac3"),
    (0, b"\x00\x00\x01\xba", "mpg"),
)
# What people upload by mistake, so that the message can say what arrived.
_OTHER_MAGIC = (
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive or office document"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (8, b"WEBP", "a WebP picture"),
    (0, b"MThd", "a MIDI file, which holds notes and no sound"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"SQLite format 3", "a database"),
)


class Content(NamedTuple):
    """What the first bytes show."""

    format: str  # "" where no magic number is known
    pcm: bool  # libsndfile's business
    start: int  # where it begins, behind ID3v2 tags
    head: bytes  # the first bytes from there
    description: str  # for people


def identify(file: BinaryIO) -> Content:
    """Tell what a file holds, from its first bytes.

    Parameters
    ----------
    file : BinaryIO
        Readable and seekable; its position is moved.

    Returns
    -------
    Content
        `format` is empty where the bytes are no magic number: MPEG audio, for one, may start anywhere.
    """
    start, head = 0, b""
    for _ in range(4):  # tags follow one another in files that were tagged by careless programs
        file.seek(start)
        head = file.read(HEAD_BYTES)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        start += 10 + size + (10 if head[5] & 0x10 else 0)
    for offset, magic, parents, name in _PCM_MAGIC:
        if head[offset : offset + len(magic)] == magic and head.startswith(parents):
            return Content(name, not _is_mpeg_wav(head), start, head, f"{name.upper()} data")
    for offset, magic, name in _CODED_MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return Content(name, False, start, head, f"{name.upper()} data")
    if start:
        return Content("mp3", False, start, head, "data after an ID3 tag")
    description = _describe(head)
    if description == UNKNOWN and _is_mpeg_frame(head):
        return Content("mp3", False, 0, head, "data that begins like MPEG audio")
    return Content("", False, 0, head, description)


def _is_mpeg_wav(head: bytes) -> bool:
    """Whether a WAV header announces MPEG audio, which libsndfile decodes too, but not without remarks on stderr."""
    at = head.find(b"fmt ") + 8
    tag = head[at : at + 2]
    if tag == b"\xfe\xff":  # extensible: the tag comes further down
        tag = head[at + 24 : at + 26]
    return head.startswith(b"RIFF") and at >= 8 and tag in (b"\x50\x00", b"\x55\x00")


def _is_mpeg_frame(head: bytes) -> bool:
    """Whether the bytes begin like a frame of MPEG audio, layers I to III."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer, bit_rate, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer != 0 and bit_rate not in (0, 15) and rate != 3


def _describe(head: bytes) -> str:
    for offset, magic, description in _OTHER_MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return description
    whole = len(head) < HEAD_BYTES  # else the last character may be cut
    for encoding in ("utf-8", "utf-16") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8",):
        try:
            decoded = codecs.getincrementaldecoder(encoding)().decode(head, final=whole)
        except UnicodeDecodeError:
            continue
        if all(character.isprintable() or character.isspace() for character in decoded):
            start = decoded.lstrip()[:200].lower()
            return "a web page" if start.startswith(("<!doctype html", "<html")) else "plain text"
    return UNKNOWN
