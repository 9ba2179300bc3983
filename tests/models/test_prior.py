"""The prior hears what was before, as far as its window, and the plan as far as it looks ahead; nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from models.plan import FRAME_WIDTH, overall_width
from models.prior import arrays_of, build
from models.prior_settings import PriorSettings
from tests.support.small_priors import SMALL, draw_weights

N_STEPS = 24
ONE_LAYER = replace(SMALL, n_layers=1)


@pytest.fixture(scope="module")
def network():
    """Of one layer, so that what it hears ends where its window does."""
    made = build(ONE_LAYER)
    draw_weights(made)
    return made


@pytest.fixture
def inputs(rng) -> dict[str, np.ndarray]:
    return {
        "codes": rng.integers(0, SMALL.n_codes + 1, (2, N_STEPS, SMALL.n_codebooks)),
        "plan": rng.normal(size=(2, N_STEPS, FRAME_WIDTH)).astype(np.float32),
        "overall": rng.normal(size=(2, overall_width(SMALL.n_genres))).astype(np.float32),
    }


def changed_steps(network, inputs: dict[str, np.ndarray], name: str, step: int) -> list[int]:
    """Steps of the first row that answer otherwise when an input of one step is another."""
    other = {key: array.copy() for key, array in inputs.items()}
    if name == "codes":
        other[name][0, step] = (other[name][0, step] + 1) % SMALL.n_codes
    else:
        other[name][0, step] += 1.0
    before, after = (network(each, training=False).numpy() for each in (inputs, other))
    np.testing.assert_allclose(after[1], before[1], atol=1e-5)  # the other row hears nothing of it
    return np.flatnonzero(np.abs(after[0] - before[0]).max(axis=(1, 2)) > 1e-5).tolist()


def test_logits_are_those_of_all_codebooks_at_every_step(network, inputs):
    assert network(inputs).shape == (2, N_STEPS, SMALL.n_codebooks, SMALL.n_codes)


def test_codes_are_heard_from_their_step_on_to_the_end_of_the_window(network, inputs):
    direct = SMALL.recent_steps - 1  # steps after its own that are told of it beside attention
    assert changed_steps(network, inputs, "codes", 8) == list(range(8, 8 + direct + SMALL.window))
    assert changed_steps(network, inputs, "codes", 20) == [20, 21, 22, 23]


def test_the_plan_is_told_ahead_and_for_the_last_codebook_behind(network, inputs):
    first, last = 10 - SMALL.look_ahead, 10 + SMALL.n_codebooks - 1
    assert changed_steps(network, inputs, "plan", 10) == list(range(first, min(last + SMALL.window, N_STEPS)))


def test_the_whole_is_told_at_every_step(network, inputs):
    other = inputs | {"overall": inputs["overall"] + 1}
    difference = np.abs(network(other).numpy() - network(inputs).numpy()).max(axis=(2, 3))
    assert (difference > 1e-5).all()


def test_places_matter_by_their_distance_only(network, inputs):
    """What repeats every 12 steps is answered alike every 12 steps, once a whole window has been heard."""
    repeated = {name: np.concatenate([inputs[name][:, :12]] * 3, axis=1) for name in ("codes", "plan")}
    logits = network(inputs | repeated, training=False).numpy()
    np.testing.assert_allclose(logits[:, 23], logits[:, 11], atol=1e-4)
    assert np.abs(logits[:, 22] - logits[:, 11]).max() > 1e-2


def test_codebooks_have_tables_of_their_own(network, inputs):
    swapped = inputs | {"codes": inputs["codes"][:, :, ::-1]}
    assert np.abs(network(swapped).numpy() - network(inputs).numpy()).max() > 1e-3


def test_arrays_are_all_weights_by_layer(network):
    arrays = arrays_of(network)
    assert sum(array.size for array in arrays.values()) == network.count_params()
    assert arrays["layer_0_qkv/kernel"].shape == (SMALL.width, 3 * SMALL.width)
    assert arrays["embed_codes/embeddings"].shape == (3 * 12, SMALL.width)


def test_the_usual_prior_fits_a_file_of_20_megabytes():
    assert build(PriorSettings()).count_params() * 2 < 20e6
