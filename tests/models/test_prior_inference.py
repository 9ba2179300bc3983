"""The NumPy form answers as the Keras network does, step by step, however long it goes on."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from models.errors import IntegrityError, ModelError
from models.model_folder import WEIGHTS_FILE, save_model
from models.prior import arrays_of, build
from models.prior_inference import KIND, SPARE_STEPS, PriorInference, rotations
from tests.support.small_priors import SMALL, draw_weights, drawn_plan, steps_of


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n_codebooks": 1, "look_ahead": 0, "recent_steps": 1},
        {"window": 1},
        {"window": 400},
        {"n_heads": 1, "n_layers": 1},
    ],
    ids=str,
)
def test_it_answers_as_the_network_does_far_beyond_its_memory(rng, changes):
    settings = replace(SMALL, **changes)
    network = build(settings)
    draw_weights(network)
    n_steps = 2 * SPARE_STEPS + 3 * SMALL.window  # its memory is moved twice
    codes = rng.integers(0, settings.n_codes + 1, (2, n_steps, settings.n_codebooks))
    plans = [drawn_plan(seed, n_steps) for seed in (0, 1)]
    inputs = {
        "codes": codes,
        "plan": np.stack([plan.frames for plan in plans]),
        "overall": np.stack([plan.overall for plan in plans]),
    }
    expected = network(inputs, training=False).numpy()
    found = steps_of(PriorInference(arrays_of(network), settings), codes, plans)
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    network = build(SMALL)
    draw_weights(network)
    return arrays_of(network)


def test_a_plan_that_ends_tells_nothing_further(arrays):
    inference = PriorInference(arrays, SMALL)
    plan = drawn_plan(0, 10)
    longer = replace(plan, frames=np.concatenate([plan.frames, np.zeros((20, plan.frames.shape[1]), np.float32)]))
    np.testing.assert_allclose(inference.told.of_plan(plan, 5, 30), inference.told.of_plan(longer, 5, 30), atol=1e-6)


def test_a_plan_is_told_the_same_in_one_piece_and_in_several(arrays):
    inference, plan = PriorInference(arrays, SMALL), drawn_plan(0, 20)
    pieces = [inference.told.of_plan(plan, start, start + 4) for start in range(0, 24, 4)]
    np.testing.assert_allclose(np.concatenate(pieces), inference.told.of_plan(plan, 0, 24), atol=1e-5)


def test_a_row_answers_to_the_bit_as_it_does_alone(arrays, rng):
    inference = PriorInference(arrays, SMALL)
    codes = rng.integers(0, SMALL.n_codes, (5, 30, SMALL.n_codebooks))
    plans = [drawn_plan(seed, 30) for seed in range(5)]
    together = steps_of(inference, codes, plans)
    for row in (0, 3):
        np.testing.assert_array_equal(steps_of(inference, codes[row : row + 1], plans[row : row + 1])[0], together[row])


def test_a_memory_does_not_grow(arrays):
    memory = PriorInference(arrays, SMALL).start(1)
    shape = memory.layers[0][0].shape
    for _ in range(3 * SPARE_STEPS):
        memory.step(np.ones((1, SMALL.width), np.float32))
    assert memory.layers[0][0].shape == shape


def test_rotations_run_from_a_radian_a_step_to_nearly_none():
    np.testing.assert_allclose(rotations(8), [1, 0.1, 0.01, 0.001])


def test_a_model_folder_is_loaded_with_its_card(arrays, tmp_path, rng):
    halves = {name: array.astype(np.float16) for name, array in arrays.items()}
    card = {"name": "mine", "version": "1", "kind": KIND, "created": "2026-01-01", "network": asdict(SMALL)}
    save_model(tmp_path, card, halves)
    read, inference = PriorInference.load(tmp_path)
    assert read["name"] == "mine"
    assert inference.settings == SMALL
    codes, plan = rng.integers(0, SMALL.n_codes, (1, 12, 3)), drawn_plan(0, 12)
    expected = steps_of(PriorInference(halves, SMALL), codes, [plan])
    np.testing.assert_array_equal(steps_of(inference, codes, [plan]), expected)

    (tmp_path / WEIGHTS_FILE).write_bytes(b"other")
    with pytest.raises(IntegrityError):
        PriorInference.load(tmp_path)


def test_a_folder_that_is_no_prior_is_refused(arrays, tmp_path):
    card = {"name": "mine", "version": "1", "created": "2026-01-01"}
    save_model(tmp_path, card | {"kind": "genre", "network": asdict(SMALL)}, arrays)
    with pytest.raises(ModelError, match="of kind 'genre', expected 'prior'"):
        PriorInference.load(tmp_path)
    save_model(tmp_path, card | {"kind": KIND, "network": {"depth": 3}}, arrays)
    with pytest.raises(ModelError, match="unknown settings depth"):
        PriorInference.load(tmp_path)
    save_model(tmp_path, card | {"kind": KIND}, arrays)
    with pytest.raises(ModelError, match="network: expected an object with settings"):
        PriorInference.load(tmp_path)


@pytest.mark.parametrize("name", ["embed_codes/embeddings", "plan_frames/kernel", "layer_1_qkv/kernel", "logits/bias"])
def test_an_array_that_is_missing_or_of_another_shape_is_refused(arrays, name):
    with pytest.raises(ModelError, match=f"no prior: '{name}' is missing"):
        PriorInference({key: array for key, array in arrays.items() if key != name}, SMALL)
    with pytest.raises(ModelError, match="no prior: its arrays do not fit its settings"):
        PriorInference(arrays | {name: np.zeros((5, 5), np.float32)}, SMALL)


@pytest.mark.parametrize(
    "changes", [{"n_codes": 12}, {"look_ahead": 3}, {"n_codebooks": 2}, {"width": 16}, {"recent_steps": 3}]
)
def test_settings_of_another_network_are_refused(arrays, changes):
    with pytest.raises(ModelError, match="no prior: its arrays do not fit its settings"):
        PriorInference(arrays, replace(SMALL, **changes))
