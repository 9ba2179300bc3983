import hashlib

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.splits import block_folds, natural_key, split_checksum, stratified_group_folds, training_side

# Natural order within the genres: x.1 x.2 x.3 x.10, y.1 y.2 y.3 y.4.
IDS = ("x.10", "y.1", "x.2", "x.1", "y.4", "y.3", "x.3", "y.2")
LABELS = np.array([0, 1, 0, 0, 1, 1, 0, 1])


def fold_of(ids, labels, **options) -> dict[str, int]:
    return dict(zip(ids, block_folds(ids, labels, **options).tolist(), strict=True))


def allowed(ids, labels, folds, fold, **options) -> set[str]:
    chosen = training_side(ids, labels, np.array(folds), fold, **options)
    return {name for name, stays in zip(ids, chosen, strict=True) if stays}


def test_names_are_ordered_as_people_count():
    names = ["b.2.10", "a10", "x.10", "a9", "x.2", "b.2.9", "x"]
    assert sorted(names, key=natural_key) == ["a9", "a10", "b.2.9", "b.2.10", "x", "x.2", "x.10"]
    assert sorted(["10", "9", "00011"], key=natural_key) == ["9", "10", "00011"]


def test_a_fold_is_one_block_of_neighbouring_names_of_each_genre():
    folds = fold_of(IDS, LABELS, n_folds=2)
    assert {name for name, fold in folds.items() if fold == 0} == {"x.1", "x.2", "y.1", "y.2"}
    assert {name for name, fold in folds.items() if fold == 1} == {"x.3", "x.10", "y.3", "y.4"}


def test_a_rotation_of_half_a_block_moves_the_cuts_by_half_a_block():
    folds = fold_of(IDS, LABELS, n_folds=2, rotation=0.5)
    assert {name for name, fold in folds.items() if fold == 0} == {"x.2", "x.3", "y.2", "y.3"}
    assert {name for name, fold in folds.items() if fold == 1} == {"x.10", "x.1", "y.4", "y.1"}


def test_a_rotation_that_rounds_to_no_track_moves_nothing():
    np.testing.assert_array_equal(
        block_folds(IDS, LABELS, n_folds=2, rotation=0.2), block_folds(IDS, LABELS, n_folds=2)
    )


@pytest.mark.parametrize("rotation", [0.0, 0.25, 0.5, 0.75])
@pytest.mark.parametrize("n_folds", [2, 3, 5])
def test_blocks_of_a_genre_differ_by_at_most_one_track(n_folds, rotation):
    labels = np.repeat([4, 7], [11, 13])
    ids = [f"{label}/{n}" for n, label in enumerate(labels)]
    folds = block_folds(ids, labels, n_folds=n_folds, rotation=rotation)
    for genre in (4, 7):
        sizes = np.bincount(folds[labels == genre], minlength=n_folds)
        assert len(sizes) == n_folds
        assert np.ptp(sizes) <= 1


def test_the_order_of_the_list_does_not_matter(rng):
    order = rng.permutation(len(IDS))
    ids = [IDS[i] for i in order]
    for rotation in (0.0, 0.5):
        shuffled = block_folds(ids, LABELS[order], n_folds=2, rotation=rotation)
        np.testing.assert_array_equal(shuffled, block_folds(IDS, LABELS, n_folds=2, rotation=rotation)[order])


def test_labels_may_be_names():
    genres = np.array(["jazz", "rock"])[LABELS]
    np.testing.assert_array_equal(block_folds(IDS, genres, n_folds=2), block_folds(IDS, LABELS, n_folds=2))


