"""The temporal convolutions by Toom and Cook against NumPy's own convolution."""

import numpy as np

from models.musicnn_temporal import TemporalFrontEnd


def make_weights(rng, kernels):
    weights = {}
    for i, kernel in zip((2, 3, 4), kernels, strict=True):
        n_filters = kernel.shape[-1]
        weights[f"conv2d_{i}/kernel"] = kernel[:, None, None].astype(np.float32)
        weights[f"conv2d_{i}/bias"] = rng.normal(0, 1, n_filters).astype(np.float32)
        for key in ("gamma", "beta", "moving_mean"):
            weights[f"batch_normalization_{i + 1}/{key}"] = rng.normal(0, 1, n_filters).astype(np.float32)
        weights[f"batch_normalization_{i + 1}/moving_variance"] = rng.uniform(0.5, 2, n_filters).astype(np.float32)
    return weights


def plain_features(weights, i, patch):
    kernel = weights[f"conv2d_{i}/kernel"][:, 0, 0]
    back = (len(kernel) - 1) // 2  # of the original's padding; one less than ahead, as the length is even
    padded = np.pad(patch.astype(float), ((back, len(kernel) - 1 - back), (0, 0)))
    y = np.array([[np.correlate(band, taps) for taps in kernel.T] for band in padded.T])  # (band, filter, time)
    y = np.maximum(y.transpose(0, 2, 1) + weights[f"conv2d_{i}/bias"], 0)
    bn = {key: weights[f"batch_normalization_{i + 1}/{key}"] for key in ("gamma", "beta", "moving_mean")}
    variance = weights[f"batch_normalization_{i + 1}/moving_variance"]
    y = bn["gamma"] * (y - bn["moving_mean"]) / np.sqrt(variance + 1e-3) + bn["beta"]
    return y.max(axis=0)


def test_equals_the_plain_sum(rng):
    kernels = [rng.normal(0, n**-0.5, (n, 5)) for n in (128, 64, 32)]
    weights = make_weights(rng, kernels)
    patch = rng.normal(size=(187, 96)).astype(np.float32)
    front_end = TemporalFrontEnd(weights)
    out = np.full((187, front_end.n_features), np.nan, np.float32)
    front_end.features(patch, out)
    expected = np.concatenate([plain_features(weights, i, patch) for i in (2, 3, 4)], axis=1)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)


def test_a_click_returns_the_filter(rng):
    """A click in one band draws the filter, turned round in time, around its place."""
    kernels = [np.linspace(1, 2, n)[:, None] for n in (128, 64, 32)]
    weights = make_weights(rng, kernels)
    for i in (2, 3, 4):
        weights[f"conv2d_{i}/bias"][:] = 0
        weights[f"batch_normalization_{i + 1}/gamma"][:] = np.sqrt(1 + 1e-3)
        weights[f"batch_normalization_{i + 1}/moving_variance"][:] = 1
        for key in ("beta", "moving_mean"):
            weights[f"batch_normalization_{i + 1}/{key}"][:] = 0
    patch = np.zeros((187, 96), np.float32)
    patch[90, 17] = 1
    out = np.empty((187, 3), np.float32)
    TemporalFrontEnd(weights).features(patch, out)
    for column, kernel in zip(out.T, kernels, strict=True):
        ahead = len(kernel) // 2
        expected = np.zeros(187)
        expected[90 - ahead : 90 - ahead + len(kernel)] = kernel[::-1, 0]
        np.testing.assert_allclose(column, expected, atol=1e-5)
