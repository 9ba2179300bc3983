"""What is asked of a classifier, and how its answers count."""

from pathlib import Path

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.manifest import Manifest, Recording
from features.errors import CorruptAudio
from service.usecases.evaluate_dataset import evaluate_dataset, questions_of
from service.usecases.library import LibraryResult

GENRES = ("hiphop", "jazz", "rock")


def corpus(*labels: str, splits: tuple[str, ...] = ()) -> Manifest:
    """A recording of each label, with its split where there are some."""
    rows = zip(labels, splits or [""] * len(labels), strict=True)
    return Manifest("mine", tuple(Recording(Path(f"{n}.wav"), *row[:1], split=row[1]) for n, row in enumerate(rows)))


def answered(path: str, genre: str | None, p: float = 0.8, *, abstained: bool = False) -> LibraryResult:
    """An answer with this genre on top; None heard no music, and knows nothing."""
    rest = (1 - p) / (len(GENRES) - 1)
    probabilities = {each: 1 / len(GENRES) if genre is None else p if each == genre else rest for each in GENRES}
    sets = list(GENRES) if genre is None or abstained else [genre]
    answer = {"genre": genre, "probabilities": probabilities, "set": sets, "abstained": abstained or genre is None}
    return LibraryResult(Path(path), answer=answer)


@pytest.mark.parametrize("label", ["hiphop", "Hip Hop", "hip-hop", "HIP_HOP"])
def test_a_label_is_a_genre_in_any_spelling_of_it(label):
    questions = questions_of(corpus(label), GENRES)
    assert (questions.truths, questions.unknown_labels) == (("hiphop",), {})


@pytest.mark.parametrize("label", ["hip", "trip-hop", "hip.hop", "hip hop jazz"])
def test_another_word_is_another_genre(label):
    assert questions_of(corpus(label, "jazz"), GENRES).unknown_labels == {label: 1}


def test_a_label_is_matched_exactly_first_and_never_guessed():
    genres = ("Hip Hop", "hiphop", "rock")
    questions = questions_of(corpus("hiphop", "Hip Hop", "hip-hop", "rock"), genres)
    assert questions.truths == ("hiphop", "Hip Hop", "rock")
    assert questions.unknown_labels == {"hip-hop": 1}


def test_what_cannot_be_asked_is_counted():
    questions = questions_of(corpus("jazz", "fado", "", "fado", "cumbia"), GENRES)
    assert [str(each.path) for each in questions.recordings] == ["0.wav"]
    assert (questions.unknown_labels, questions.n_unlabelled) == ({"cumbia": 1, "fado": 2}, 1)


def test_only_the_split_that_was_asked_for():
    manifest = corpus("jazz", "rock", "jazz", splits=("train", "test", "test"))
    assert [str(each.path) for each in questions_of(manifest, GENRES, split="test").recordings] == ["1.wav", "2.wav"]


@pytest.mark.parametrize(
    ("manifest", "split", "message"),
    [
        (corpus("fado", "cumbia"), "", r"none of its labels \(cumbia, fado\).*hiphop, jazz, rock"),
        (corpus("", ""), "", "there are none"),
        (corpus("jazz"), "test", "no recording of the split 'test'; it makes no splits"),
        (corpus("jazz", splits=("train",)), "test", "its splits are train"),
    ],
)
def test_nothing_to_ask_is_an_error(manifest, split, message):
    with pytest.raises(DatasetError, match=message):
        questions_of(manifest, GENRES, split=split)


def score(labels, *results):
    return evaluate_dataset(questions_of(corpus(*labels), GENRES), results, genres=GENRES)


def test_figures_of_right_and_wrong_answers():
    figures = score(
        ("jazz", "jazz", "rock", "hip-hop"),
        answered("0.wav", "jazz"),
        answered("1.wav", "rock"),
        answered("2.wav", "rock"),
        answered("3.wav", "hiphop", abstained=True),
    )
    assert (figures["n_tracks"], figures["accuracy"], figures["abstention_rate"]) == (4, 0.75, 0.25)
    assert figures["confusion"] == [[1, 0, 0], [0, 1, 1], [0, 0, 1]]
    assert figures["coverage"] == 0.75
    assert (figures["failures"], figures["no_music"]) == ([], {})


@pytest.mark.parametrize("label", GENRES)
def test_where_no_music_is_heard_the_answer_is_wrong_whatever_the_truth(label):
    figures = score((label, "jazz"), answered("0.wav", None), answered("1.wav", "jazz"))
    assert figures["accuracy"] == 0.5
    assert figures["abstention_rate"] == 0.5
    assert figures["selective_accuracy"] == 1.0
    assert figures["no_music"] == {label: 1}
    assert np.sum(figures["confusion"]) == 1  # taken for no genre at all
    assert figures["per_class"]["jazz"]["precision"] == 1.0
    assert figures["per_class"][label]["recall"] == (0.5 if label == "jazz" else 0.0)
    assert figures["log_loss"] == pytest.approx((np.log(3) - np.log(0.8)) / 2, abs=1e-4)


def test_what_cannot_be_heard_counts_nowhere_and_is_named():
    broken = LibraryResult(Path("0.wav"), error=CorruptAudio("0.wav: damaged"))
    figures = score(("jazz", "rock"), broken, answered("1.wav", "rock"))
    assert (figures["n_tracks"], figures["accuracy"]) == (1, 1.0)
    assert figures["failures"] == [{"path": "0.wav", "error": "0.wav: damaged"}]


def test_a_corpus_that_cannot_be_heard_at_all_is_an_error():
    with pytest.raises(DatasetError, match=r"no recording could be heard \(0\.wav: damaged\)"):
        score(("jazz",), LibraryResult(Path("0.wav"), error=CorruptAudio("damaged")))
