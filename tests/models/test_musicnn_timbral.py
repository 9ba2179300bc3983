"""The timbral convolutions by DFT against the sum that defines them."""

import numpy as np

from models.musicnn_timbral import TimbralFrontEnd


def plain_features(weights, i, rows):
    """Rows (n, 7, 96) through convolution, ReLU, normalisation and maximum over the bands, step by step."""
    name = f"conv2d_{i}" if i else "conv2d"
    kernel, bias = weights[f"{name}/kernel"][:, :, 0].astype(float), weights[f"{name}/bias"]
    n_bands = kernel.shape[1]
    y = np.stack([np.tensordot(rows[:, :, j : j + n_bands], kernel, 2) for j in range(96 - n_bands + 1)]) + bias
    y = np.maximum(y, 0)
    bn = {key: weights[f"batch_normalization_{i + 1}/{key}"] for key in ("gamma", "beta", "moving_mean")}
    variance = weights[f"batch_normalization_{i + 1}/moving_variance"]
    y = bn["gamma"] * (y - bn["moving_mean"]) / np.sqrt(variance + 1e-3) + bn["beta"]
    return y.max(axis=0)


def make_weights(rng, sizes=(38, 67), n_filters=204):
    weights = {}
    for i, n_bands in enumerate(sizes):
        name = f"conv2d_{i}" if i else "conv2d"
        weights[f"{name}/kernel"] = rng.normal(0, 0.1, (7, n_bands, 1, n_filters)).astype(np.float32)
        for key in (
            f"{name}/bias",
            *(f"batch_normalization_{i + 1}/{key}" for key in ("gamma", "beta", "moving_mean", "moving_variance")),
        ):
            weights[key] = rng.normal(0, 1, n_filters).astype(np.float32)
        weights[f"batch_normalization_{i + 1}/moving_variance"] **= 2
    return weights


def features(weights, frames, windows):
    front_end = TimbralFrontEnd(weights)
    out = np.full((len(windows), front_end.n_features), np.nan, np.float32)
    front_end.features(front_end.spectrum(frames), windows, out, front_end.workspace())
    return out


def test_equals_the_plain_sum(rng):
    weights = make_weights(rng)
    frames = rng.normal(size=(20, 96)).astype(np.float32)
    windows = np.array([np.arange(t, t + 7) for t in (0, 3, 13)])
    expected = np.concatenate([plain_features(weights, i, frames[windows]) for i in (0, 1)], axis=1)
    np.testing.assert_allclose(features(weights, frames, windows), expected, rtol=1e-4, atol=1e-4)


def test_the_column_after_the_last_frame_is_silence(rng):
    weights = make_weights(rng)
    frames = rng.normal(size=(7, 96)).astype(np.float32)
    padded = np.concatenate([np.zeros((3, 96), np.float32), frames])
    at_the_edge = features(weights, frames, np.array([[7, 7, 7, 0, 1, 2, 3]]))
    np.testing.assert_allclose(at_the_edge, features(weights, padded, np.array([np.arange(7)])), rtol=1e-4, atol=1e-4)


def test_a_shifted_sound_gives_the_same_features(rng):
    """The maximum over the bands is blind to transposition, as long as nothing is cut off or wraps around."""
    weights = make_weights(rng, sizes=(38, 38))
    low, high = np.zeros((2, 7, 96), np.float32)
    low[:, 40:44] = high[:, 47:51] = rng.normal(size=(7, 4))
    window = np.array([np.arange(7)])
    np.testing.assert_allclose(features(weights, low, window), features(weights, high, window), rtol=1e-4, atol=1e-4)
