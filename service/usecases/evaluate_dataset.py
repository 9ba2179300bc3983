"""How right a classifier is about the recordings of a labelled corpus, from their sound."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from datasets.errors import DatasetError
from datasets.manifest import Manifest, Recording
from models.evaluation.report import report
from service.usecases.library import LibraryResult

NEVER_RIGHT = 1e-6  # taken from the truth's probability where no music was heard


@dataclass(frozen=True)
class Questions:
    """Recordings that a classifier can be asked about.

    Attributes
    ----------
    recordings : tuple of Recording
        Those whose label is one of the classifier's genres.
    truths : tuple of str
        That genre, by the classifier's name for it.
    unknown_labels : dict
        How many recordings have a label that the classifier does not know, by label.
    n_unlabelled : int
        How many have none.
    """

    recordings: tuple[Recording, ...]
    truths: tuple[str, ...]
    unknown_labels: dict[str, int]
    n_unlabelled: int


def questions_of(manifest: Manifest, genres: Sequence[str], *, split: str = "") -> Questions:
    """Pick what a classifier of these genres can be asked about.

    Parameters
    ----------
    manifest : Manifest
        The corpus. Its labels may differ from the genres in case, spaces, dashes and underscores.
    genres : sequence of str
        That the classifier knows.
    split : str
        Only the recordings of this split; all by default.

    Raises
    ------
    DatasetError
        If nothing is left to ask.
    """
    chosen = manifest.of_split(split) if split else manifest
    if not len(chosen):
        there = sorted({recording.split for recording in manifest} - {""})
        words = f"its splits are {', '.join(there)}" if there else "it makes no splits"
        raise DatasetError(f"{manifest.name}: no recording of the split {split!r}; {words}")
    genre_of = {label: genre for label in chosen.labels if (genre := _same_genre(label, genres)) is not None}
    asked = tuple(recording for recording in chosen if recording.label in genre_of)
    if not asked:
        raise DatasetError(
            f"{manifest.name}: none of its labels ({', '.join(chosen.labels) or 'there are none'}) is a genre that the "
            f"model knows ({', '.join(genres)})"
        )
    labels = Counter(recording.label for recording in chosen if recording.label not in genre_of)
    n_unlabelled = labels.pop("", 0)
    return Questions(asked, tuple(genre_of[each.label] for each in asked), dict(sorted(labels.items())), n_unlabelled)


def evaluate_dataset(
    questions: Questions, results: Iterable[LibraryResult], *, genres: Sequence[str]
) -> dict[str, Any]:
    """Score answers.

    Parameters
    ----------
    questions : Questions
        What was asked.
    results : iterable of LibraryResult
        One for each of its recordings, in order (`service.usecases.library.classify_library`).
    genres : sequence of str
        That the classifier knows.

    Returns
    -------
    dict
        The figures of `models.evaluation.report.report`; beside them `failures` (`path` and `error` of recordings that
        could not be heard, which count nowhere else), `no_music` (recordings by genre in which no music was heard:
        each is an abstention, wrong, and taken for no genre), `unknown_labels` and `n_unlabelled`.

    Raises
    ------
    DatasetError
        If not one recording could be heard.
    """
    index = {genre: number for number, genre in enumerate(genres)}
    rows, labels, sets, abstained, unanswered = [], [], [], [], []
    failures, no_music = [], Counter[str]()
    for recording, truth, result in zip(questions.recordings, questions.truths, results, strict=True):
        if result.answer is None:
            failures.append({"path": str(recording.path), "error": str(result.error)})
            continue
        answer, label = result.answer, index[truth]
        row = np.array([answer["probabilities"][genre] for genre in genres])
        if answer["genre"] is None:  # nothing is known: a tie, which must not be taken for the truth
            no_music[truth] += 1
            row = np.full(len(genres), 1 / len(genres))
            row[label] -= NEVER_RIGHT
        rows.append(row)
        labels.append(label)
        sets.append([genre in answer["set"] for genre in genres])
        abstained.append(answer["abstained"])
        unanswered.append(answer["genre"] is None)
    if not rows:
        raise DatasetError(f"no recording could be heard ({failures[0]['path']}: {failures[0]['error']})")
    figures = report(
        np.stack(rows),
        np.array(labels),
        genres=tuple(genres),
        member_of_set=np.array(sets),
        abstained=np.array(abstained),
        unanswered=np.array(unanswered),
    )
    return figures | {
        "no_music": dict(sorted(no_music.items())),
        "unknown_labels": questions.unknown_labels,
        "n_unlabelled": questions.n_unlabelled,
        "failures": failures,
    }


def _same_genre(label: str, genres: Sequence[str]) -> str | None:
    """The genre of this name; None where there is none, or several that differ in spelling only."""
    if label in genres:
        return label
    alike = [genre for genre in genres if _plain(genre) == _plain(label)]
    return alike[0] if len(alike) == 1 else None


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character not in " -_")
