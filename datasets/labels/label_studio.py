"""Labels as Label Studio's JSON: lists of tasks both ways, and the answers of an ML backend.

A task is a recording: `data` with `audio`, `filename` and our `genrelab_…` fields; an annotation is a label, its
genres the choices of one control. `datasets.labels.labelling_config` makes the configuration for what is written: the
choice "none of these", and three controls of ours for what else may be said (unsure, a flag, a note). Who said it and
when lies in the `meta` of the annotation's first result, not in `completed_by`: Label Studio refuses annotations of
people who have no account there. All of a `LabelRecord` is kept, but: a recording that has labels loses its records
without; records come recording by recording; a recording's labels all get the last prediction that any of them has.

References
----------
"Label Studio JSON format of annotated tasks", https://labelstud.io/guide/task_format
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

from datasets.errors import DatasetError
from datasets.labels.files import check_count, json_of, text_of, told_where, writing
from datasets.labels.labelling_config import (
    AUDIO,
    CERTAINTY,
    FLAG,
    GENRE,
    NONE_OF_THESE,
    NOTE,
    OWN_CONTROLS,
    UNSURE,
    ChoicesControl,
    choice_of,
    listed,
    the_only,
)
from datasets.labels.record import (
    LabelRecord,
    by_recording,
    fields_of,
    last_part,
    predictions_of,
    record_of,
    shown,
    written_time,
)
from datasets.readers.corpus_folder import AUDIO_SUFFIXES

MULTIPLE_FROM = 0.5  # least probability of a further choice where several may be given

_OWN_CONTROL = ChoicesControl(GENRE, AUDIO, AUDIO, (), multiple=False)
_RECORDING = ("path", "sha256", "track", "duration_s")
_META = "genrelab"
# Keys of the flat form that are neither data of the task nor a control.
_FLAT_KEYS = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement", "history")
_UPLOADED = re.compile(r"(?:^|/)upload/(?:\d+/)?[0-9a-f]{8}-([^/]+)$")  # its own prefix in front of the name
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


def write(
    records: Iterable[LabelRecord],
    file: Path | BinaryIO,
    *,
    project: str = "",
    genres: Sequence[str] = (),
    audio_of: Callable[[LabelRecord], str] | None = None,
) -> None:
    """Write labels as a list of tasks that Label Studio imports.

    Parameters
    ----------
    records : iterable of LabelRecord
        Several of one recording become several annotations of its task.
    file : Path or binary stream
        Where to; a path is written whole or not at all.
    project : str
        Name of the project, in the data of each task.
    genres : sequence of str
        The project's genres, in the order of the probabilities.
    audio_of : callable, optional
        What Label Studio is to play for a recording, a URL that it can reach; by default its path or name.

    Raises
    ------
    DatasetError
        If a genre is called as the choice that stands for none of them.
    """
    audio_of = audio_of or (lambda record: record.path or record.filename or record.track or record.sha256)
    n_annotations = 0
    with writing(file) as stream:
        stream.write(b"[")
        for number, group in enumerate(by_recording(records), start=1):
            task = {
                "id": number,
                "data": _data(group[0], project, audio_of(group[0])),
                "annotations": _annotations(group, n_annotations),
                "predictions": [
                    _prediction(_OWN_CONTROL, probabilities, model)
                    for model, probabilities in predictions_of(group, genres)
                ],
            }
            n_annotations += len(task["annotations"])  # type: ignore[arg-type]
            stream.write((",\n" if number > 1 else "\n").encode() + json.dumps(task).encode("ascii"))
        stream.write(b"\n]\n")


def read(path: Path, *, control: str = "") -> list[LabelRecord]:
    """Read an export of Label Studio, "JSON" or "JSON-MIN", or what was written here.

    Parameters
    ----------
    path : Path
        The file.
    control : str
        Name of the Choices control that holds the genres; "" takes the only one.

    Returns
    -------
    list of LabelRecord
        In order of the tasks; one without a label for a task that nobody labelled. Skipped annotations are no labels.

    Raises
    ------
    DatasetError
        If it is no such export, has several Choices controls, or an entry is wrong; the message names the task.
    """
    tasks = json_of(text_of(path), path.name)
    with told_where(path.name):
        return records_of(tasks, control=control)


def records_of(tasks: Any, *, control: str = "", data_key: str = "") -> list[LabelRecord]:
    """Labels of tasks as Label Studio's JSON gives them: those of an export, or those that an ML backend is asked for.

    Parameters
    ----------
    tasks : list of dict, or dict
        Not trusted.
    control, data_key : str
        Name of the Choices control, and field of the data where the recording is; "" finds them.

    Raises
    ------
    DatasetError
        As `read`.
    """
    tasks = [tasks] if isinstance(tasks, dict) else tasks
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise DatasetError("no list of tasks, expected an export of Label Studio as JSON or JSON-MIN")
    check_count(len(tasks), "the list of tasks")
    if any("data" in task for task in tasks):
        names, labels = _controls(tasks), _labels
    else:
        names, labels = _flat_controls(tasks, control), _flat_labels
    if control and names and control not in names:
        raise DatasetError(f"no Choices control {shown(control)}, expected one of {listed(names)}")
    control = control or the_only(names)
    records: list[LabelRecord] = []
    for number, task in enumerate(tasks, start=1):
        with told_where(f"task {number}"):
            data = _object(task.get("data"), "data") if labels is _labels else task
            recording = _recording(data, data_key) | _predicted(task)
            found = [record_of(recording | label) for label in labels(task, control)]
            records += [record for record in found if record.answered] or [record_of(recording)]
        check_count(len(records), "the list of tasks")
    return records


def predictions_for(
    tasks: Sequence[Any], answers: Sequence[Mapping[str, float] | None], version: str, *, control: ChoicesControl
) -> list[dict[str, Any]]:
    """What an ML backend answers: a prediction for each task, in their order, by which Label Studio matches them.

    Parameters
    ----------
    tasks : sequence
        The tasks that were sent.
    answers : sequence of mapping or None
        For each task the probabilities by genre; None where there is no answer.
    version : str
        Name of the model's version.
    control : ChoicesControl
        Of the project's labelling configuration. A genre is a choice of the same name, whatever its case; genres
        that are no choices are not predicted.

    Returns
    -------
    list of dict
        `model_version`, `score` (probability of the first choice) and `result`, empty where there is no answer.

    Raises
    ------
    DatasetError
        If there is not one answer for each task.
    """
    if len(answers) != len(tasks):
        raise DatasetError(f"{len(answers)} answers, expected {len(tasks)}, one for each task")
    names = {choice.casefold(): choice for choice in control.choices}
    predictions = []
    for answer in answers:
        known = {
            names.get(genre.casefold(), genre): probability
            for genre, probability in (answer or {}).items()
            if not names or genre.casefold() in names
        }
        predictions.append(_prediction(control, known, version))
    return predictions


def _data(recording: LabelRecord, project: str, audio: str) -> dict[str, Any]:
    fields = fields_of(recording)
    ours = {f"genrelab_{name}": fields[name] for name in _RECORDING}
    return {AUDIO: audio, "filename": recording.filename, **ours, "genrelab_project": project}


def _annotations(group: list[LabelRecord], n_before: int) -> list[dict[str, Any]]:
    answered = [record for record in group if record.answered]
    timed = all(record.at for record in answered)  # Label Studio's converters sort by it: all of a task, or none
    annotations = []
    for number, record in enumerate(answered, start=n_before + 1):
        annotation: dict[str, Any] = {"id": number, "result": _results(record), "was_cancelled": False}
        if timed:
            annotation["created_at"] = written_time(record.at)
        annotations.append(annotation)
    return annotations


def _results(record: LabelRecord) -> list[dict[str, Any]]:
    chosen = [NONE_OF_THESE] if record.none else [choice_of(genre) for genre in record.genres]
    results = [
        _result(name, {"choices": choices})
        for name, choices in ((GENRE, chosen), (CERTAINTY, [UNSURE] * record.unsure), (FLAG, [record.flag]))
        if any(choices)
    ]
    if record.note:
        results.append(_result(NOTE, {"text": [record.note]}, kind="textarea"))
    # The choice is noted a second time: where somebody changes it in Label Studio, the annotator is another.
    fields = fields_of(record)
    results[0]["meta"] = {_META: {name: fields[name] for name in ("annotator", "at", "version")} | {"choices": chosen}}
    return results


def _result(name: str, value: dict[str, Any], *, to_name: str = AUDIO, kind: str = "choices") -> dict[str, Any]:
    return {"from_name": name, "to_name": to_name, "type": kind, "value": value}


def _prediction(control: ChoicesControl, probabilities: Mapping[str, float], version: str) -> dict[str, Any]:
    if not probabilities:
        return {"model_version": version, "score": 0.0, "result": []}
    ranked = sorted(probabilities, key=lambda genre: -probabilities[genre])
    further = [genre for genre in ranked[1:] if control.multiple and probabilities[genre] >= MULTIPLE_FROM]
    result = _result(control.name, {"choices": [ranked[0], *further]}, to_name=control.to_name)
    result["meta"] = {_META: {"probabilities": dict(probabilities)}}
    return {"model_version": version, "score": float(probabilities[ranked[0]]), "result": [result]}


def _controls(tasks: Iterable[dict[str, Any]]) -> list[str]:
    """Names of the Choices controls that were used, in order."""
    names: dict[str, None] = {}
    kinds: dict[str, None] = {}
    for number, task in enumerate(tasks, start=1):
        with told_where(f"task {number}"):
            for annotation in _given(task):
                for result in _objects(annotation.get("result"), "result"):
                    kinds[str(result.get("type"))] = None
                    if result.get("type") == "choices" and "start" not in _object(result.get("value"), "value"):
                        names[str(result.get("from_name"))] = None
    if kinds and not names:
        raise DatasetError(f"no choices for recordings, the results are {listed(kinds)}; expected a Choices control")
    return [name for name in names if name not in OWN_CONTROLS]


def _flat_controls(tasks: Iterable[dict[str, Any]], control: str) -> list[str]:
    """The same for the flat form, where one choice looks as any other text: "genre" or the named control is taken."""
    names: dict[str, None] = {}
    keys: dict[str, None] = {}
    annotated = False
    for task in tasks:
        annotated = annotated or task.get("annotation_id") is not None
        for key, value in task.items():
            keys[key] = None
            if key in (GENRE, control) or any(isinstance(part, dict) and "choices" in part for part in _parts(value)):
                names[key] = None
    found = [name for name in names if name not in (*OWN_CONTROLS, *_FLAT_KEYS)]
    if annotated and not found:
        raise DatasetError(
            f"no choices among the keys ({listed(keys)}), expected {shown(GENRE)}; name the control, or export as JSON"
        )
    return found


def _labels(task: dict[str, Any], control: str) -> Iterator[dict[str, Any]]:
    for annotation in _given(task):
        results = _objects(annotation.get("result"), "result")
        values = {str(result.get("from_name")): _object(result.get("value"), "value") for result in results}
        chosen = [
            name
            for result in results
            if result.get("from_name") == control and "start" not in _object(result.get("value"), "value")
            for name in _names(result["value"])
        ]
        label = _said(chosen, _names(values.get(CERTAINTY)), _names(values.get(FLAG)), _names(values.get(NOTE)))
        noted = next((meta for result in results if (meta := _meta(result)) is not None), {})
        if "choices" in noted and noted["choices"] == chosen:
            yield label | {name: noted.get(name) for name in ("annotator", "at", "version")}
        else:
            yield label | {"annotator": _annotator(annotation), "at": annotation.get("created_at")}


def _flat_labels(task: dict[str, Any], control: str) -> Iterator[dict[str, Any]]:
    label = _said(*(_names(task.get(name)) for name in (control, CERTAINTY, FLAG, NOTE)))
    annotator = _annotator({"completed_by": task.get("annotator")})
    yield label | {"annotator": annotator, "at": task.get("created_at")}


def _said(chosen: list[str], certainty: list[str], flag: list[str], note: list[str]) -> dict[str, Any]:
    if len(flag) > 1:
        raise DatasetError(f"flags {shown(flag)}, expected one")
    none = any(name.strip().casefold() == NONE_OF_THESE for name in chosen)
    return {
        "genres": [name for name in chosen if name.strip().casefold() != NONE_OF_THESE],
        "none": none,
        "unsure": UNSURE in certainty,
        "flag": "".join(flag),
        "note": "\n".join(note),
    }


def _given(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Annotations that were not skipped; they were called completions once."""
    for annotation in _objects(task.get("annotations", task.get("completions")), "annotations"):
        if not annotation.get("was_cancelled") and not annotation.get("skipped"):
            yield annotation


