"""The adversarial baseline is the same in Keras and in NumPy, makes any length, and does as the seed says."""

import numpy as np
import pytest

from models.baselines.gan import GanInference, GanSettings, draw_noise, latent_scale, told_of
from models.baselines.gan_network import arrays_of, build_critic, build_generator
from models.errors import ModelError
from models.vqvae_inference import nearest_codes
from tests.support.small_priors import draw_weights, drawn_plan

SMALL = GanSettings(width=8, dilations=(1, 2), latent_dim=3, n_genres=3, n_noise=2, slow_frames=4, critic_width=4)


@pytest.fixture(scope="module")
def generator():
    made = build_generator(SMALL)
    draw_weights(made)
    return made


@pytest.fixture(scope="module")
def arrays(generator) -> dict[str, np.ndarray]:
    codebooks = np.random.default_rng(0).normal(size=(2, 9, 3)).astype(np.float32)
    return arrays_of(generator) | {
        "codebooks": codebooks,
        "latent_mean": np.full(3, 0.5, np.float32),
        "latent_spread": np.full(3, 2.0, np.float32),
    }


def test_it_makes_the_codes_nearest_to_what_the_network_answers(generator, arrays):
    plan = drawn_plan(1, 20)
    noise = draw_noise(np.random.default_rng(5), 20, SMALL)
    latents = generator(np.concatenate([told_of(plan), noise], axis=1)[np.newaxis]).numpy()[0] * 2 + 0.5
    codes = GanInference(arrays, SMALL).make_codes(plan, seed=5)
    assert codes.shape == (2, 20)
    np.testing.assert_array_equal(codes, nearest_codes(latents, arrays["codebooks"]))


def test_a_seed_gives_its_take_again_and_another_one_another(arrays):
    inference = GanInference(arrays, SMALL)
    takes = [inference.make_codes(drawn_plan(1, 30), seed=seed) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(takes[0], takes[1])
    assert (takes[0] != takes[2]).any()


def test_some_noise_is_shared_by_neighbours_and_some_is_not():
    noise = draw_noise(np.random.default_rng(0), 10, SMALL)
    assert noise.shape == (10, 4)
    assert len(np.unique(noise[:, 0])) == 10
    np.testing.assert_array_equal([len(np.unique(noise[part, 2])) for part in (slice(0, 4), slice(4, 8))], [1, 1])
    assert len(np.unique(noise[:, 2])) == 3


def test_every_frame_is_told_its_own_plan_and_the_whole():
    plan = drawn_plan(0, 6)
    told = told_of(plan)
    assert told.shape == (6, SMALL.told_width)
    np.testing.assert_array_equal(told[4], [*plan.frames[4], *plan.overall])


def test_latents_are_scaled_over_all_clips():
    rng = np.random.default_rng(0)
    clips = [rng.normal(3, 2, (50, 3)), rng.normal(1, 1, (7, 3))]
    mean, spread = latent_scale(clips)
    together = np.concatenate(clips)
    np.testing.assert_allclose(mean, together.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(spread, together.std(axis=0), rtol=1e-6)


def test_the_critic_answers_for_every_eight_frames():
    critic = build_critic(SMALL)
    assert critic(np.zeros((2, 40, SMALL.latent_dim + SMALL.told_width), np.float32)).shape == (2, 5)


def test_a_plan_or_a_seed_that_does_not_fit_is_refused(arrays):
    inference = GanInference(arrays, SMALL)
    with pytest.raises(ModelError, match=r"a plan of 5 frames for 2 genres: expected 1 or more, for 3"):
        inference.make_codes(drawn_plan(0, 5, n_genres=2), seed=0)
    with pytest.raises(ModelError, match="seed=-1: expected 0 or more"):
        inference.make_codes(drawn_plan(0, 5), seed=-1)


@pytest.mark.parametrize("name", ["generator/out/kernel", "codebooks", "latent_mean"])
def test_an_array_that_is_missing_or_of_another_shape_is_refused(arrays, name):
    with pytest.raises(ModelError, match=f"no adversarial network: '{name}' is missing"):
        GanInference({key: array for key, array in arrays.items() if key != name}, SMALL)
    with pytest.raises(ModelError, match="its arrays do not fit its settings"):
        GanInference(arrays | {name: np.zeros((5, 5), np.float32)}, SMALL)


@pytest.mark.parametrize("field", ["latent_dim", "n_genres", "n_noise", "slow_frames", "critic_width", "width"])
def test_a_shape_that_no_network_can_have_is_refused(field):
    with pytest.raises(ModelError, match=f"{field}=0"):
        GanSettings(**{field: 0})
