from pathlib import Path

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.taggrams import GTZAN_GENRES, N_TAGS, TaggramSet, load_taggrams
from models.evaluation.taggrams import evaluate_set, evaluate_taggrams
from models.genre_head import GenreHead
from models.model_folder import read_card
from models.paths import PRETRAINED_DIR
from tests.support.taggrams import GENRES, synthetic_tracks, tag_head, write_npz

SHIPPED = PRETRAINED_DIR / "gtzan-musicnn-1"


@pytest.fixture
def four_tracks() -> TaggramSet:
    """Full of the tag of fado, polka and raga, and a fado that is called raga."""
    tags = (0, 1, 2, 0)
    return TaggramSet(
        tracks=tuple(np.tile(np.eye(N_TAGS, dtype=np.float32)[tag], (n, 1)) for n, tag in enumerate(tags, start=1)),
        labels=np.array([0, 1, 2, 2]),
        ids=("a", "b", "c", "d"),
        genres=GENRES,
    )


def test_three_of_four_answers_are_right(four_tracks, tmp_path):
    found = evaluate_taggrams(write_npz(tmp_path / "four.npz", four_tracks), tag_head())
    assert (found["model"], found["n_tracks"], found["accuracy"]) == ("tag-head-1", 4, 0.75)
    assert found["confusion"] == [[1, 0, 0], [0, 1, 0], [1, 0, 1]]
    assert found["genres"] == list(GENRES)
    # Each answer is sure, so that its set holds the one genre.
    assert (found["coverage"], found["mean_set_size"], found["abstention_rate"]) == (0.75, 1.0, 0.0)


def test_probabilities_are_those_of_the_head(four_tracks):
    head = tag_head()
    of_truth = [head.track_probabilities(track)[label] for track, label in four_tracks]
    assert evaluate_set(four_tracks, head)["log_loss"] == pytest.approx(-np.log(of_truth).mean())


def test_a_head_that_hesitates_abstains(four_tracks):
    silent = TaggramSet(
        tracks=tuple(np.zeros_like(track) for track in four_tracks.tracks),
        labels=four_tracks.labels,
        ids=four_tracks.ids,
        genres=GENRES,
    )
    # A third for each: scores 1/6, 1/2 and 5/6, the limit is 0.6, and two genres are more than the head puts up with.
    found = evaluate_set(silent, tag_head())
    assert (found["mean_set_size"], found["abstention_rate"], found["selective_accuracy"]) == (2.0, 1.0, None)


def test_the_active_head_is_scored_where_none_is_given(tmp_path, rng):
    tracks = synthetic_tracks(rng, genres=GTZAN_GENRES, per_genre=2)
    path = write_npz(tmp_path / "tracks.npz", tracks)
    found = evaluate_taggrams(path)
    assert found["model"] == "gtzan-musicnn-1"
    assert found == evaluate_taggrams(str(path), GenreHead.load(SHIPPED))


@pytest.mark.shared
def test_the_shipped_head_is_as_right_on_its_training_tracks_as_its_card_states(shared_data: Path) -> None:
    path = shared_data / "gtzan_taggrams" / "train.npz"
    found = evaluate_taggrams(path)
    stated = read_card(SHIPPED)["on_training_tracks"]
    assert {name: found[name] for name in stated} == pytest.approx(stated, abs=1e-3)
    assert found["n_tracks"] == len(load_taggrams(path))


def test_labels_that_the_head_does_not_know_are_refused(four_tracks, tmp_path):
    path = write_npz(tmp_path / "four.npz", four_tracks)
    with pytest.raises(DatasetError, match=r"labels 0 to 2, expected 0 to 1 \(fado, polka\)"):
        evaluate_taggrams(path, tag_head(("fado", "polka")))


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(DatasetError, match=r"none\.npz: .*No such file"):
        evaluate_taggrams(tmp_path / "none.npz", tag_head())
