"""Sources are put together by the names of their genres; folds keep artists, or neighbours, on one side."""

from pathlib import Path

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.manifest import Recording
from models.errors import ModelError
from models.hear_corpus import HeardCorpus
from models.hybrid_input import N_TAGS, HybridInput
from models.training_data import TrainingData, training_data
from tests.support.taggrams import synthetic_tracks


def heard(*rows: tuple[str, str, str, str]) -> HeardCorpus:
    """Recordings by name, label, artist and split; each taggram is full of the recording's place."""
    return HeardCorpus(
        recordings=tuple(
            Recording(Path(name), label, artist=artist, split=split) for name, label, artist, split in rows
        ),
        inputs=tuple(HybridInput(np.full((1, N_TAGS), place / 100)) for place in range(len(rows))),
        failures=(),
        hours=1.0,
    )


def corpus(n_artists: int, *, per_artist: int = 2, artists: bool = True) -> HeardCorpus:
    """Two genres; file numbers of one artist are neighbours."""
    return heard(
        *(
            (f"{label}.{artist * per_artist + take}", label, f"{label} {artist}" if artists else "", "")
            for label in ("fado", "polka")
            for artist in range(n_artists)
            for take in range(per_artist)
        )
    )


def test_the_genres_of_all_sources_are_one_set_of_names():
    first = heard(("a", "polka", "x", "train"), ("b", "fado", "y", "test"))
    second = heard(("c", "raga", "", ""), ("d", "fado", "", ""))
    data = training_data([("one", first), ("two", second)])
    assert data.genres == ("fado", "polka", "raga")
    assert [data.genres[label] for label in data.labels] == ["polka", "fado", "raga", "fado"]
    assert (data.ids, data.artists) == (("a", "b", "c", "d"), ("x", "y", "", ""))
    assert (data.splits, data.sources) == (("train", "test", "", ""), ("one", "one", "two", "two"))
    assert data.inputs == (*first.inputs, *second.inputs)


def test_what_is_unlabelled_is_left_out():
    data = training_data([("one", heard(("a", "fado", "", ""), ("b", "", "", ""), ("c", "polka", "", "")))])
    assert data.ids == ("a", "c")
    assert [round(float(each.taggram[0, 0]) * 100) for each in data.inputs] == [0, 2]


def test_published_taggrams_join_by_the_names_of_their_genres(rng):
    tracks = synthetic_tracks(rng, genres=("raga", "fado"), per_genre=3)
    data = training_data([("one", corpus(2))], [tracks])
    assert data.genres == ("fado", "polka", "raga")
    joined = data.select(np.array([source == "taggrams 0" for source in data.sources]))
    assert [data.genres[label] for label in joined.labels] == ["raga"] * 3 + ["fado"] * 3
    assert joined.ids == tracks.ids
    for found, track in zip(joined.inputs, tracks.tracks, strict=True):
        np.testing.assert_array_equal(found.taggram, track)
        assert found.present.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((), "genres none: a classifier needs recordings of two or more"),
        ((("a", "", "", ""),), "genres none"),
        ((("a", "fado", "", ""), ("b", "fado", "", "")), "genres fado: a classifier needs"),
    ],
)
def test_fewer_than_two_genres_are_refused(rows, words):
    with pytest.raises(ModelError, match=words):
        training_data([("one", heard(*rows))])


def test_splits_are_chosen_by_name_and_keep_all_genres():
    rows = [(f"{i}", "fado" if i % 2 else "polka", "", split) for i, split in enumerate(["", "train", "test", "train"])]
    data = training_data([("one", heard(*rows, ("4", "raga", "", "validation")))])
    learned = data.of_split("", "train")
    assert learned.ids == ("0", "1", "3")
    assert learned.genres == data.genres
    assert (len(data.of_split("validation")), len(data.of_split("nothing"))) == (1, 0)


def test_selecting_by_index_and_by_mask_is_the_same():
    data = training_data([("one", corpus(3))])
    mask = np.zeros(len(data), bool)
    mask[[1, 4]] = True
    by_mask, by_index = data.select(mask), data.select(np.array([1, 4]))
    assert by_mask.ids == by_index.ids == (data.ids[1], data.ids[4])
    np.testing.assert_array_equal(by_mask.labels, by_index.labels)


def in_folds(data: TrainingData, folds: np.ndarray) -> list[set[str]]:
    return [{name for name, fold in zip(data.ids, folds, strict=True) if fold == k} for k in range(folds.max() + 1)]


@pytest.mark.parametrize("seed", range(5))
def test_an_artist_is_in_one_fold_and_every_genre_in_all(seed):
    data = training_data([("one", corpus(6, per_artist=3))])
    folds = data.folds(3, seed=seed)
    for artist in set(data.artists):
        assert len({fold for fold, own in zip(folds, data.artists, strict=True) if own == artist}) == 1
    for label in (0, 1):
        assert set(folds[data.labels == label].tolist()) == {0, 1, 2}


def test_folds_follow_the_seed_where_artists_are_known():
    data = training_data([("one", corpus(12))])
    np.testing.assert_array_equal(data.folds(3, seed=1), data.folds(3, seed=1))
    assert any((data.folds(3, seed=seed) != data.folds(3)).any() for seed in range(1, 4))


def test_where_artists_are_unknown_folds_are_blocks_of_neighbouring_names():
    data = training_data([("one", corpus(6, artists=False))])
    first, second = in_folds(data, data.folds(2))
    assert first == {f"{label}.{i}" for label in ("fado", "polka") for i in range(6)}
    assert second == {f"{label}.{i}" for label in ("fado", "polka") for i in range(6, 12)}


def test_one_recording_without_an_artist_makes_blocks_of_its_source():
    known = corpus(4, artists=True)
    rows = [(str(r.path), r.label, r.artist, r.split) for r in known.recordings]
    rows[0] = (*rows[0][:2], "", "")
    folds = training_data([("one", heard(*rows))]).folds(2)
    np.testing.assert_array_equal(folds, training_data([("one", corpus(4, artists=False))]).folds(2))


def test_each_source_is_folded_by_itself(rng):
    tracks = synthetic_tracks(rng, genres=("fado", "polka"), per_genre=4)
    together = training_data([("one", corpus(4)), ("two", corpus(6, artists=False))], [tracks])
    folds = together.folds(2)
    own = np.array([source == "one" for source in together.sources])
    np.testing.assert_array_equal(folds[own], training_data([("one", corpus(4))]).folds(2))
    own = np.array([source == "two" for source in together.sources])
    np.testing.assert_array_equal(folds[own], training_data([("two", corpus(6, artists=False))]).folds(2))
    assert folds[-8:].tolist() == [0, 0, 1, 1] * 2


@pytest.mark.parametrize("artists", [True, False])
def test_too_few_of_a_genre_for_the_folds_are_refused(artists):
    data = training_data([("one", corpus(2, per_artist=1, artists=artists))])
    with pytest.raises(DatasetError, match="cannot fill 3 folds"):
        data.folds(3)
