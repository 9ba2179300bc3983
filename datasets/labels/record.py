"""What somebody said of a recording: the one form that every exchange format of labels is read into, and made from."""

import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from datasets.errors import DatasetError

FLAGS = ("", "broken", "several_genres")

# The most characters of a text, and the most entries of a list: what a file may ask of whoever reads it.
MAX_PATH = 4096
MAX_NAME = 200
MAX_NOTE = 10_000
MAX_GENRES = 100
MAX_PROBABILITIES = 10_000
MAX_NUMBER = 1e9  # seconds of a recording (30 years), or versions of a model

_HALVES = re.compile(r"[\ud800-\udfff]")  # of characters: no text in UTF-8 has them
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_CONTROLS_OF_A_NOTE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")  # all but tab and newline
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEXTS = ("filename", "path", "sha256", "track", "annotator", "flag", "note", "model")
_TRUTHS = ("none", "unsure")
_GENRE_KEYS = ("genres", "genre", "label", "labels")


@dataclass(frozen=True)
class LabelRecord:
    """One label of one recording by one annotator; or a recording that has none, as in lists of tasks.

    At least one of `filename`, `path`, `sha256` and `track` says which recording is meant.

    Attributes
    ----------
    filename : str
        Last part of its path; taken from `path` where it is not given.
    path : str
        Where whoever exported it had it; "" where unknown.
    sha256 : str
        Of the file's bytes, in lower-case hexadecimal; "" where unknown.
    track : str
        Its id in the library; "" where unknown.
    duration_s : float or None
        Length of the recording, more than 0 and less than `MAX_NUMBER`; None where unknown.
    annotator : str
        Who said it; "" where unknown.
    genres : tuple of str
        The genres that it was given, each once.
    none : bool
        Whether it was said to be none of the project's genres; then `genres` is empty.
    unsure : bool
        Whether the annotator was unsure.
    flag : str
        One of `FLAGS`.
    note : str
        Words of the annotator.
    at : datetime or None
        When it was said, in UTC; None where unknown.
    version : int or None
        Version of the project's model at that time.
    probabilities : mapping of str to float
        What a model says of the recording, by genre, each 0 to 1; empty where none was asked.
    model : str
        Name of that model; "" where unknown, and where there are no probabilities.
    """

    filename: str = ""
    path: str = ""
    sha256: str = ""
    track: str = ""
    duration_s: float | None = None
    annotator: str = ""
    genres: tuple[str, ...] = ()
    none: bool = False
    unsure: bool = False
    flag: str = ""
    note: str = ""
    at: datetime | None = None
    version: int | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict, hash=False)
    model: str = ""

    def __post_init__(self) -> None:
        _check_types(self)
        if not self.filename:
            object.__setattr__(self, "filename", last_part(self.path))
        _check_recording(self)
        _check_label(self)
        _check_prediction(self)
        if self.at is not None:
            object.__setattr__(self, "at", _in_utc(self.at))

    @property
    def answered(self) -> bool:
        """Whether anything was said of the recording: genres, none of these, or a flag."""
        return bool(self.genres or self.none or self.flag)


def last_part(path: str) -> str:
    """Last part of a path, of whatever system it is."""
    return re.split(r"[/\\]", path)[-1]


def by_recording(records: Iterable[LabelRecord]) -> list[list[LabelRecord]]:
    """The same records, those of one recording together, recordings in order of their first record."""
    groups: dict[tuple[object, ...], list[LabelRecord]] = {}
    for record in records:
        key = (record.track, record.sha256, record.path, record.filename, record.duration_s)
        groups.setdefault(key, []).append(record)
    return list(groups.values())


def predictions_of(records: Iterable[LabelRecord], genres: Sequence[str]) -> list[tuple[str, dict[str, float]]]:
    """What models say of a recording, each answer once: name of the model, probabilities in order of `genres`."""
    answers: list[tuple[str, dict[str, float]]] = []
    for record in records:
        answer = (record.model, in_order(record.probabilities, genres))
        if record.probabilities and answer not in answers:
            answers.append(answer)
    return answers


def in_order(probabilities: Mapping[str, float], genres: Sequence[str]) -> dict[str, float]:
    """Probabilities in order of a taxonomy; genres that it lacks come last, by name."""
    place = {genre: number for number, genre in enumerate(genres)}
    return dict(sorted(probabilities.items(), key=lambda pair: (place.get(pair[0], len(place)), pair[0])))


def fields_of(record: LabelRecord, genres: Sequence[str] = ()) -> dict[str, Any]:
    """All fields of a record, ready for JSON; probabilities in order of `genres`."""
    return {
        "filename": record.filename,
        "path": record.path,
        "sha256": record.sha256,
        "track": record.track,
        "duration_s": record.duration_s,
        "annotator": record.annotator,
        "genres": list(record.genres),
        "none": record.none,
        "unsure": record.unsure,
        "flag": record.flag,
        "note": record.note,
        "at": written_time(record.at),
        "version": record.version,
        "probabilities": in_order(record.probabilities, genres),
        "model": record.model,
    }


def record_of(fields: Mapping[str, Any]) -> LabelRecord:
    """A record of fields as JSON gives them.

    Parameters
    ----------
    fields : mapping
        Names as in `LabelRecord`; any may be missing or None. The genres may also be called "genre", "label" or
        "labels" and be one text. What goes by other names is left aside.

    Raises
    ------
    DatasetError
        If a field is not of its type or outside its range, or no recording is named.
    """
    given = {name: fields[name] for name in (*_TEXTS, *_TRUTHS, "version") if fields.get(name) is not None}
    if isinstance(note := given.get("note"), str):
        given["note"] = note.replace("\r\n", "\n").replace("\r", "\n")
    if fields.get("duration_s") is not None:
        given["duration_s"] = fields["duration_s"]
    if fields.get("probabilities") is not None:
        given["probabilities"] = fields["probabilities"]
    return LabelRecord(**given, genres=_genres(fields), at=read_time(fields.get("at")))


