"""The serial number of an Ogg stream, which encoders draw at random: with a fixed one a file is the same each time."""

from typing import BinaryIO

from features.errors import CorruptAudio


def set_serial(file: BinaryIO, serial: int) -> None:
    """Give all pages of an Ogg file of one stream another serial number, in place.

    Parameters
    ----------
    file : BinaryIO
        Readable, writable and seekable, from its first byte an Ogg stream; it stays open, at its end.
    serial : int
        0 to 2**32 - 1.

    Raises
    ------
    CorruptAudio
        If it is no Ogg file.
    """
    from mutagen.ogg import OggPage
    from mutagen.ogg import error as OggError

    file.seek(0)
    while True:
        start = file.tell()
        try:
            page = OggPage(file)
        except EOFError:
            return
        except OggError as error:
            raise CorruptAudio(f"no Ogg page at byte {start}") from error
        page.serial = serial
        file.seek(start)
        file.write(page.write())  # of the same length, with a checksum anew
