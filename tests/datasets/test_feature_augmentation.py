"""Changes of features whose answer is known: which cells change, and by how much."""

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.feature_augmentation import Crop, FeatureNoise, FeatureTransform, Mixup, SpecAugment

ALL = [SpecAugment(), FeatureNoise(), Crop(40)]


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("transform", ALL, ids=lambda transform: type(transform).__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(100, 32), (3, 100, 32), (2, 3, 100, 32)])
def test_what_all_transforms_keep_to(transform: FeatureTransform, shape: tuple, dtype: type, rng) -> None:
    x = rng.standard_normal(shape).astype(dtype)
    before = x.copy()
    changed = transform(x, _rng(1))
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(transform(x, _rng(1)), changed)
    assert not np.array_equal(transform(x, _rng(2)), changed)
    assert changed.dtype == dtype
    assert changed.shape == (*shape[:-2], 40 if isinstance(transform, Crop) else 100, 32)


def test_masks_cover_whole_frames_and_whole_bands_and_nothing_else(rng) -> None:
    x = rng.standard_normal((50, 100, 32)).astype(np.float32)
    settings = SpecAugment(2, 10, 1, 8, largest_time_share=1.0, fill=-9.0)
    sizes = []
    for before, after in zip(x, settings(x, _rng()), strict=True):
        masked = after == -9.0
        np.testing.assert_array_equal(after[~masked], before[~masked])
        frames, bands = masked.all(axis=1), masked.all(axis=0)
        np.testing.assert_array_equal(masked, frames[:, None] | bands)
        assert frames.sum() <= 20
        assert np.count_nonzero(np.diff(bands.astype(int), prepend=0, append=0)) in (0, 2)  # one run at most
        sizes.append(int(bands.sum()))
    assert set(sizes) <= set(range(9))
    assert max(sizes) >= 7
    assert min(sizes) <= 1


def test_a_time_mask_is_no_longer_than_its_share_of_the_frames(rng) -> None:
    x = rng.standard_normal((200, 10, 4))
    masked = SpecAugment(1, 1000, 0, 0, largest_time_share=0.3, fill=99.0)(x, _rng()) == 99.0
    assert masked.all(axis=2).sum(axis=1).max() == 3


def test_masks_may_reach_both_ends() -> None:
    masked = SpecAugment(1, 3, 1, 3, largest_time_share=1.0, fill=1.0)(np.zeros((500, 6, 6)), _rng()) == 1.0
    assert masked[:, 0].all(axis=1).any()
    assert masked[:, -1].all(axis=1).any()
    assert masked[:, :, 0].all(axis=1).any()
    assert masked[:, :, -1].all(axis=1).any()


def test_masks_larger_than_the_features_are_held_to_them() -> None:
    settings = SpecAugment(1, 1000, 1, 1000, largest_time_share=1.0)
    np.testing.assert_allclose(settings(np.ones((20, 5, 3)), _rng()), 1.0)


def test_without_a_fill_a_mask_holds_the_mean_of_its_item(rng) -> None:
    x = rng.standard_normal((4, 60, 20))
    changed = SpecAugment(3, 30, 3, 10, largest_time_share=1.0)(x, _rng())
    for before, after in zip(x, changed, strict=True):
        masked = after != before
        assert masked.any()
        np.testing.assert_allclose(after[masked], before.mean())


def test_no_masks_change_nothing(rng) -> None:
    x = rng.standard_normal((60, 20))
    np.testing.assert_array_equal(SpecAugment(0, 10, 0, 10)(x, _rng()), x)


def test_noise_has_the_deviation_that_was_asked_for() -> None:
    noise = FeatureNoise((0.5, 0.5))(np.zeros((200, 500)), _rng())
    assert noise.std() == pytest.approx(0.5, rel=0.02)
    assert noise.mean() == pytest.approx(0.0, abs=0.01)
    deviations = FeatureNoise((0.1, 0.9))(np.zeros((300, 30, 30)), _rng()).std(axis=(1, 2))
    assert deviations.min() < 0.15
    assert deviations.max() > 0.85


