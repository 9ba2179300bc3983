"""Labels as JAMS files, JSON annotations of one recording each [1]_.

A label is an annotation of the namespace `tag_open`: an observation over the whole recording for each genre, with
confidence 1, or 0.5 where the annotator was unsure; `annotation_metadata` names annotator and project. What JAMS has
no field for lies in sandboxes under `genrelab`: of the annotation what else was said, of the file the predictions.
All of a `LabelRecord` is kept, but: a recording that has labels loses its records without; records come recording by
recording; a recording's labels all get the last prediction that any of them has.

Other producers' files are read too: each annotation in a namespace of genres is a label.

References
----------
.. [1] Humphrey et al., "JAMS: a JSON annotated music specification for reproducible MIR research", ISMIR 2014.
"""

import io
import os
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from datasets.errors import DatasetError
from datasets.labels.files import check_count, text_of, told_where, writing, zipped_texts
from datasets.labels.record import (
    LabelRecord,
    by_recording,
    fields_of,
    last_part,
    predictions_of,
    record_of,
    shown,
    unique,
)

NAMESPACE = "tag_open"
GENRE_NAMESPACES = (
    NAMESPACE,
    "tag_gtzan",
    "tag_msd_tagtraum_cd1",
    "tag_msd_tagtraum_cd2",
    "tag_fma_genre",
    "tag_fma_subgenre",
    "tag_audioset_genre",
)
SANDBOX = "genrelab"  # name of our part of a sandbox
PATH_KEYS = ("path", "audio_path", "filename", "file")  # under which producers of JAMS files note the recording
SUFFIX = ".jams"
SURE, UNSURE = 1.0, 0.5  # confidence
MAX_STEM = 80  # characters of the recording's name in the name of its file

_SAID = ("none", "unsure", "flag", "note", "at", "version")


def write(records: Iterable[LabelRecord], folder: Path, *, project: str = "", genres: Sequence[str] = ()) -> None:
    """Write labels as a folder of JAMS files, one per recording.

    Parameters
    ----------
    records : iterable of LabelRecord
        Several of one recording become several annotations in its file.
    folder : Path
        Not there yet, or empty. The files are numbered in order of the recordings.
    project : str
        Name of the project, the corpus of the annotations.
    genres : sequence of str
        The project's genres, in the order of the probabilities.

    Raises
    ------
    DatasetError
        If the folder has something in it, or is none.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{folder.name}: not an empty folder, expected one, or one that is not there yet")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _files(records, project, genres):
        (folder / name).write_text(text, encoding="utf-8")


def write_zip(
    records: Iterable[LabelRecord], file: Path | BinaryIO, *, project: str = "", genres: Sequence[str] = ()
) -> None:
    """Write the files that `write` writes into a ZIP archive; the same bytes for the same records."""
    with writing(file) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, text in _files(records, project, genres):
            archive.writestr(zipfile.ZipInfo(name), text, compress_type=zipfile.ZIP_DEFLATED)


def read(path: Path) -> list[LabelRecord]:
    """Read labels of JAMS files.

    Parameters
    ----------
    path : Path
        One JAMS file, a folder with such at any depth, or a ZIP archive of them.

    Returns
    -------
    list of LabelRecord
        By name of the files; those of a file in its order, one without a label for a file that has none.

    Raises
    ------
    DatasetError
        If there are no JAMS files, or one is broken; the message names it.
    """
    records: list[LabelRecord] = []
    n_files = 0
    for name, text in _texts(path):
        n_files += 1
        where = name if name == path.name else f"{path.name}, {name}"
        records += _records(_load(text, where), name, where)
        check_count(len(records), path.name)
    if not n_files:
        raise DatasetError(f"{path.name}: no JAMS files, expected some with names that end in {SUFFIX}")
    return records


def _files(records: Iterable[LabelRecord], project: str, genres: Sequence[str]) -> Iterator[tuple[str, str]]:
    recordings = by_recording(records)
    width = len(str(len(recordings)))
    for number, group in enumerate(recordings, start=1):
        stem = re.sub(r"[^\w.-]+", "_", Path(group[0].filename).stem)[:MAX_STEM] or "recording"
        yield f"{number:0{width}d}-{stem}{SUFFIX}", _jam(group, project, genres).dumps()


def _jam(group: list[LabelRecord], project: str, genres: Sequence[str]) -> Any:
    import jams

    recording = group[0]
    jam = jams.JAMS()
    jam.file_metadata.title = recording.filename
    jam.file_metadata.duration = recording.duration_s or 0.0  # JAMS wants a number
    identifiers = {name: getattr(recording, name) for name in ("filename", "path", "sha256", "track")}
    jam.file_metadata.identifiers.update(**{name: words for name, words in identifiers.items() if words})
    predictions = [
        {"model": model, "probabilities": probabilities} for model, probabilities in predictions_of(group, genres)
    ]
    jam.sandbox.update(**{SANDBOX: {"project": project, "predictions": predictions}})
    for record in group:
        if record.answered:
            jam.annotations.append(_annotation(record, project))
    return jam


def _annotation(record: LabelRecord, project: str) -> Any:
    import jams

    duration_s = record.duration_s or 0.0
    annotation = jams.Annotation(NAMESPACE, duration=duration_s)
    annotation.annotation_metadata.corpus = project
    annotation.annotation_metadata.annotator = jams.Sandbox(name=record.annotator)
    annotation.annotation_metadata.data_source = "manual annotation"
    fields = fields_of(record)
    annotation.sandbox.update(**{SANDBOX: {name: fields[name] for name in _SAID}})
    for genre in record.genres:
        annotation.append(time=0.0, duration=duration_s, value=genre, confidence=UNSURE if record.unsure else SURE)
    return annotation


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Names, within a folder or archive, and texts of the files."""
    if path.is_dir():
        for file in sorted(path.rglob(f"*{SUFFIX}")):
            if not file.name.startswith("."):
                yield os.fspath(file.relative_to(path)), text_of(file)
    elif path.is_file() and zipfile.is_zipfile(path):
        yield from zipped_texts(path, SUFFIX)
    else:
        yield path.name, text_of(path)


