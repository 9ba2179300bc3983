"""Files of clips that were made: WAV, FLAC, OGG Vorbis and MP3, each with the account of how it came about inside.

The account is a JSON object in the comment of the file, which common players and tools show: ICMT in the INFO chunk
of a WAV, COMMENT in a FLAC or OGG, COMM in the ID3 tag of an MP3. The same sound and account give the same bytes.
"""

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from features.errors import CorruptAudio, FeatureError, InvalidSamples, NoProvenance, UnsupportedFormat
from features.ogg_serial import set_serial

# By suffix: format and coding in libsndfile's words, with settings of quality.
FORMATS: dict[str, dict[str, Any]] = {
    "wav": {"format": "WAV", "subtype": "PCM_16"},
    "flac": {"format": "FLAC", "subtype": "PCM_16"},
    "ogg": {"format": "OGG", "subtype": "VORBIS", "compression_level": 0.3},  # quality 7 of 10
    "mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "compression_level": 0.0, "bitrate_mode": "VARIABLE"},
}
LOSSLESS = ("wav", "flac")
FULL_SCALE = 32767
PIECE_SAMPLES = 2**16  # coded at once: the pages of an Ogg file depend on it, and many minutes overflow its stack
OGG_SERIAL = 1
MAX_PROVENANCE_CHARACTERS = 2**20
BEGINNING = '{"generated":'  # of every account


def write_clip(
    target: str | os.PathLike[str] | BinaryIO,
    blocks: Iterable[np.ndarray],
    *,
    sr: int,
    provenance: Mapping[str, Any],
    format: str | None = None,
) -> None:
    """Write a clip, block by block.

    A file of that name is replaced in one step once all is written. Where that fails or is stopped, nothing is left of
    it, and what was there before stays.

    Parameters
    ----------
    target : str, os.PathLike or BinaryIO
        A path whose suffix says the format, or an empty binary file that can be read, written and sought, and stays
        open.
    blocks : iterable of np.ndarray, each (n,)
        Mono audio within -1 and 1. WAV and FLAC get the nearest of 16-bit values, without dither.
    sr : int
        Sampling rate in Hz.
    provenance : mapping
        How the clip was made, ready for JSON, with `generated` true first and `software`.
    format : str, optional
        One of `FORMATS`; required where the target is no path, and refused otherwise.

    Raises
    ------
    UnsupportedFormat
        If the format is none of the four, or cannot hold this sampling rate.
    FeatureError
        If there is no sample, a block is not mono, or the provenance is not what it must be.
    InvalidSamples
        If a sample is not within -1 and 1.
    OSError
        If the file cannot be written, such as on a full disk; it names the path.
    """
    account = _account(provenance)
    if isinstance(target, (str, os.PathLike)):
        if format is not None:
            raise FeatureError(f"format={format!r}: the suffix of {os.fspath(target)} says it")
        path = Path(target)
        format = format_of(path)
        with _replacing(path) as file:
            _encode(file, blocks, sr=sr, format=format, account=account, software=str(provenance["software"]))
        return
    if format not in FORMATS:
        raise UnsupportedFormat(f"format={format!r}: expected {_choices('')}")
    _encode(target, blocks, sr=sr, format=format, account=account, software=str(provenance["software"]))


def format_of(path: str | os.PathLike[str]) -> str:
    """Format that the suffix of a path says: one of `FORMATS`. Raises UnsupportedFormat for others."""
    suffix = Path(path).suffix.lower()
    if suffix[1:] not in FORMATS:
        raise UnsupportedFormat(f"{os.fspath(path)}: clips are written as {_choices('.')}, by the suffix of the name")
    return suffix[1:]


def pcm16(y: np.ndarray) -> np.ndarray:
    """Samples as 16-bit integers, as WAV and FLAC files of clips hold them: full scale is 32,767.

    Raises
    ------
    FeatureError
        If `y` is not mono.
    InvalidSamples
        If a sample is not within -1 and 1: it would clip.
    """
    return np.rint(_checked(y) * np.float64(FULL_SCALE)).astype(np.int16)


