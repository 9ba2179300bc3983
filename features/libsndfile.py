"""Reading PCM formats and FLAC through libsndfile: exact, strict about checksums, and quick to seek."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import soundfile

from features.errors import CorruptAudio, EmptyFile, UnsupportedFormat

SALVAGE_FRAMES = 1024  # steps in which a damaged block is read again, to say where the damage is
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
        file.seek(0)
        try:
            # A raw file is given by its descriptor, which saves a call back into Python for each read.
            # No name reaches libsndfile, which would guess headerless formats from it.
            handle = file.fileno() if hasattr(file, "readinto") and type(file).__name__ == "FileIO" else file
            self._file = soundfile.SoundFile(handle, closefd=False)
        except soundfile.LibsndfileError as error:
            raise UnsupportedFormat(f"{format.upper()} with a codec or header that is not read here") from error
        self.format = format
        self.sample_rate = self._file.samplerate
        self.channels = self._file.channels
        self.n_frames = self._file.frames if self._file.frames < UNKNOWN_LENGTH else None
        if self.n_frames == 0:
            self.close()
            raise EmptyFile(f"a {format.upper()} header without any sound: record or export the file again")

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
                position += self._readable_frames(position, size)
                raise self._damaged(position) from error
            if len(block) == 0:
                break
            position += len(block)
            yield block
        if self.n_frames is not None and position < self.n_frames:
            raise self._damaged(position)

    def close(self) -> None:
        """Free the decoder; the file stays open."""
        self._file.close()

    def _seek(self, start: int) -> int:
        if start == 0 or (self.n_frames is not None and start >= self.n_frames):
            return self._file.seek(0 if start == 0 else self.n_frames)
        try:
            return self._file.seek(start)
        except soundfile.LibsndfileError as error:
            raise self._damaged(start) from error

    def _readable_frames(self, position: int, size: int) -> int:
        readable = 0
        try:
            self._file.seek(position)
            while readable < size:
                n = len(self._file.read(SALVAGE_FRAMES, dtype="float32"))
                if n == 0:
                    break
                readable += n
        except soundfile.LibsndfileError:
            pass  # the damage, found again
        return readable

    def _damaged(self, position: int) -> CorruptAudio:
        promised = "" if self.n_frames is None else f" of {self.n_frames / self.sample_rate:.1f} s"
        return CorruptAudio(
            f"damaged or cut-off {self.format.upper()}: it can be read for {position / self.sample_rate:.1f} s{promised}; "
            "copy or export the file again"
        )
