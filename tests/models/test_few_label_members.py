"""The pair of members by itself: soft labels, names, and the recordings without a label."""

import numpy as np
import pytest

from models.few_label_members import MAX_UNLABELLED, Labels, View, standardised

NAMES = ("linear", "kernel")


def labels_of(rows: list[int], genres: list[int], *, n_genres: int = 2) -> Labels:
    return Labels(np.array(rows, dtype=int), np.eye(n_genres)[genres].reshape(-1, n_genres), np.ones(len(rows)))


def nothing_known(n: int, n_genres: int = 2) -> tuple[np.ndarray, np.ndarray]:
    return np.full((n, n_genres), 1 / n_genres), np.zeros(n_genres, dtype=bool)


def two_clouds(rng: np.random.Generator, n: int = 60) -> np.ndarray:
    return rng.normal(0, 1, (n, 4)) + 6 * (np.arange(n) % 2 == 1)[:, np.newaxis]


def answers(members, features: np.ndarray) -> list[np.ndarray]:
    from models.genre_head import laplacian_kernel

    linear, kernel = members
    scaled = (features - kernel.centre) / kernel.spread
    near = laplacian_kernel(scaled, kernel.support, gamma=kernel.gamma)
    return [
        ((features - linear.centre) / linear.spread) @ linear.weights + linear.bias,
        near @ kernel.weights + kernel.bias,
    ]


def test_one_label_in_each_cloud_is_enough(rng):
    features = two_clouds(rng)
    labels = labels_of([0, 1], [1, 0])
    members = View(features, features, labels, *nothing_known(60), poolings=NAMES).fit(labels)
    assert [member.pooling for member in members] == list(NAMES)
    for logits in answers(members, features):
        np.testing.assert_array_equal(logits.argmax(axis=1), 1 - np.arange(60) % 2)


def test_unlabelled_recordings_show_where_a_cloud_ends(rng):
    """A label far out in its cloud pulls the border; the unlabelled push it back between the clouds."""
    features = two_clouds(rng)
    features[0] = 2.5  # of the lower cloud, close to the middle
    labels = labels_of([0, 1], [0, 1])
    alone = labels_of([0, 1], [0, 1])
    two = features[:2]
    with_pool = View(features, features, labels, *nothing_known(60), poolings=NAMES).fit(labels)
    without = View(two, two, alone, *nothing_known(2), poolings=NAMES).fit(alone)
    truth = np.arange(60) % 2
    border = np.full((1, 4), 3.6)  # beyond the middle of the clouds, below that of the two labels
    assert (answers(with_pool, features)[0].argmax(axis=1) == truth).mean() == 1.0
    assert answers(with_pool, border)[0].argmax() == 1
    assert answers(without, border)[0].argmax() == 0


def test_names_stand_in_for_labels(rng):
    features = two_clouds(rng)
    beliefs = np.where((np.arange(60) % 2)[:, np.newaxis] == [0, 1], 0.8, 0.2)
    none = labels_of([], [])
    members = View(features, features, none, beliefs, np.array([True, True]), poolings=NAMES).fit(none)
    for logits in answers(members, features):
        np.testing.assert_array_equal(logits.argmax(axis=1), np.arange(60) % 2)


def test_a_view_forgets_labels_that_are_left_out(rng):
    features = two_clouds(rng)
    every = labels_of([0, 1, 2, 3], [0, 1, 1, 0])  # the last two are wrong
    view = View(features, features, every, *nothing_known(60), poolings=NAMES)
    right = np.array([True, True, False, False])
    found = answers(view.fit(every.keep(right)), features)
    kept = labels_of([0, 1], [0, 1])
    expected = answers(View(features, features, kept, *nothing_known(60), poolings=NAMES).fit(kept), features)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-8)


def test_the_kernel_compares_with_a_thinned_pool_but_with_every_label(rng):
    n = 3 * MAX_UNLABELLED
    features = rng.normal(size=(n, 3))
    labels = labels_of(list(range(50)), [0, 1] * 25)
    support = View(features, features, labels, *nothing_known(n), poolings=NAMES).fit(labels)[1].support
    assert 50 + MAX_UNLABELLED // 2 < len(support) <= 50 + MAX_UNLABELLED
    np.testing.assert_allclose(support[:50], standardised(features)[0][:50])


def test_what_never_changes_has_no_spread():
    features, centre, spread = standardised(np.array([[1.0, 5.0], [3.0, 5.0]]))
    np.testing.assert_allclose(features, [[-1, 0], [1, 0]])
    assert centre.tolist() == [2, 5]
    assert spread[0] == pytest.approx(1)
    assert spread[1] > 0