def read_provenance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a file says about how it was made.

    Raises
    ------
    NoProvenance
        If it says nothing, and is no clip of ours or was saved anew without its tags.
    CorruptAudio
        If the file or its account is damaged.
    OSError
        If it cannot be read.
    """
    name = os.fspath(path)
    comments = [text for text in _comments(path) if text.startswith(BEGINNING)]
    if not comments:
        raise NoProvenance(f"{name}: no clip that was made here, or saved anew without its tags since")
    # MP3 repeats the first 30 characters in its older tag.
    text = max(comments, key=len)
    try:
        if len(text) > MAX_PROVENANCE_CHARACTERS:
            raise ValueError
        account = json.loads(text)
    except (ValueError, RecursionError):
        raise CorruptAudio(f"{name}: the account of how it was made is damaged; copy the file again") from None
    return account


def _encode(file: BinaryIO, blocks: Iterable[np.ndarray], *, sr: int, format: str, account: str, software: str) -> None:
    side = _WritingSide(file)
    n_samples = 0
    try:
        try:
            sound = soundfile.SoundFile(side, "w", sr, 1, **FORMATS[format])
        except soundfile.LibsndfileError as error:
            side.check()
            raise UnsupportedFormat(f"a sampling rate of {sr} Hz cannot be written as {format.upper()}") from error
        with sound:
            sound.comment, sound.software = account, software
            for y in _pieces(blocks):
                sound.write(pcm16(y) if format in LOSSLESS else y)
                side.check()
                n_samples += y.size
    except (soundfile.SoundFileError, AssertionError):  # the latter where fewer samples were written than given
        side.check()
        raise
    side.check()
    if n_samples == 0:
        raise FeatureError("a clip without any sample")
    if format == "ogg":
        set_serial(file, OGG_SERIAL)


class _WritingSide:
    """A binary file, for a library that calls back: what goes wrong in a callback is kept, and raised by `check`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: BaseException | None = None
        self.read, self.tell, self.seek = file.read, file.tell, file.seek

    def write(self, data: bytes) -> int:
        """Write, or do nothing once that failed."""
        if self._error is not None:
            return 0
        try:
            return self._file.write(data)
        except BaseException as error:  # noqa: BLE001 - it would be printed and lost, Ctrl-C too
            self._error = error
            return 0

    def check(self) -> None:
        """Raise what went wrong."""
        if self._error is not None:
            raise self._error


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """An open file beside `path` that takes its place when all went well."""
    # Not tempfile.mkstemp: the file is to have the permissions that files of this user have.
    draft = path.with_name(f".genrelab-{secrets.token_hex(8)}{path.suffix}")
    try:
        with open(draft, "xb+") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        if error.filename in (None, os.fspath(draft)):
            raise OSError(error.errno, error.strerror or str(error), os.fspath(path)) from None
        raise
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _account(provenance: Mapping[str, Any]) -> str:
    """The provenance in one line of ASCII."""
    if next(iter(provenance.items()), None) != ("generated", True) or "software" not in provenance:
        raise FeatureError("provenance without `generated` (true, first) and `software`")
    try:
        account = json.dumps(dict(provenance), separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise FeatureError(f"provenance that is no JSON: {error}") from error
    if len(account) > MAX_PROVENANCE_CHARACTERS:
        raise FeatureError(f"provenance of {len(account)} characters: expected {MAX_PROVENANCE_CHARACTERS} at most")
    return account


def _comments(path: str | os.PathLike[str]) -> list[str]:
    """All comments in the tags of a file."""
    import av

    from features.containers import identify
    from features.ffmpeg import OPTIONS
    from features.reading_side import ReadingSide

    with open(path, "rb") as file:
        content = identify(file)
        file.seek(0)
        try:
            # Damaged tags are read as far as they go, so that it can be said what they were.
            with av.open(ReadingSide(file), options=OPTIONS, metadata_errors="replace") as container:
                tags = [container.metadata, *(stream.metadata for stream in container.streams)]
        except (av.error.FFmpegError, ValueError, UnicodeError) as error:
            raise CorruptAudio(f"{os.fspath(path)}: {content.description}, damaged or no sound at all") from error
    return [text for each in tags for name, text in each.items() if name.lower() == "comment"]


def _pieces(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The samples of all blocks, cut anew: a file does not depend on how they came."""
    held = np.empty(0, np.float32)
    for block in blocks:
        held = np.concatenate([held, _checked(block)])
        while held.size >= PIECE_SAMPLES:
            yield held[:PIECE_SAMPLES]
            held = held[PIECE_SAMPLES:]
    if held.size:
        yield held


def _checked(y: np.ndarray) -> np.ndarray:
    if y.ndim != 1:
        raise FeatureError(f"expected mono audio of shape (n,), got {y.shape}")
    if y.size and not np.abs(y).max() <= 1.0:  # true for NaN too
        raise InvalidSamples(f"a sample of {np.abs(y).max():.3g}: expected -1 to 1, which is full scale")
    return y


def _choices(before: str) -> str:
    *most, last = (before + name for name in FORMATS)
    return f"{', '.join(most)} or {last}"