def test_a_crop_is_a_run_of_frames_from_anywhere() -> None:
    x = np.repeat(np.arange(10.0)[:, None], 3, axis=1)
    cropped = Crop(4)(np.stack([x] * 300), _rng())
    assert (np.diff(cropped, axis=1) == 1).all()
    assert set(cropped[:, 0, 0]) == set(range(7))
    np.testing.assert_array_equal(Crop(10)(x, _rng()), x)


def test_mixup_mixes_features_and_labels_alike() -> None:
    """Item i is all i, and so is its label: what is mixed can be read off."""
    n_items = 6
    x = np.broadcast_to(np.eye(n_items)[:, :, None, None], (n_items, n_items, 4, 3)).astype(np.float32)
    y = np.eye(n_items, dtype=np.float32)
    mixed_x, mixed_y = Mixup(1.0)(x, y, _rng())
    np.testing.assert_allclose(mixed_x, np.broadcast_to(mixed_y[:, :, None, None], x.shape))
    np.testing.assert_allclose(mixed_y.sum(axis=1), 1, rtol=1e-6)
    assert ((mixed_y > 0).sum(axis=1) <= 2).all()
    assert (mixed_x.dtype, mixed_y.dtype) == (np.float32, np.float32)
    again_x, again_y = Mixup(1.0)(x, y, _rng())
    np.testing.assert_array_equal(again_x, mixed_x)
    np.testing.assert_array_equal(again_y, mixed_y)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_the_shares_of_mixup_follow_their_beta_distribution(alpha: float) -> None:
    """Class 0 against class 1, in halves: the variance of Beta(a, a) is 1 / (4 (2a + 1))."""
    y = np.repeat(np.eye(2), 20_000, axis=0)
    x = y[:, :, None].copy()
    _, mixed = Mixup(alpha)(x, y, _rng())
    share = mixed[:20_000, 0]
    share = share[share < 1]  # partners of the other class
    assert share.size == pytest.approx(10_000, rel=0.1)
    assert share.mean() == pytest.approx(0.5, abs=0.02)
    assert share.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: SpecAugment(time_masks=-1), "time_masks=-1"),
        (lambda: SpecAugment(largest_time_share=1.1), "share from 0 to 1"),
        (lambda: SpecAugment(fill=float("nan")), "fill=nan"),
        (lambda: FeatureNoise((-0.1, 0.1)), "std"),
        (lambda: FeatureNoise((0.0, float("inf"))), "std"),
        (lambda: FeatureNoise(0.1), "std=0.1"),
        (lambda: Crop(0), "n_frames=0"),
        (lambda: Mixup(0.0), "alpha=0.0"),
        (lambda: Mixup(float("nan")), "alpha=nan"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(build, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        build()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: SpecAugment()(np.zeros(5), _rng()), "n_frames, n_bands"),
        (lambda: SpecAugment()(np.zeros((0, 5)), _rng()), "not empty"),
        (lambda: SpecAugment()(np.zeros((5, 5), int), _rng()), "int64"),
        (lambda: FeatureNoise()(np.full((2, 2), np.nan), _rng()), "NaN"),
        (lambda: Crop(6)(np.zeros((5, 5)), _rng()), "5 frames cannot be cropped to 6"),
        (lambda: Mixup()(np.zeros((5, 5)), np.ones((5, 1)), _rng()), "n_items"),
        (lambda: Mixup()(np.zeros((3, 5, 5)), np.ones((2, 1)), _rng()), "n_items"),
        (lambda: Mixup()(np.zeros((3, 5, 5)), np.ones((3, 1), int), _rng()), "float labels"),
        (lambda: Mixup()(np.zeros((3, 5, 5)), np.ones((3, 2)), _rng()), "sum to 1"),
        (lambda: Mixup()(np.zeros((3, 5, 5)), np.full((3, 1), np.nan), _rng()), "sum to 1"),
    ],
)
def test_features_that_cannot_be_changed_are_refused(change, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        change()