def _load(text: str, where: str) -> Any:
    import jams

    try:
        # Not validated against the schema: its namespaces refuse genres that are in use, such as "hiphop".
        return jams.load(io.StringIO(text), validate=False)
    except (jams.JamsError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise DatasetError(f"{where}: no JAMS file ({error})") from error


def _records(jam: Any, name: str, where: str) -> list[LabelRecord]:
    with told_where(where):
        recording = _recording(jam, name) | _prediction(jam)
    records = []
    for number, annotation in enumerate(jam.annotations, start=1):
        if annotation.namespace in GENRE_NAMESPACES:
            with told_where(f"{where}, annotation {number}"):
                record = record_of(recording | _label(annotation))
            if record.answered:
                records.append(record)
    with told_where(where):
        return records or [record_of(recording)]


def _recording(jam: Any, name: str) -> dict[str, Any]:
    metadata = jam.file_metadata
    identifiers = _plain(metadata.identifiers)
    fields = {name: identifiers[name] for name in ("filename", "path", "sha256", "track") if identifiers.get(name)}
    if not fields:
        noted = _plain(jam.sandbox)
        path = next((noted[key] for key in PATH_KEYS if isinstance(noted.get(key), str) and noted[key]), "")
        # Without any note the file's own name tells: song.jams or song.wav.jams beside song.wav.
        fields = {"path": path} if path else {"filename": last_part(name).removesuffix(SUFFIX)}
    return fields | {"duration_s": metadata.duration or None}


def _prediction(jam: Any) -> dict[str, Any]:
    ours = _plain(jam.sandbox).get(SANDBOX)
    predictions = ours.get("predictions") if isinstance(ours, dict) else None
    if not predictions:
        return {}
    if not isinstance(predictions, list) or not isinstance(predictions[-1], dict):
        raise DatasetError(f"predictions {shown(predictions)}, expected a list of objects")
    return {name: predictions[-1].get(name) for name in ("model", "probabilities")}


def _label(annotation: Any) -> dict[str, Any]:
    genres = []
    for observation in annotation.data:
        if not isinstance(observation.value, str) or not isinstance(observation.confidence, int | float | None):
            raise DatasetError(f"{annotation.namespace} with {shown(observation.value)}, expected a text")
        if observation.confidence != 0:
            genres.append(observation.value)
    ours = _plain(annotation.sandbox).get(SANDBOX)
    said = {name: ours.get(name) for name in _SAID} if isinstance(ours, dict) else {}
    annotator = _plain(annotation.annotation_metadata.annotator).get("name")
    return said | {"annotator": annotator, "genres": list(unique(genres))}


def _plain(sandbox: Any) -> dict[str, Any]:
    """What a sandbox holds, which other producers leave empty or fill as they like."""
    return dict(vars(sandbox)) if hasattr(sandbox, "__dict__") else {}
