"""The recurrent baseline is the same in Keras and in NumPy, and makes codes as the prior does."""

import numpy as np
import pytest

from models.baselines.gru import GruInference, build
from models.code_stream import make_codes
from models.errors import ModelError
from models.prior import arrays_of
from models.prior_settings import GruSettings
from tests.support.small_priors import draw_weights, drawn_plan, steps_of

SMALL = GruSettings(n_codebooks=3, n_codes=11, n_genres=3, look_ahead=2, width=8, n_layers=2)
N_STEPS = 30


@pytest.fixture(scope="module")
def network():
    made = build(SMALL)
    draw_weights(made)
    return made


@pytest.fixture(scope="module")
def arrays(network) -> dict[str, np.ndarray]:
    return arrays_of(network)


def test_it_answers_as_the_network_does(network, arrays, rng):
    inference = GruInference(arrays, SMALL)
    codes = rng.integers(0, SMALL.n_codes + 1, (2, N_STEPS, SMALL.n_codebooks))
    plans = [drawn_plan(seed, N_STEPS) for seed in (0, 1)]
    inputs = {
        "codes": codes,
        "plan": np.stack([plan.frames for plan in plans]),
        "overall": np.stack([plan.overall for plan in plans]),
    }
    expected = network(inputs, training=False).numpy()
    np.testing.assert_allclose(steps_of(inference, codes, plans), expected, atol=1e-3)


def test_it_makes_codes_that_are_the_same_alone_and_with_others(arrays):
    inference = GruInference(arrays, SMALL)
    plans = [drawn_plan(seed, 12) for seed in (0, 1)]
    codes = make_codes(inference, plans, seeds=[0, 1], guidance=2.0)
    assert codes.shape == (2, 3, 12)
    np.testing.assert_array_equal(make_codes(inference, plans[1:], seeds=[1], guidance=2.0)[0], codes[1])


@pytest.mark.parametrize("name", ["layer_1/recurrent_kernel", "layer_0/bias", "logits/kernel"])
def test_an_array_that_is_missing_or_of_another_shape_is_refused(arrays, name):
    with pytest.raises(ModelError, match=f"no recurrent network: '{name}' is missing"):
        GruInference({key: array for key, array in arrays.items() if key != name}, SMALL)
    with pytest.raises(ModelError, match="its arrays do not fit its settings"):
        GruInference(arrays | {name: np.zeros((5, 5), np.float32)}, SMALL)