@pytest.mark.parametrize(
    ("fold", "guard", "left"),
    [
        (1, 0, {"a.1", "a.2", "a.9", "a.10"}),
        (1, 1, {"a.1", "a.10"}),
        (1, 2, set()),
        (0, 1, {"a.4", "a.9", "a.10"}),  # the last track is no neighbour of the first
        (0, 0, {"a.3", "a.4", "a.9", "a.10"}),
    ],
)
def test_the_guard_leaves_neighbours_of_held_out_tracks_out(fold, guard, left):
    ids = ("a.1", "a.2", "a.3", "a.4", "a.9", "a.10")
    assert allowed(ids, np.zeros(6, int), [0, 0, 1, 1, 2, 2], fold, guard=guard) == left


def test_the_guard_stays_within_the_genre():
    ids, labels = ("t.1", "t.2", "t.3", "t.4"), np.array([0, 1, 0, 1])  # neighbours in name are of the other genre
    assert allowed(ids, labels, [0, 1, 1, 1], 0, guard=1) == {"t.2", "t.4"}


def test_a_block_that_goes_on_at_the_start_is_guarded_at_both_ends():
    ids = tuple(f"a.{n}" for n in range(8))
    folds = block_folds(ids, np.zeros(8, int), n_folds=2, rotation=0.5)
    assert folds.tolist() == [1, 1, 0, 0, 0, 0, 1, 1]
    assert allowed(ids, np.zeros(8, int), folds, 1, guard=1) == {"a.3", "a.4"}
    assert allowed(ids, np.zeros(8, int), folds, 0, guard=1) == {"a.0", "a.7"}


@pytest.mark.parametrize("guard", [0, 1, 3])
def test_the_training_side_is_that_of_a_slow_loop(guard, rng):
    labels = rng.integers(0, 3, 60)
    ids = [f"track {n}" for n in rng.permutation(60)]
    folds = rng.integers(0, 4, 60)
    place = {}
    for genre in range(3):
        members = sorted((int(name.split()[1]), i) for i, name in enumerate(ids) if labels[i] == genre)
        place |= {i: at for at, (_, i) in enumerate(members)}
    expected = [
        all(labels[i] != labels[j] or folds[j] != 2 or abs(place[i] - place[j]) > guard for j in range(60))
        and folds[i] != 2
        for i in range(60)
    ]
    np.testing.assert_array_equal(training_side(ids, labels, folds, 2, guard=guard), expected)


def test_the_checksum_is_that_of_the_sorted_lines():
    expected = hashlib.sha256(b"a\t1\nb\t0").hexdigest()
    assert split_checksum(["b", "a"], np.array([0, 1])) == expected


def test_the_checksum_knows_the_split_and_not_the_order_of_the_tracks(rng):
    folds = block_folds(IDS, LABELS, n_folds=2)
    order = rng.permutation(len(IDS))
    checksum = split_checksum(IDS, folds)
    assert split_checksum([IDS[i] for i in order], folds[order]) == checksum
    moved = block_folds(IDS, LABELS, n_folds=2, rotation=0.5)
    renamed = ["x.11", *IDS[1:]]
    assert len({checksum, split_checksum(IDS, moved), split_checksum(renamed, folds)}) == 3


@pytest.mark.parametrize(
    ("ids", "labels", "options", "words"),
    [
        (("a", "b"), [0, 0, 0], {"n_folds": 2}, "one label per name"),
        (("a", "b"), [[0, 0]], {"n_folds": 2}, "one label per name"),
        (("a", "b", "a"), [0, 0, 0], {"n_folds": 2}, "comes twice"),
        (("a", "b"), [0, 0], {"n_folds": 1}, "n_folds=1"),
        (("a", "b"), [0, 0], {"n_folds": 2, "rotation": 1.0}, r"rotation=1\.0"),
        (("a", "b"), [0, 0], {"n_folds": 2, "rotation": -0.25}, r"rotation=-0\.25"),
        (("a", "b"), [0, 0], {"n_folds": 2, "rotation": float("nan")}, "rotation=nan"),
        (("a", "b", "c"), [0, 0, 1], {"n_folds": 2}, "label 1: 1 tracks cannot fill 2 folds"),
    ],
)
def test_bad_input_is_refused_by_name(ids, labels, options, words):
    with pytest.raises(DatasetError, match=words):
        block_folds(ids, np.array(labels), **options)