def _annotator(annotation: dict[str, Any]) -> str:
    """Name of who made an annotation: the e-mail address, or the number of the account."""
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        who = who.get("email") or who.get("username") or who.get("id")
    if who is not None and not isinstance(who, str | int):
        raise DatasetError(f"completed_by {shown(who)}, expected a number or an e-mail address")
    return "" if who is None else str(who)


def _names(value: Any) -> list[str]:
    """Choices, or lines of a text, of a result: {"choices": […]}, {"text": […]}, a text, or a list of such."""
    names: list[str] = []
    for part in _parts(value):
        if isinstance(part, dict):
            if "start" in part:  # of a region
                continue
            part = part.get("choices", part.get("text", []))
        part = [part] if isinstance(part, str) else part
        if not isinstance(part, list) or not all(isinstance(name, str) for name in part):
            raise DatasetError(f"{shown(part)}, expected names of choices")
        names += part
    return names


def _parts(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _predicted(task: dict[str, Any]) -> dict[str, Any]:
    """What the last prediction says: all of it where we wrote it, else its one choice and its score."""
    predictions = _objects(task.get("predictions"), "predictions")
    if not predictions:
        return {}
    results = _objects(predictions[-1].get("result"), "result")
    model, score = predictions[-1].get("model_version"), predictions[-1].get("score")
    probabilities = next(
        (meta["probabilities"] for each in results if "probabilities" in (meta := _meta(each) or {})), None
    )
    if probabilities is None:
        named = _names(results[0].get("value")) if len(results) == 1 and results[0].get("type") == "choices" else []
        if len(named) != 1 or not isinstance(score, int | float) or not 0 <= score <= 1:
            return {}
        probabilities = {named[0].strip(): score}
    return {"model": None if model is None else str(model), "probabilities": probabilities}


def _meta(result: dict[str, Any]) -> dict[str, Any] | None:
    meta = result.get("meta")
    ours = meta.get(_META) if isinstance(meta, dict) else None
    return ours if isinstance(ours, dict) else None


def _recording(data: dict[str, Any], data_key: str) -> dict[str, Any]:
    fields = {name: data.get(f"genrelab_{name}") for name in _RECORDING} | {"filename": data.get("filename")}
    if data_key or "genrelab_path" not in data:
        path, filename = _located(_audio(data, data_key))
        fields["path"] = fields["path"] or path
        fields["filename"] = fields["filename"] or filename
    return fields


def _audio(data: dict[str, Any], data_key: str) -> str:
    """The field of a task's data that names the recording."""
    texts = {key: value for key, value in data.items() if isinstance(value, str) and value}
    for key in (data_key, AUDIO):
        if key in texts:
            return texts[key]
    audible = [value for value in texts.values() if Path(_located(value)[1]).suffix.lower() in AUDIO_SUFFIXES]
    if len(set(audible)) != 1:
        raise DatasetError(f'no recording among the data ({listed(data)}), expected it as "{AUDIO}"')
    return audible[0]


def _located(audio: str) -> tuple[str, str]:
    """Path, "" where it says nothing, and name of a recording, of what Label Studio plays for it."""
    scheme = _SCHEME.match(audio)
    if not scheme and not audio.startswith("/data/"):
        uploaded = _UPLOADED.search(audio)
        return ("", uploaded[1]) if uploaded else (audio, last_part(audio))
    try:
        url = urlsplit(audio)
    except ValueError as error:
        raise DatasetError(f"{shown(audio)}, expected a path or URL of a recording ({error})") from error
    if url.path.rstrip("/").endswith("/data/local-files"):
        path = parse_qs(url.query).get("d", [""])[0]
        return path, last_part(path)
    path = unquote(url.path)
    if uploaded := _UPLOADED.search(path):
        return "", uploaded[1]
    if scheme and scheme[1].lower() not in ("http", "https", "file"):
        return audio, last_part(audio)  # a bucket's objects have their names as they are
    return ("" if scheme and scheme[1].lower() != "file" else path), last_part(path)


def _objects(value: Any, what: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise DatasetError(f"{what} {shown(value)}, expected a list of objects")
    return value


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DatasetError(f"{what} {shown(value)}, expected an object")
    return value
