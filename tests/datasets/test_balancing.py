"""Weights that can be worked out by hand, and choices that can be counted."""

from collections import Counter

import numpy as np
import pytest

from datasets.balancing import balanced_indices, class_weights, sample_weights
from datasets.errors import DatasetError

LABELS = ["rock"] * 6 + ["jazz"] * 3 + ["fado"]


def test_inverse_frequency() -> None:
    """10 recordings, 3 classes: 10 / (3 n)."""
    expected = {"fado": 10 / 3, "jazz": 10 / 9, "rock": 10 / 18}
    assert class_weights(LABELS) == pytest.approx(expected)


def test_effective_number() -> None:
    """With beta = 0.5, (1 - beta**n) / (1 - beta) is 1 for one, 1.75 for three, 1.96875 for six recordings."""
    weights = class_weights(LABELS, method="effective_number", beta=0.5)
    raw = {"fado": 1.0, "jazz": 1 / 1.75, "rock": 1 / 1.96875}
    scale = 10 / (raw["fado"] + 3 * raw["jazz"] + 6 * raw["rock"])
    assert weights == pytest.approx({label: scale * weight for label, weight in raw.items()})


def test_the_effective_number_lies_between_equal_weights_and_inverse_frequency() -> None:
    assert class_weights(LABELS, method="effective_number", beta=0.0) == pytest.approx(
        dict.fromkeys(("fado", "jazz", "rock"), 1.0)
    )
    close = class_weights(LABELS, method="effective_number", beta=1 - 1e-9)
    assert close == pytest.approx(class_weights(LABELS), rel=1e-5)


@pytest.mark.parametrize("method", ["inverse_frequency", "effective_number"])
@pytest.mark.parametrize("labels", [LABELS, np.array([0, 0, 2, 1, 0])])
def test_the_mean_weight_of_recordings_is_one(method: str, labels) -> None:
    each = sample_weights(labels, class_weights(labels, method=method))
    assert each.dtype == np.float32
    assert each.mean() == pytest.approx(1.0)


def test_each_recording_has_the_weight_of_its_class() -> None:
    np.testing.assert_array_equal(sample_weights(["b", "a", "b"], {"a": 2.0, "b": 0.5, "c": 9.0}), [0.5, 2.0, 0.5])


@pytest.mark.parametrize(("per_class", "expected"), [("largest", 6), ("smallest", 1), (4, 4), (13, 13)])
def test_every_class_comes_as_often_and_its_recordings_evenly(per_class, expected: int) -> None:
    indices = balanced_indices(LABELS, seed=1, per_class=per_class)
    assert Counter(LABELS[i] for i in indices) == dict.fromkeys(("rock", "jazz", "fado"), expected)
    times = Counter(indices.tolist())
    for label in set(LABELS):
        of_class = [times[i] for i, own in enumerate(LABELS) if own == label]
        assert max(of_class) - min(of_class) <= 1


def test_seed_and_epoch_decide_the_choice() -> None:
    def choice(seed: int, epoch: int) -> list[int]:
        return balanced_indices(LABELS, seed=seed, epoch=epoch).tolist()

    assert choice(1, 2) == choice(1, 2)
    assert len({tuple(choice(*pair)) for pair in ((1, 2), (1, 3), (2, 2), (2, 1))}) == 4


def test_undersampling_comes_round_to_every_recording() -> None:
    seen = {i for epoch in range(100) for i in balanced_indices(LABELS, seed=0, epoch=epoch, per_class="smallest")}
    assert seen == set(range(10))


def test_the_classes_are_mixed() -> None:
    labels = [0] * 100 + [1] * 100
    first_half = balanced_indices(labels, seed=0)[:100] < 100
    assert 30 < first_half.sum() < 70


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: class_weights([]), "expected one text or integer"),
        (lambda: class_weights([["a"], ["b"]]), "expected one text or integer"),
        (lambda: class_weights([0.5, 1.5]), "float64"),
        (lambda: class_weights(["a", "", ""]), "2 recordings have no label"),
        (lambda: class_weights(["a"], method="median"), "method='median'"),
        (lambda: class_weights(["a"], beta=1.0), r"beta=1\.0"),
        (lambda: sample_weights(["a", "b"], {"a": 1.0}), "no weight for b"),
        (lambda: balanced_indices(["a"], seed=-1), "seed=-1"),
        (lambda: balanced_indices(["a"], seed=1, epoch=-1), "epoch=-1"),
        (lambda: balanced_indices(["a"], seed=1, per_class=0), "per_class=0"),
        (lambda: balanced_indices(["a"], seed=1, per_class="median"), "per_class='median'"),
    ],
)
def test_bad_input_is_refused_by_name(call, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        call()
