"""A committee answers with the weighted mean of its voters, about a recording and about each window of it."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from models.errors import IntegrityError, ModelError
from models.hybrid_head import HybridHead, weighted_vote
from models.hybrid_inference import HybridInference
from models.hybrid_input import BRANCHES, HybridInput
from models.hybrid_network import NetworkSettings, arrays_of, build, collate
from models.model_folder import WEIGHTS_FILE, save_model
from models.tag_scale import TagScale
from tests.support.hybrid_inputs import hybrid_input
from tests.support.hybrid_models import HYBRID_CARD, hybrid_arrays, network_arrays
from tests.support.taggrams import GENRES, tag_head

CARD = HYBRID_CARD | {"version": "1", "kind": "genre", "architecture": "hybrid", "created": "2026-01-01"}


@pytest.fixture(scope="module")
def networks() -> list[dict[str, np.ndarray]]:
    return [network_arrays(1), network_arrays(2)]


@pytest.fixture(scope="module")
def arrays(networks) -> dict[str, np.ndarray]:
    return hybrid_arrays(*networks)


@pytest.fixture(scope="module")
def head(arrays) -> HybridHead:
    return HybridHead(CARD, arrays)


@pytest.fixture
def recording(rng) -> HybridInput:
    return hybrid_input(rng, n_windows=4)


def test_it_is_what_its_card_says(head):
    assert (head.name, head.genres, head.backbone, head.coverage) == ("hybrid-1", GENRES, "stand-in", 0.9)
    assert head.needs_scalogram


def test_probabilities_are_those_of_the_voters_one_by_one(head, networks, recording):
    """Each network by itself; the mean of their log-probabilities, cooled by 1.5, has three quarters of the votes."""
    of_networks = []
    for arrays in networks:
        inference = HybridInference(arrays)
        views = head.encoded(recording)
        wavelet = inference.encode(recording.scalogram).mean(axis=0)[np.newaxis]
        tags = views.tag_features.mean(axis=0)[np.newaxis]
        of_networks.append(log_softmax(inference.logits(tags, wavelet, recording.attributes[np.newaxis], np.ones(3))))
    cooled = log_softmax(np.mean(of_networks, axis=0) / 1.5)
    member = log_softmax(4 * np.sqrt(recording.taggram[:, :3].mean(axis=0)))
    voted = 0.75 * cooled[0] + 0.25 * member
    expected = softmax(voted / 0.5)  # four windows have temperature 0.5
    np.testing.assert_allclose(head.track_probabilities(head.encoded(recording)), expected, atol=1e-5)


@pytest.mark.parametrize("views", [BRANCHES, ("musicnn",), ("musicnn", "wavelet"), ("musicnn", "attributes")])
def test_a_segment_is_a_recording_of_one_window(views, head, rng):
    recording = hybrid_input(rng, n_windows=4, views=views)
    encoded = head.encoded(recording)
    segments = head.segment_probabilities(encoded)
    assert segments.shape == (4, 3)
    np.testing.assert_allclose(segments.sum(axis=1), 1, atol=1e-9)
    for window, p in enumerate(segments):
        np.testing.assert_allclose(head.track_probabilities(encoded[np.array([window])]), p, atol=1e-6)
        np.testing.assert_allclose(head.track_probabilities(head.encoded(recording[[window]])), p, atol=1e-6)


def test_the_order_of_windows_does_not_matter(head, recording, rng):
    encoded = head.encoded(recording)
    np.testing.assert_allclose(
        head.track_probabilities(encoded[rng.permutation(4)]), head.track_probabilities(encoded), atol=1e-6
    )


def test_a_published_taggram_is_answered_from_its_tags(head, rng):
    taggram = hybrid_input(rng, n_windows=5).taggram
    views = head.views_of_taggram(taggram)
    assert views.present.tolist() == [1, 0, 0]
    np.testing.assert_array_equal(
        head.track_probabilities(views), head.track_probabilities(head.encoded(HybridInput(taggram)))
    )


def test_no_windows_are_refused(head, recording):
    with pytest.raises(ModelError, match="no windows: expected at least one"):
        head.track_probabilities(head.encoded(recording)[np.array([], dtype=int)])


def test_networks_that_have_the_whole_vote_leave_none_to_the_members(networks, recording):
    head = HybridHead(CARD, hybrid_arrays(*networks, network_weight=1.0))
    without = {name: array for name, array in hybrid_arrays(*networks).items() if not name.startswith("members/")}
    views = head.encoded(recording)
    np.testing.assert_allclose(head.track_probabilities(views), HybridHead(CARD, without).track_probabilities(views))


def test_members_that_have_the_whole_vote_answer_as_the_head_of_members_does(networks, recording):
    head = HybridHead(CARD, hybrid_arrays(*networks, network_weight=0.0))
    expected = tag_head().track_probabilities(recording.taggram)
    np.testing.assert_allclose(head.track_probabilities(head.encoded(recording)), expected, atol=1e-6)


def test_a_committee_answers_as_its_one_network_in_keras(recording):
    """Weighed alone, at temperature 1, up to the calibration."""
    settings = NetworkSettings(width=4, filters=1)
    network = build(settings, len(GENRES))
    scale = TagScale.of([recording])
    arrays = hybrid_arrays(arrays_of(network, scale), network_weight=1.0, network_temperature=1.0)
    head = HybridHead(CARD, arrays)
    logits = network(collate([recording], scale), training=False)["fused"].numpy()[0]
    np.testing.assert_allclose(head.track_probabilities(head.encoded(recording)), softmax(logits / 0.5), atol=1e-4)


def test_deaf_networks_need_no_scalogram(recording):
    head = HybridHead(CARD, hybrid_arrays(network_arrays(3, branches=("musicnn", "attributes"))))
    assert not head.needs_scalogram
    assert head.track_probabilities(head.encoded(recording)).sum() == pytest.approx(1)


def test_a_saved_head_answers_as_before(head, arrays, recording, tmp_path):
    save_model(tmp_path, CARD, arrays)
    again = HybridHead.load(tmp_path)
    for method in ("track_probabilities", "segment_probabilities"):
        np.testing.assert_array_equal(
            getattr(again, method)(again.encoded(recording)), getattr(head, method)(head.encoded(recording))
        )


def test_changed_weights_are_refused(arrays, tmp_path):
    save_model(tmp_path, CARD, arrays)
    data = bytearray((tmp_path / WEIGHTS_FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / WEIGHTS_FILE).write_bytes(data)
    with pytest.raises(IntegrityError, match="the card says"):
        HybridHead.load(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "votes/network_weight",
        "votes/network_temperature",
        "networks/0/fusion/correction/kernel",
        "networks/1/wavelet/deep_1/bias",
        "networks/1/scale/centre",
        "members/0/weights",
        "members/0/pooling",
        "calibration/temperatures",
        "conformal/limit",
    ],
)
def test_a_head_that_lacks_an_array_is_refused(name, arrays):
    with pytest.raises(ModelError, match=r"no (hybrid|genre) head"):
        HybridHead(CARD, {key: array for key, array in arrays.items() if key != name})


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("networks/0/wavelet/square/kernel", np.ones((3, 3, 2, 1))),
        ("networks/0/fusion/correction/bias", np.ones(4)),
        ("networks/first/scale/centre", np.ones(300)),
        ("members/0/weights", np.ones((49, 3))),
        ("votes/network_weight", np.ones(2)),
        ("votes/network_temperature", np.array("warm")),
        ("calibration/temperatures", np.ones(3)),
    ],
)
def test_an_array_that_does_not_fit_is_refused(name, array, arrays):
    with pytest.raises(ModelError, match=r"no (hybrid|genre) head"):
        HybridHead(CARD, arrays | {name: array})


def test_voters_of_other_genres_are_refused(networks):
    with pytest.raises(ModelError, match="its voters do not all answer for 3 genres"):
        HybridHead(CARD, hybrid_arrays(*networks, network_arrays(4, n_genres=4)))
    with pytest.raises(ModelError, match="its voters do not all answer for 2 genres"):
        HybridHead(CARD | {"genres": ["fado", "polka"]}, hybrid_arrays(*networks))


def test_a_committee_of_members_alone_is_no_hybrid():
    with pytest.raises(ModelError, match="no hybrid head"):
        HybridHead(CARD, hybrid_arrays())


def test_votes_are_averaged_by_weight_in_log_probability():
    networks, one, two = np.log([[0.5, 0.5]]), np.log([[0.8, 0.2]]), np.log([[0.2, 0.8]])
    expected = 0.75 * np.log([0.5, 0.5]) + 0.25 * np.log([0.4, 0.4])
    np.testing.assert_allclose(weighted_vote(networks + 3, [one, two], network_weight=0.75), [expected])
    np.testing.assert_allclose(weighted_vote(networks, [], network_weight=0.5), networks)


def test_no_voter_rules_a_genre_out():
    sure, unsure = np.array([[0.0, -1000.0]]), np.log([[0.5, 0.5]])
    for voted in (
        weighted_vote(sure, [unsure], network_weight=0.5),
        weighted_vote(unsure, [sure], network_weight=0.5),
    ):
        np.testing.assert_allclose(voted[0, 1], (np.log(1e-4) + np.log(0.5)) / 2)
