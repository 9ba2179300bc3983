"""What decoders see of a file: its bytes, and neither its name nor an exception in the middle of their callbacks."""

import io
from typing import BinaryIO


class ReadingSide:
    """The reading side of a binary file, for libraries that call back.

    It has no name, from which FFmpeg and libsndfile would guess a format. A seek to where no file goes, which damaged
    headers ask for, moves nothing and returns -1.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read, self.tell, self.seekable = file.read, file.tell, file.seekable

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move like `file.seek`, or not at all."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, OverflowError, ValueError):
            return -1
