"""Files of this machine become tracks: those whose content the library has already are not copied again."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mutagen import File, MutagenError
from mutagen.apev2 import APEBinaryValue, APEExtValue
from mutagen.asf import ASFTags
from mutagen.id3 import ID3
from mutagen.mp4 import MP4Tags

from features.cache import sha256_of
from features.errors import AudioError
from service.usecases.find_recordings import Found
from service.usecases.labelling.pool import take_in

if TYPE_CHECKING:
    from service.services import Services

ARTIST_FIELDS = ((ID3, "TPE1"), (MP4Tags, "\xa9ART"), (ASFTags, "Author"))  # of tags that call it otherwise

ArtistFrom = Literal["tag", "folder", "none"]


@dataclass(frozen=True)
class TakenIn:
    """What came of a file.

    Attributes
    ----------
    path : Path
        The file.
    track_id : str or None
        The track with its content; None where it cannot be used.
    problem : str
        Why not; "" otherwise.
    copied : bool
        Whether the track is new.
    artist : str
        "" where it is unknown.
    """

    path: Path
    track_id: str | None
    problem: str = ""
    copied: bool = False
    artist: str = ""


def take_in_files(found: Iterable[Found], *, artist_from: ArtistFrom, services: "Services") -> Iterator[TakenIn]:
    """Take files into the library, one after the other; one that cannot be used stops no other.

    Parameters
    ----------
    found : iterable of Found
        The recordings (`find_recordings`).
    artist_from : {"tag", "folder", "none"}
        Who made them: as their tags say, as the folder is called in which they lie, or nobody knows.
    services : Services
        Where they go.

    Raises
    ------
    StorageFull
        If there is no room left.
    """
    known = services.tracks.by_content()
    for each in found:
        path = each.path
        try:
            if each.error is not None:
                raise each.error
            sha256 = sha256_of(path)
            copied = sha256 not in known
            if copied:
                added = take_in(path, services=services)
                if added.track_id is None:
                    yield TakenIn(path, None, added.problem or "")
                    continue
                known[sha256] = added.track_id
        except AudioError as error:
            yield TakenIn(path, None, str(error))
        else:
            artist = {"tag": artist_of, "folder": _folder_of, "none": _nobody}[artist_from](path)
            yield TakenIn(path, known[sha256], copied=copied, artist=artist)


def artist_of(path: Path) -> str:
    """The artist that a file's tags name; "" where they name none, cannot be read, or are of an unknown kind."""
    try:
        file = File(path)
        if file is None or file.tags is None:
            return ""
        field = next((name for kind, name in ARTIST_FIELDS if isinstance(file.tags, kind)), "artist")
        values = file.tags.get(field, ())
        texts = () if isinstance(values, APEBinaryValue | APEExtValue) else (str(value) for value in values)
        return " ".join(", ".join(texts).split())
    except (OSError, MutagenError, struct.error, ValueError, LookupError, ArithmeticError, EOFError):
        return ""  # of damaged tags nothing is known


def _folder_of(path: Path) -> str:
    return path.absolute().parent.name


def _nobody(_: Path) -> str:
    return ""
