"""Each view adds what it has to say and nothing where it is missing; padding is not heard."""

import numpy as np
import pytest

from features.packet_scalogram import N_BANDS
from models.attribute_vector import N_ATTRIBUTES
from models.errors import ModelError
from models.hybrid_inference import HybridInference
from models.hybrid_input import BRANCHES, WINDOW_FRAMES, HybridInput
from models.hybrid_network import ByWindow, NetworkSettings, arrays_of, build, collate, wavelet_encoder
from models.tag_scale import N_TAG_FEATURES, TagScale, tag_features
from models.tensorflow_runtime import keras
from tests.support.hybrid_inputs import hybrid_input

TINY = NetworkSettings(width=4, filters=1)
N_GENRES = 3
OF_BRANCH = {"musicnn": "tag_features", "wavelet": "scalogram", "attributes": "attributes"}


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """Every weight is drawn, so that no part of it is silent."""
    made = build(TINY, N_GENRES)
    rng = np.random.default_rng(0)
    for layer in made.layers:
        for model in (layer, getattr(layer, "network", None)):
            for variable in [] if model is None else model.trainable_variables:
                variable.assign(rng.normal(0.1, 0.3, variable.shape))
    return made


@pytest.fixture
def recordings(rng) -> list[HybridInput]:
    return [hybrid_input(rng, n_windows=n) for n in (1, 3, 2)]


@pytest.fixture
def batch(recordings) -> dict[str, np.ndarray]:
    return collate(recordings, TagScale.of(recordings))


def logits(network: keras.Model, batch: dict[str, np.ndarray], name: str = "fused") -> np.ndarray:
    return network(batch, training=False)[name].numpy()


def test_shapes(network, batch):
    assert logits(network, batch).shape == (3, N_GENRES)
    assert logits(network, batch, "branches").shape == (3, len(BRANCHES), N_GENRES)


def test_a_batch_holds_the_views_and_tells_windows_from_padding(recordings, batch):
    scale = TagScale.of(recordings)
    assert {name: array.shape for name, array in batch.items()} == {
        "tag_features": (3, 3, N_TAG_FEATURES),
        "scalogram": (3, 3, WINDOW_FRAMES, N_BANDS),
        "attributes": (3, N_ATTRIBUTES),
        "present": (3, 3),
        "mask": (3, 3),
    }
    assert {array.dtype for array in batch.values()} == {np.dtype(np.float32)}
    assert batch["mask"].tolist() == [[1, 0, 0], [1, 1, 1], [1, 1, 0]]
    assert batch["present"].all()
    for row, recording in enumerate(recordings):
        n = len(recording)
        np.testing.assert_array_equal(batch["tag_features"][row, :n], scale(tag_features(recording)))
        np.testing.assert_array_equal(batch["scalogram"][row, :n], recording.scalogram.astype(np.float32))
        np.testing.assert_array_equal(batch["attributes"][row], recording.attributes)


