"""Folded layers against the layers that they fold, step by step."""

import numpy as np
import pytest

from models.frozen_layers import Affine, MaxPooledConvolution


def batch_normalisation(i, gamma, rng):
    name = f"batch_normalization_{i}" if i else "batch_normalization"
    n = len(gamma)
    return {
        f"{name}/gamma": np.array(gamma, np.float32),
        f"{name}/beta": rng.normal(size=n).astype(np.float32),
        f"{name}/moving_mean": rng.normal(size=n).astype(np.float32),
        f"{name}/moving_variance": rng.uniform(0.5, 2, n).astype(np.float32),
    }


def normalise(x, weights, i):
    name = f"batch_normalization_{i}" if i else "batch_normalization"
    gamma, beta, mean, variance = (
        weights[f"{name}/{key}"] for key in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    return gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta


@pytest.mark.parametrize("i", [0, 7])
def test_affine_is_batch_normalisation(i, rng):
    weights = batch_normalisation(i, [2, -1, 0], rng)
    x = rng.normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_allclose(Affine.of(weights, i)(x.copy()), normalise(x, weights, i), atol=1e-6)


@pytest.mark.parametrize("bias", [-10, 0, 10], ids=["ReLU shuts all", "ReLU shuts half", "ReLU shuts none"])
def test_finishing_the_maximum_is_the_maximum_of_the_finished(bias, rng):
    weights = batch_normalisation(1, [1.5, -1.5, 0], rng)
    weights["conv2d/kernel"] = rng.normal(size=(7, 4, 1, 3)).astype(np.float32)
    weights["conv2d/bias"] = np.full(3, bias, np.float32)
    block = MaxPooledConvolution(weights, 0)
    pictures = rng.normal(size=(20, 7, 4)).astype(np.float32)  # 20 positions of the filter
    plain = np.maximum(np.tensordot(pictures, weights["conv2d/kernel"][:, :, 0], 2) + bias, 0)
    found = block.finish(np.tensordot(pictures, block.kernel, 2).max(axis=0))
    np.testing.assert_allclose(found, normalise(plain, weights, 1).max(axis=0), rtol=1e-5, atol=1e-5)