# Five artists of three recordings each in either genre, and three of jazz whose artist nobody knows.
ARTISTS = (*(f"{genre}-{artist}" for genre in ("jazz", "rock") for artist in range(5) for _ in range(3)), "", "", "")
ARTIST_LABELS = np.array([artist.split("-")[0] or "jazz" for artist in ARTISTS])


@pytest.mark.parametrize("seed", range(5))
def test_an_artist_is_in_one_fold_and_every_genre_in_all(seed):
    folds = stratified_group_folds(ARTISTS, ARTIST_LABELS, n_folds=5, seed=seed)
    for artist in set(ARTISTS) - {""}:
        assert len({fold for fold, name in zip(folds, ARTISTS, strict=True) if name == artist}) == 1
    for label in ("jazz", "rock"):
        assert set(folds[label == ARTIST_LABELS]) == {0, 1, 2, 3, 4}
    # As evenly as can be: one artist of each genre to a fold.
    assert np.bincount(folds[ARTIST_LABELS == "rock"]).tolist() == [3, 3, 3, 3, 3]


def test_recordings_without_an_artist_are_no_group():
    labels = np.repeat(["jazz", "rock"], 4)
    folds = stratified_group_folds([""] * 8, labels, n_folds=4)
    for label in ("jazz", "rock"):
        assert sorted(folds[labels == label]) == [0, 1, 2, 3]


def test_an_artist_of_two_genres_is_still_in_one_fold():
    groups = ["prince", "prince", "prince", "a", "b", "c", "d", "e", "f"]
    labels = ["pop", "pop", "rock", "pop", "pop", "pop", "rock", "rock", "rock"]
    folds = stratified_group_folds(groups, labels, n_folds=2)
    assert len(set(folds[:3])) == 1
    assert set(folds) == {0, 1}


def test_group_folds_depend_on_the_seed_and_not_on_the_order_of_named_recordings(rng):
    groups, labels = np.array(ARTISTS[:30]), ARTIST_LABELS[:30]
    folds = stratified_group_folds(groups.tolist(), labels, n_folds=3, seed=1)
    order = rng.permutation(30)
    shuffled = stratified_group_folds(groups[order].tolist(), labels[order], n_folds=3, seed=1)
    np.testing.assert_array_equal(shuffled, folds[order])
    others = [stratified_group_folds(groups.tolist(), labels, n_folds=3, seed=seed).tolist() for seed in range(2, 8)]
    assert any(other != folds.tolist() for other in others)


@pytest.mark.parametrize(
    ("groups", "labels", "n_folds", "words"),
    [
        (["a", "b"], ["x"], 2, "2 groups for labels of shape"),
        (["a", "b"], ["x", "x"], 1, "n_folds=1, 2 recordings: expected 2 or more folds"),
        ([], [], 2, "0 recordings"),
        (["a", "b", "c", "c"], ["x", "x", "y", "y"], 2, r"label y: 1 groups \(artists\) cannot fill 2 folds"),
        (["a", "b", ""], ["x", "x", "x"], 4, "label x: 3 groups"),
    ],
)
def test_groups_that_cannot_be_split_are_refused_by_name(groups, labels, n_folds, words):
    with pytest.raises(DatasetError, match=words):
        stratified_group_folds(groups, labels, n_folds=n_folds)


def test_a_fold_that_would_lack_a_label_is_refused():
    # Each label has two groups, which must part; of three groups two must be in one of two folds.
    groups = ["a", "b", "b", "c", "c", "a"]
    labels = ["x", "x", "y", "y", "z", "z"]
    with pytest.raises(DatasetError, match=r"label [xyz]: fold [01] is left without it"):
        stratified_group_folds(groups, labels, n_folds=2)
