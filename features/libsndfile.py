"""Reading PCM formats and FLAC through libsndfile: exact, strict about checksums, and quick to seek."""

import io
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import soundfile

from features.errors import CorruptAudio, EmptyFile, UnsupportedFormat
from features.reading_side import ReadingSide

STEP_FRAMES = 4096  # in which a damaged file is read again, to say where the damage is
UNKNOWN_LENGTH = 2**62  # libsndfile says 2**63 - 1 where the header says "until the end"


class SndfileReader:
    """Float32 blocks of a file that libsndfile knows.

    Parameters
    ----------
    file : BinaryIO
        Readable and seekable, at any position; it stays open.
    format : str
        What `features.containers.identify` called it.

    Raises
    ------
    UnsupportedFormat
        If libsndfile cannot open it.
    EmptyFile
        If there is no sample in it.
    """

    def __init__(self, file: BinaryIO, format: str) -> None:
        self._source = file
        self.format = format
        try:
            self._file = self._open()
        except soundfile.LibsndfileError as error:
            raise UnsupportedFormat(
                f"{format.upper()} file with a codec or header that is not read here: export it as FLAC or 16-bit WAV"
            ) from error
        self.sample_rate = self._file.samplerate
        self.channels = self._file.channels
        self.n_frames = self._file.frames if self._file.frames < UNKNOWN_LENGTH else None
        if self.n_frames is None and format == "flac":
            self.close()
            raise UnsupportedFormat("FLAC of unknown length")  # libsndfile takes its end for damage
        if self.n_frames == 0:
            self.close()
            raise EmptyFile(f"{format.upper()} header without any sound: record or export the file again")

    def blocks(self, size: int, *, start: int = 0) -> Iterator[np.ndarray]:
        """Yield float32 blocks of shape (n <= size, channels) from frame `start` to the end.

        Raises
        ------
        CorruptAudio
            At the first damage; the message says after how many seconds.
        """
        position = self._seek(start)
        while True:
            block = np.empty((size, self.channels), dtype=np.float32)
            try:
                block = self._file.read(out=block)
            except soundfile.LibsndfileError as error:
                raise self._damaged(self._readable_frames()) from error
            if len(block) == 0:
                break
            position += len(block)
            yield block
        # What Ogg says of its length is where its last page ends, and it may begin late.
        if self.n_frames is not None and position < self.n_frames and self.format != "ogg":
            raise self._damaged(position)

    def close(self) -> None:
        """Free the decoder; the file stays open."""
        self._file.close()

    def _open(self) -> soundfile.SoundFile:
        self._source.seek(0)
        # A plain file is given by its descriptor, which saves a call back into Python for each read.
        # No name reaches libsndfile, which would guess headerless formats from it.
        plain = isinstance(self._source, io.FileIO)
        return soundfile.SoundFile(self._source.fileno() if plain else ReadingSide(self._source), closefd=False)

    def _seek(self, start: int) -> int:
        if start == 0:
            return 0
        if self.n_frames is not None:
            start = min(start, self.n_frames)
        try:
            return self._file.seek(start)
        except soundfile.LibsndfileError as error:
            raise self._damaged(self._readable_frames()) from error

    def _readable_frames(self) -> int:
        """Frames from the beginning to the first damage."""
        position = 0
        with self._open() as file:
            try:
                while n := len(file.read(STEP_FRAMES, dtype="float32")):
                    position += n
            except soundfile.LibsndfileError:
                pass  # the damage, found again
        return position

    def _damaged(self, position: int) -> CorruptAudio:
        promised = "" if self.n_frames is None else f" of {self.n_frames / self.sample_rate:.1f} s"
        return CorruptAudio(
            f"a damaged or cut-off {self.format.upper()} file: it can be read for {position / self.sample_rate:.1f} s"
            f"{promised}; copy or export it again"
        )