def test_a_batch_counts_as_present_what_is_there_and_asked_for(rng):
    recordings = [hybrid_input(rng), hybrid_input(rng, views=("musicnn",)), hybrid_input(rng, views=BRANCHES[:2])]
    scale = TagScale.of(recordings)
    assert collate(recordings, scale)["present"].tolist() == [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
    asked = collate(recordings, scale, branches=("wavelet", "attributes"))
    assert asked["present"].tolist() == [[0, 1, 1], [0, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("missing", BRANCHES)
def test_garbage_in_a_missing_view_changes_nothing(missing, network, batch, rng):
    batch["present"][:, BRANCHES.index(missing)] = 0
    expected = logits(network, batch)
    name = OF_BRANCH[missing]
    batch[name] = rng.uniform(0, 100, batch[name].shape).astype(np.float32)
    np.testing.assert_array_equal(logits(network, batch), expected)
    batch["present"][:, BRANCHES.index(missing)] = 1  # and is heard where the view counts
    assert np.abs(logits(network, batch) - expected).min(axis=1).max() > 1e-3


def test_padding_changes_nothing(network, recordings, batch, rng):
    together = logits(network, batch)
    scale = TagScale.of(recordings)
    alone = [logits(network, collate([recording], scale))[0] for recording in recordings]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    padding = batch["mask"] == 0
    for name in ("tag_features", "scalogram"):
        batch[name][padding] = rng.uniform(0, 100, batch[name][padding].shape)
    np.testing.assert_allclose(logits(network, batch), together, atol=1e-5)


def test_the_order_of_windows_does_not_matter(network, rng):
    recording = hybrid_input(rng, n_windows=5)
    scale = TagScale.of([recording])
    batch = collate([recording, recording[rng.permutation(5)], recording[np.repeat(np.arange(5), 2)]], scale)
    first, shuffled, twice = logits(network, batch)
    np.testing.assert_allclose(shuffled, first, atol=1e-5)
    np.testing.assert_allclose(twice, first, atol=1e-5)


@pytest.mark.parametrize("present", [(1, 0, 0), (0, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)])
def test_a_new_network_answers_with_the_mean_of_the_branches_that_are_there(present, batch):
    new = build(TINY, N_GENRES)  # whose correction is 0
    batch["present"][:] = present
    expected = logits(new, batch, "branches")[:, np.array(present, bool)].mean(axis=1)
    np.testing.assert_allclose(logits(new, batch), expected, atol=1e-6)


def test_with_no_view_at_all_the_answer_is_the_same_for_everything(network, batch):
    batch["present"][:] = 0
    answers = logits(network, batch)
    np.testing.assert_allclose(
        answers, network.get_layer("fusion").get_layer("correction").bias.numpy()[None] + [[0]] * 3
    )


@pytest.mark.parametrize("branch", BRANCHES)
def test_a_network_of_one_branch_looks_at_nothing_else(branch, recordings, rng):
    alone = build(NetworkSettings(branches=(branch,), width=4, filters=1), N_GENRES)
    batch = collate(recordings, TagScale.of(recordings), branches=(branch,))
    assert ("scalogram" in batch) == (branch == "wavelet")  # the largest array is made only where it is heard
    expected = logits(alone, batch)
    assert (logits(alone, batch, "branches")[:, [b != branch for b in BRANCHES]] == 0).all()
    for other in [name for each, name in OF_BRANCH.items() if each != branch and name in batch]:
        batch[other] = rng.uniform(0, 100, batch[other].shape).astype(np.float32)
    np.testing.assert_array_equal(logits(alone, batch), expected)


def test_dropout_is_of_training_alone(network, batch):
    np.testing.assert_array_equal(logits(network, batch), logits(network, batch))
    drawn = [network(batch, training=True)["fused"].numpy() for _ in range(2)]
    assert not np.array_equal(*drawn)


def test_windows_are_encoded_each_by_itself(network, batch):
    by_window = next(layer for layer in network.layers if isinstance(layer, ByWindow))
    encoded = by_window(batch["scalogram"], training=False).numpy()
    assert encoded.shape == by_window.compute_output_shape(batch["scalogram"].shape) == (3, 3, TINY.width)
    np.testing.assert_allclose(encoded[1, 2], by_window.network(batch["scalogram"][1, 2:3])[0], atol=1e-5)


def test_the_encoder_tells_where_in_the_spectrum_something_sounds():
    encoder = wavelet_encoder(NetworkSettings(width=8, filters=2))
    low, high = np.zeros((2, 1, WINDOW_FRAMES, N_BANDS), np.float32)
    low[..., 5:8], high[..., 60:63] = 0.1, 0.1
    assert np.abs(encoder(low).numpy() - encoder(high).numpy()).max() > 1e-3


def test_its_arrays_hold_every_weight(network, batch, recordings):
    scale = TagScale.of(recordings)
    arrays = arrays_of(network, scale)
    drawn = sum(
        v.shape.num_elements() if hasattr(v.shape, "num_elements") else int(np.prod(v.shape)) for v in network.weights
    )
    of_dropout = sum(2 for v in network.weights if "seed" in v.name)
    assert sum(array.size for array in arrays.values()) == drawn - of_dropout + 2 * N_TAG_FEATURES
    np.testing.assert_array_equal(arrays["scale/centre"], scale.centre)
    assert HybridInference(arrays).n_genres == N_GENRES


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"branches": ()}, r"branches=\(\): expected some of musicnn, wavelet, attributes, each once"),
        ({"branches": ("mel",)}, r"branches=\('mel',\)"),
        ({"branches": ("musicnn", "musicnn")}, r"branches=\('musicnn', 'musicnn'\)"),
        ({"branches": "musicnn"}, "branches='musicnn'"),
        ({"branches": ({},)}, "branches="),
        ({"width": 0}, "width=0: expected a whole number from 1 to 1024"),
        ({"width": 1025}, "width=1025"),
        ({"width": 8.0}, r"width=8\.0"),
        ({"filters": 0}, "filters=0: expected a whole number from 1 to 256"),
        ({"filters": "8"}, "filters='8'"),
        ({"dropout": 1.0}, r"dropout=1\.0: expected 0 to 0\.99"),
        ({"dropout": -0.1}, r"dropout=-0\.1"),
        ({"dropout": float("nan")}, "dropout=nan"),
        ({"dropout": True}, "dropout=True"),
    ],
)
def test_bad_settings_are_refused(change, words):
    with pytest.raises(ModelError, match=words):
        NetworkSettings(**change)