def check_genre(genre: object) -> None:
    """Raise DatasetError where something is no name of a genre."""
    if not isinstance(genre, str) or not genre:
        raise DatasetError(f"genre {shown(genre)}, expected a name")
    _check_name("genre", genre)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Names without surrounding space, each once, without empty ones."""
    return tuple(dict.fromkeys(stripped for name in names if (stripped := name.strip())))


def written_time(at: datetime | None) -> str | None:
    """A time in UTC as ISO 8601 writes it."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def read_time(text: Any) -> datetime | None:
    """A time that was written in ISO 8601 with its time zone; None for None and ""."""
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        raise DatasetError(f"at {shown(text)}, expected a time such as 2026-05-01T12:00:00Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise DatasetError(f"at {shown(text)}, expected a time such as 2026-05-01T12:00:00Z") from error


def shown(value: object) -> str:
    """A value as an error shows it: never long."""
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxstring = 80
_SHORT.maxother = 80


def _genres(fields: Mapping[str, Any]) -> tuple[str, ...]:
    given = [fields[key] for key in _GENRE_KEYS if fields.get(key) is not None]
    if len(given) > 1:
        raise DatasetError(f"genres come more than once, expected one of {', '.join(_GENRE_KEYS)}")
    names = given[0] if given else []
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DatasetError(f"genres {shown(names)}, expected a text or a list of texts")
    return unique(names)


def _check_types(record: LabelRecord) -> None:
    for name in _TEXTS:
        if not isinstance(value := getattr(record, name), str):
            raise DatasetError(f"{name} {shown(value)}, expected a text")
        if _HALVES.search(value):
            raise DatasetError(f"{name} {shown(value)} has half a character, expected Unicode text")
    for name in _TRUTHS:
        if not isinstance(value := getattr(record, name), bool):
            raise DatasetError(f"{name} {shown(value)}, expected true or false")
    if not isinstance(record.at, datetime | None):
        raise DatasetError(f"at {shown(record.at)}, expected a time")
    if not isinstance(record.genres, tuple) or not isinstance(record.probabilities, Mapping):
        raise DatasetError("expected genres as a tuple of names, and probabilities by genre")


def _check_recording(record: LabelRecord) -> None:
    for name in ("filename", "path"):
        if "\0" in getattr(record, name) or len(getattr(record, name)) > MAX_PATH:
            raise DatasetError(
                f"{name} {shown(getattr(record, name))}, expected at most {MAX_PATH} characters without zero bytes"
            )
    _check_name("track", record.track)
    if record.sha256 and not _SHA256.fullmatch(record.sha256):
        raise DatasetError(f"sha256 {shown(record.sha256)}, expected 64 hexadecimal digits in lower case")
    if not (record.filename or record.sha256 or record.track):
        raise DatasetError("no recording is named, expected a filename, path, sha256 or track")
    if record.duration_s is not None and not _is_number(record.duration_s):
        raise DatasetError(
            f"duration_s {shown(record.duration_s)}, expected seconds, more than 0 and less than {MAX_NUMBER:.0e}"
        )


def _check_label(record: LabelRecord) -> None:
    _check_name("annotator", record.annotator)
    for genre in record.genres:
        check_genre(genre)
    if len(set(record.genres)) != len(record.genres) or len(record.genres) > MAX_GENRES:
        raise DatasetError(f"genres {shown(record.genres)}, expected each once and at most {MAX_GENRES}")
    if record.none and record.genres:
        raise DatasetError(f"none of the genres and {shown(record.genres[0])} too, expected one or the other")
    if record.flag not in FLAGS:
        raise DatasetError(f"flag {shown(record.flag)}, expected {', '.join(FLAGS[1:])} or nothing")
    if len(record.note) > MAX_NOTE or _CONTROLS_OF_A_NOTE.search(record.note):
        raise DatasetError(
            f"note {shown(record.note)}, expected at most {MAX_NOTE} characters without control characters"
        )
    if record.version is not None and not (isinstance(record.version, int) and _is_number(record.version)):
        raise DatasetError(f"version {shown(record.version)}, expected a whole number from 1")


def _check_prediction(record: LabelRecord) -> None:
    _check_name("model", record.model)
    if record.model and not record.probabilities:
        raise DatasetError(f"model {shown(record.model)} without probabilities, expected what it says of the recording")
    if len(record.probabilities) > MAX_PROBABILITIES:
        raise DatasetError(f"{len(record.probabilities)} probabilities, expected at most {MAX_PROBABILITIES}")
    for genre, probability in record.probabilities.items():
        check_genre(genre)
        if probability != 0 and not (_is_number(probability) and probability <= 1):
            raise DatasetError(f"probability {shown(probability)} of {shown(genre)}, expected 0 to 1")


def _check_name(what: str, name: str) -> None:
    if len(name) > MAX_NAME or name != name.strip() or _CONTROLS.search(name):
        raise DatasetError(
            f"{what} {shown(name)}, expected at most {MAX_NAME} characters without control characters, "
            "and no space around them"
        )


def _is_number(value: object) -> bool:
    """Whether it is a number above 0 and within reason, which NaN and infinity are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < MAX_NUMBER


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise DatasetError(f"at {at.isoformat()} has no time zone, expected one, such as {at.isoformat()}Z for UTC")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise DatasetError(f"at {at.isoformat()}, expected a time within the years 1 to 9999 of UTC") from error
