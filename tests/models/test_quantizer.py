"""The quantiser against slow loops, and codebooks that find, follow and cover their latents."""

import numpy as np
import pytest

from models.errors import ModelError
from models.quantizer import ResidualQuantizer
from models.tensorflow_runtime import keras, tf

SEED = tf.constant([3, 0], tf.int32)


def drawn(latent_dim: int = 4, n_codebooks: int = 3, n_codes: int = 8, **options) -> ResidualQuantizer:
    quantizer = ResidualQuantizer(latent_dim, n_codebooks, n_codes, **options)
    rng = np.random.default_rng(1)
    scales = 0.5 ** np.arange(n_codebooks)[:, np.newaxis, np.newaxis]
    quantizer.codebooks.assign(rng.normal(size=quantizer.codebooks.shape) * scales)
    return quantizer


def corners(rng: np.random.Generator, n: int, *, spread: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Latents around the four corners of a square, and which corner each is at."""
    where = rng.integers(4, size=n)
    centres = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], np.float32)
    return (centres[where] + spread * rng.normal(size=(n, 2))).astype(np.float32), where


def test_codes_are_the_nearest_vectors_in_turn(rng):
    quantizer = drawn()
    latents = rng.normal(size=(2, 5, 4)).astype(np.float32)
    found = quantizer(latents)
    assert found.codes.shape == (2, 3, 5)
    codebooks = quantizer.codebooks.numpy()
    for item in range(2):
        for time in range(5):
            left = latents[item, time].copy()
            for index, codebook in enumerate(codebooks):
                np.testing.assert_allclose(found.targets[item, index, time], left, atol=1e-5)
                distances = [float(np.sum((left - vector) ** 2)) for vector in codebook]
                assert int(found.codes[item, index, time]) == int(np.argmin(distances))
                left -= codebook[int(np.argmin(distances))]
            np.testing.assert_allclose(found.quantised[item, time], latents[item, time] - left, atol=1e-5)


def test_decoding_gives_what_encoding_quantised(rng):
    quantizer = drawn()
    found = quantizer(rng.normal(size=(2, 5, 4)).astype(np.float32))
    np.testing.assert_allclose(quantizer.decode(found.codes), found.quantised, atol=1e-5)


def test_a_sum_of_vectors_keeps_its_codes():
    """Codebooks whose vectors lie far apart, each much smaller than the last: any choice of codes comes back."""
    quantizer = ResidualQuantizer(1, 3, 4)
    steps = np.arange(4, dtype=np.float32) - 1.5
    quantizer.codebooks.assign(np.stack([steps * 16, steps * 4, steps])[..., np.newaxis])
    codes = np.random.default_rng(2).integers(4, size=(2, 3, 20)).astype(np.int32)
    np.testing.assert_array_equal(quantizer(quantizer.decode(codes)).codes, codes)


def test_the_gradient_goes_straight_through(rng):
    quantizer = drawn()
    latents = tf.Variable(rng.normal(size=(1, 3, 4)).astype(np.float32))
    weights = rng.normal(size=(1, 3, 4)).astype(np.float32)
    with tf.GradientTape(persistent=True) as tape:
        found = quantizer(latents)
        outcome = tf.reduce_sum(weights * found.quantised)
    np.testing.assert_allclose(tape.gradient(outcome, latents), weights, atol=1e-6)
    assert tape.gradient(outcome, quantizer.codebooks.value) is None


def test_commitment_pulls_latents_to_their_vectors():
    quantizer = ResidualQuantizer(2, 1, 2)
    quantizer.codebooks.assign([[[0.0, 0.0], [10.0, 10.0]]])
    latents = tf.Variable([[[1.0, -2.0]]])
    with tf.GradientTape() as tape:
        commitment = quantizer(latents).commitment
    assert float(commitment) == pytest.approx((1 + 4) / 2)
    np.testing.assert_allclose(tape.gradient(commitment, latents), [[[1.0, -2.0]]])


def test_clusters_are_where_the_codebook_starts(rng):
    quantizer = ResidualQuantizer(2, 1, 4)
    latents, where = corners(rng, 400)
    quantizer.initialise(latents, seed=0)
    found = quantizer(latents[np.newaxis])
    assert float(found.commitment) < 0.001
    assert len({(int(c), int(w)) for c, w in zip(found.codes[0, 0], where, strict=True)}) == 4
    np.testing.assert_allclose(sorted(quantizer.shares.numpy()[0]), np.sort(np.bincount(where) / 400), atol=1e-6)


def test_later_codebooks_start_from_what_is_left(rng):
    quantizer = ResidualQuantizer(4, 3, 16)
    latents = rng.normal(size=(2000, 4)).astype(np.float32)
    quantizer.initialise(latents, seed=0)
    left = [float(np.square(each).mean()) for each in quantizer(latents[np.newaxis]).targets.numpy()[0]]
    assert left[0] > 2 * left[1] > 4 * left[2]


@pytest.mark.parametrize(
    ("latents", "words"),
    [
        (np.zeros((7, 4), np.float32), "7 latents to start 8 codes from"),
        (np.zeros((100, 3), np.float32), r"expected finite numbers \(n, 4\)"),
        (np.full((100, 4), np.nan, np.float32), "expected finite numbers"),
    ],
)
def test_what_no_codebook_can_start_from_is_refused(latents, words):
    with pytest.raises(ModelError, match=words):
        drawn().initialise(latents)


def test_vectors_move_to_the_means_of_what_they_get(rng):
    quantizer = ResidualQuantizer(2, 1, 4, decay=0.8)
    latents, where = corners(rng, 400)
    quantizer.initialise(latents + 0.3 * np.sign(latents), seed=0)  # somewhere near, not there
    assert float(quantizer(latents[np.newaxis]).commitment) > 0.05
    for _ in range(40):
        quantizer.update(quantizer(latents[np.newaxis]), SEED)
    means = np.array([latents[where == corner].mean(axis=0) for corner in range(4)])
    vectors = quantizer.codebooks.numpy()[0]
    for mean in means:
        assert np.abs(vectors - mean).max(axis=1).min() < 1e-3


def test_one_update_is_a_running_mean():
    """By hand: shares 0.9 of 1/2 and 0.1 of what the batch gives, vectors their weighted means."""
    quantizer = ResidualQuantizer(1, 1, 2, decay=0.9)
    quantizer.initialise(np.array([[-1.0], [1.0]], np.float32))
    before = quantizer.codebooks.numpy()[0, :, 0]
    batch = np.array([[[2.0], [2.0], [2.0], [-1.0]]], np.float32)
    quantizer.update(quantizer(batch), SEED)
    after = dict(zip(np.sign(before), quantizer.codebooks.numpy()[0, :, 0], strict=True))
    assert after[1.0] == pytest.approx((0.9 * 0.5 * 1 + 0.1 * 0.75 * 2) / (0.9 * 0.5 + 0.1 * 0.75))
    assert after[-1.0] == pytest.approx(-1.0)


def test_dead_codes_restart_from_the_batch_and_come_to_be_used(rng):
    quantizer = ResidualQuantizer(2, 1, 16, decay=0.9, restart_below=0.05)
    latents, _ = corners(rng, 400, spread=0.2)
    far = np.full((1, 16, 2), 50.0, np.float32)
    far[0, 0] = 0.0
    quantizer.codebooks.assign(far)  # one vector gets everything, the others nothing
    assert len(set(quantizer(latents[np.newaxis]).codes.numpy().ravel())) == 1
    n_restarted = int(quantizer.update(quantizer(latents[np.newaxis]), SEED))
    assert n_restarted == 15
    vectors = quantizer.codebooks.numpy()[0]
    for vector in np.delete(vectors, 0, axis=0):
        assert np.abs(latents - vector).max(axis=1).min() < 1e-5
    assert len(set(quantizer(latents[np.newaxis]).codes.numpy().ravel())) >= 13


def test_codes_that_are_used_are_not_restarted(rng):
    quantizer = ResidualQuantizer(2, 1, 4)
    latents, _ = corners(rng, 400)
    quantizer.initialise(latents)
    assert int(quantizer.update(quantizer(latents[np.newaxis]), SEED)) == 0


def test_the_layer_is_built_again_from_its_config():
    quantizer = drawn(decay=0.5, restart_below=0.2)
    again = ResidualQuantizer.from_config(quantizer.get_config())
    assert again.get_config() == quantizer.get_config()
    assert [v.shape for v in again.variables] == [v.shape for v in quantizer.variables]
    assert not quantizer.trainable_variables
    assert keras.saving.get_registered_object("genrelab>ResidualQuantizer") is ResidualQuantizer
