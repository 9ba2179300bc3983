"""A folder of JAMS files, JSON annotations of one recording each [1]_, with the recordings beside them.

References
----------
.. [1] Humphrey et al., "JAMS: a JSON annotated music specification for reproducible MIR research", ISMIR 2014.
"""

import math
import os
from pathlib import Path
from typing import Any

from datasets.errors import DatasetError
from datasets.manifest import Manifest, Recording
from datasets.readers.corpus_folder import AUDIO_SUFFIXES, check_folder

PREFERRED = ("tag_gtzan", "tag_open")  # other tags come after these, by name
PATH_KEYS = ("path", "audio_path", "filename", "file")  # under which producers of JAMS files note the recording


def read_jams(folder: Path) -> Manifest:
    """Read a folder of JAMS files.

    Parameters
    ----------
    folder : Path
        Holds `.jams` files at any depth.

    Returns
    -------
    Manifest
        By path of the JAMS files. The label is the tag with the highest confidence in the first of `tag_gtzan`,
        `tag_open` and the other `tag_…` annotations that has any, "" for files without tags. The recording is the
        one that `sandbox` or `file_metadata.identifiers` names, relative to the JAMS file or to the folder, or else
        the one beside the JAMS file with the same name.

    Raises
    ------
    DatasetError
        If there are no JAMS files, one is broken or leaves the folder, no recording is found for one, or none has tags.
    """
    check_folder(folder)
    paths = sorted(path for path in folder.rglob("*.jams") if not path.name.startswith("."))
    if not paths:
        raise DatasetError(f"{folder}: no JAMS files, expected <name>.jams beside <name>.wav")
    recordings = tuple(_recording(path, folder) for path in paths)
    if not any(recording.label for recording in recordings):
        raise DatasetError(f"{folder}: no JAMS file has tags, expected annotations such as {', '.join(PREFERRED)}")
    return Manifest(folder.resolve().name, recordings)


def _recording(path: Path, folder: Path) -> Recording:
    jam = _load(path)
    label, namespace = _label(path, jam)
    metadata = jam.file_metadata
    for name in ("artist", "title"):
        if not isinstance(getattr(metadata, name), str | None):
            raise DatasetError(f"{path}: {name} of file_metadata is no text")
    details = {"title": metadata.title, "namespace": namespace}
    return Recording(
        _audio(path, jam, folder),
        label,
        artist=metadata.artist or "",
        details={name: words for name, words in details.items() if words},
    )


def _load(path: Path) -> Any:
    import jams

    try:
        # Not validated against the schema: its namespaces refuse labels that are in use, such as "hiphop".
        return jams.load(str(path), validate=False)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    except (jams.JamsError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise DatasetError(f"{path}: no JAMS file ({error})") from error


def _label(path: Path, jam: Any) -> tuple[str, str]:
    """Label, and the namespace that it is of."""
    tags: dict[str, list[tuple[float, str]]] = {}
    for annotation in jam.annotations:
        if not isinstance(annotation.namespace, str) or not annotation.namespace.startswith("tag_"):
            continue
        for observation in annotation.data:
            if not isinstance(observation.value, str) or not isinstance(observation.confidence, int | float | None):
                raise DatasetError(f"{path}: {annotation.namespace} with {observation.value!r}, expected a text")
            confidence = -math.inf if observation.confidence is None else float(observation.confidence)
            tags.setdefault(annotation.namespace, []).append((confidence, observation.value))
    if not tags:
        return "", ""
    namespace = min(tags, key=lambda name: (PREFERRED.index(name) if name in PREFERRED else len(PREFERRED), name))
    # NaN means unknown, as null does; of equals the first.
    best = max(tags[namespace], key=lambda tag: -math.inf if math.isnan(tag[0]) else tag[0])
    return best[1], namespace


def _audio(path: Path, jam: Any, folder: Path) -> Path:
    for notes in (jam.sandbox, jam.file_metadata.identifiers):
        for key in PATH_KEYS:
            noted = getattr(notes, key, None)
            if not isinstance(noted, str) or not noted or "\0" in noted:
                continue
            for place in (path.parent, folder):
                candidate = Path(os.path.normpath(place / noted))
                if os.path.isfile(candidate):
                    if not Path(os.path.realpath(candidate)).is_relative_to(os.path.realpath(folder)):
                        raise DatasetError(f"{path}: {key} {noted} leaves {folder}, expected a recording within it")
                    return candidate
    stem = path.with_suffix("")
    beside = [stem] if stem.suffix.lower() in AUDIO_SUFFIXES else []  # song.wav.jams
    beside += [path.with_name(stem.name + suffix) for suffix in sorted(AUDIO_SUFFIXES)]
    found = [each for each in beside if each.is_file()]
    if not found:
        raise DatasetError(
            f"{path}: no recording; expected one that its sandbox or identifiers name ({', '.join(PATH_KEYS)}), or "
            f"one beside it with the same name, such as {stem.name}.wav"
        )
    return found[0]
