"""The NumPy form answers as the Keras network does, whatever its branches, the views and the length."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from models.errors import ModelError
from models.hybrid_inference import ENCODED_AT_ONCE, HybridInference, encode
from models.hybrid_input import BRANCHES, HybridInput
from models.hybrid_network import NetworkSettings, arrays_of, build, collate
from models.tag_scale import TagScale, tag_features
from models.tensorflow_runtime import keras
from tests.support.hybrid_inputs import hybrid_input

N_GENRES = 4
COMBINATIONS = [c for n in (1, 2, 3) for c in itertools.combinations(BRANCHES, n)]


@pytest.fixture(scope="module")
def recordings() -> list[HybridInput]:
    """Of 1, 2 and 19 windows; with every choice of views; the last one without embedding."""
    rng = np.random.default_rng(1)
    choices = [("musicnn",), ("musicnn", "wavelet"), ("musicnn", "attributes"), BRANCHES]
    made = [
        hybrid_input(rng, n_windows=n, views=views, genre=k, told_by=BRANCHES)
        for k, n in enumerate((1, 2, 19))
        for views in choices
    ]
    return [*made, hybrid_input(rng, n_windows=3, views=("musicnn",), embedding=False)]


def drawn_network(branches: tuple[str, ...], recordings: list[HybridInput]) -> tuple[keras.Model, TagScale]:
    """A network whose every weight is drawn, its running means and variances too."""
    network = build(NetworkSettings(branches=branches, width=6, filters=2), N_GENRES)
    rng = np.random.default_rng(2)
    for variable in network.variables:
        if "seed" not in variable.name:
            low, high = (0.05, 0.2) if "variance" in variable.name else (-0.3, 0.3)
            variable.assign(rng.uniform(low, high, variable.shape))
    return network, TagScale.of(recordings)


@pytest.fixture(scope="module", params=COMBINATIONS, ids="+".join)
def pair(request, recordings) -> tuple[tuple[str, ...], keras.Model, TagScale, HybridInference]:
    network, scale = drawn_network(request.param, recordings)
    return request.param, network, scale, HybridInference(arrays_of(network, scale))


@pytest.fixture(scope="module")
def arrays(recordings) -> dict[str, np.ndarray]:
    return arrays_of(*drawn_network(BRANCHES, recordings))


def answer(inference: HybridInference, recording: HybridInput, branches: tuple[str, ...] = BRANCHES) -> np.ndarray:
    encoded = encode([inference], recording)
    asked = encoded.present * [name in branches for name in BRANCHES]
    (logits,) = inference.logits(
        encoded.tag_features.mean(axis=0)[np.newaxis],
        encoded.wavelet[0].mean(axis=0)[np.newaxis],
        encoded.attributes[np.newaxis],
        asked,
    )
    return logits


def test_it_answers_as_the_network_does(pair, recordings):
    branches, network, scale, inference = pair
    for recording in recordings:
        batch = collate([recording], scale, branches=branches)
        expected = network(batch, training=False)["fused"].numpy()[0]
        np.testing.assert_allclose(answer(inference, recording, branches), expected, atol=1e-4)
        # A branch that the network does not have is not looked at, there or not.
        np.testing.assert_allclose(answer(inference, recording), expected, atol=1e-4)
    assert (inference.n_genres, inference.width) == (N_GENRES, 6)
    assert inference.hears_wavelets == ("wavelet" in branches)


def test_the_answers_are_not_all_alike(pair, recordings):
    branches, _, _, inference = pair
    with_all = [r for r in recordings if r.present.all()]
    assert np.ptp([answer(inference, recording, branches) for recording in with_all], axis=0).max() > 1e-3


def test_several_recordings_are_answered_as_each_by_itself(arrays, recordings):
    inference = HybridInference(arrays)
    same_views = [encode([inference], r) for r in recordings if r.present.all()]
    together = inference.logits(
        np.stack([each.tag_features.mean(axis=0) for each in same_views]),
        np.stack([each.wavelet[0].mean(axis=0) for each in same_views]),
        np.stack([each.attributes for each in same_views]),
        np.ones(3),
    )
    np.testing.assert_allclose(together, [answer(inference, r) for r in recordings if r.present.all()], atol=1e-5)


def test_a_long_recording_is_encoded_in_pieces_that_give_the_whole(arrays, rng):
    inference = HybridInference(arrays)
    windows = hybrid_input(rng, n_windows=2 * ENCODED_AT_ONCE + 1).scalogram
    np.testing.assert_allclose(
        inference.encode(windows), np.concatenate([inference.encode(w[None]) for w in windows]), atol=1e-5
    )


def test_what_is_encoded_of_a_recording(arrays, rng):
    networks = [HybridInference(arrays), HybridInference(arrays)]
    recording = hybrid_input(rng, n_windows=3)
    encoded = encode(networks, recording)
    assert len(encoded) == 3
    assert encoded.wavelet.shape == (2, 3, 6)
    np.testing.assert_array_equal(encoded.tag_features, tag_features(recording))
    np.testing.assert_array_equal(encoded.taggram, recording.taggram)
    chosen = encoded[np.array([2, 0])]
    again = encode(networks, recording[[2, 0]])
    for name in ("tag_features", "wavelet", "attributes", "present", "taggram"):
        np.testing.assert_allclose(getattr(chosen, name), getattr(again, name), atol=1e-6)


def test_missing_views_are_zeros_that_do_not_count(arrays, rng):
    encoded = encode([HybridInference(arrays)], hybrid_input(rng, n_windows=2, views=("musicnn",)))
    assert encoded.present.tolist() == [1, 0, 0]
    assert encoded.wavelet.shape == (1, 2, 6)
    assert not encoded.wavelet.any()
    assert not encoded.attributes.any()


def test_networks_without_a_wavelet_branch_stand_beside_those_that_have_one(arrays, recordings, rng):
    deaf = HybridInference(arrays_of(*drawn_network(("musicnn", "attributes"), recordings)))
    encoded = encode([deaf, HybridInference(arrays)], hybrid_input(rng))
    assert not encoded.wavelet[0].any()
    assert encoded.wavelet[1].any()


NAMES_OF_ALL = [
    "scale/centre",
    "scale/spread",
    *(
        f"fusion/{b}_{part}/{w}"
        for b in ("musicnn", "attributes")
        for part in ("embedding", "logits")
        for w in ("kernel", "bias")
    ),
    *(
        f"fusion/{layer}/{w}"
        for layer in ("wavelet_pooled_embedding", "wavelet_logits", "correction")
        for w in ("kernel", "bias")
    ),
    *(
        f"wavelet/{layer}/{w}"
        for layer in ("square", "tall", "long", "deep_0", "deep_1", "embed")
        for w in ("kernel", "bias")
    ),
    *(
        f"wavelet/{layer}/{w}"
        for layer in ("normalise", "normalise_1", "normalise_2", "normalise_3")
        for w in ("gamma", "beta", "moving_mean", "moving_variance")
    ),
]


def test_these_are_all_arrays(arrays):
    assert set(arrays) == set(NAMES_OF_ALL)


@pytest.mark.parametrize("name", [name for name in NAMES_OF_ALL if not name.endswith("_logits/kernel")])
def test_a_missing_array_is_named(name, arrays):
    with pytest.raises(ModelError, match=name):
        HybridInference({key: array for key, array in arrays.items() if key != name})


@pytest.mark.parametrize("name", NAMES_OF_ALL)
def test_an_array_that_does_not_fit_is_refused(name, arrays):
    longer = np.concatenate([arrays[name], arrays[name]], axis=-1)
    with pytest.raises(ModelError, match="no hybrid network"):
        HybridInference(arrays | {name: longer})


def test_arrays_of_texts_are_refused(arrays):
    with pytest.raises(ModelError, match="no hybrid network"):
        HybridInference(arrays | {"fusion/correction/bias": np.array(["a", "b", "c", "d"])})


def test_no_branch_is_no_network(arrays):
    with pytest.raises(ModelError, match="it has no branch"):
        HybridInference({k: a for k, a in arrays.items() if not k.endswith("_logits/kernel")})


def test_no_tensorflow_is_loaded_to_answer():
    code = "import sys, models.hybrid_inference, models.heads; print('tensorflow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
