import math

import numpy as np
import pytest
import sklearn.metrics.pairwise
from scipy.special import log_softmax, softmax

from datasets.taggrams import GTZAN_GENRES, N_TAGS
from models.errors import IntegrityError, ModelError
from models.genre_head import MIN_PROBABILITY, GenreHead, Member, laplacian_kernel, mean_log_probabilities
from models.model_folder import read_card, save_model
from models.paths import PRETRAINED_DIR
from tests.support.taggrams import GENRES, tag_head, tag_head_arrays, tag_head_card

SHIPPED = PRETRAINED_DIR / "gtzan-musicnn-1"


@pytest.fixture(scope="module")
def shipped() -> GenreHead:
    return GenreHead.load(SHIPPED)


@pytest.fixture
def taggram(rng) -> np.ndarray:
    return rng.random((7, N_TAGS))


def linear_member(rng: np.random.Generator) -> Member:
    return Member(
        pooling="mean_log_odds",
        centre=rng.normal(0, 1, 6),
        spread=rng.uniform(0.5, 2, 6),
        weights=rng.normal(0, 1, (6, 3)),
        bias=rng.normal(0, 1, 3),
    )


def kernel_member(rng: np.random.Generator) -> Member:
    return Member(
        pooling="root_of_mean",
        centre=rng.random(6),
        spread=rng.uniform(0.5, 2, 6),
        weights=rng.normal(0, 1, (4, 3)),
        bias=rng.normal(0, 1, 3),
        support=rng.normal(0, 1, (4, 6)),
        gamma=0.3,
    )


def test_a_linear_member_is_standardise_weigh_add():
    member = Member(
        pooling="root_of_mean",
        centre=np.array([0.1, 0.2]),
        spread=np.array([0.5, 0.25]),
        weights=np.array([[1.0, 0.0], [2.0, -1.0]]),
        bias=np.array([0.0, 10.0]),
    )
    # Roots 0.6 and 0.7, standardised 1 and 2: 1 * 1 + 2 * 2 = 5, and 10 - 2 = 8.
    np.testing.assert_allclose(member.logits(np.array([[[0.36, 0.49]]])), [[5.0, 8.0]])


def test_a_kernel_member_compares_with_its_support():
    member = Member(
        pooling="root_of_mean",
        centre=np.zeros(2),
        spread=np.ones(2),
        weights=np.array([[1.0, 0.0], [0.0, 1.0]]),
        bias=np.array([0.0, 0.5]),
        support=np.array([[0.5, 0.5], [0.2, 0.9]]),
        gamma=2.0,
    )
    # Roots 0.5 and 0.5: the first support itself, and 0.3 + 0.4 away from the second.
    np.testing.assert_allclose(member.logits(np.full((1, 3, 2), 0.25)), [[1.0, 0.5 + math.exp(-1.4)]])


def test_the_kernel_is_that_of_a_slow_loop_and_of_scikit_learn(rng):
    f, s = rng.normal(0, 1, (5, 4)), rng.normal(0, 1, (3, 4))
    slow = [[math.exp(-0.7 * sum(abs(a - b) for a, b in zip(x, y, strict=True))) for y in s] for x in f]
    np.testing.assert_allclose(laplacian_kernel(f, s, gamma=0.7), slow)
    np.testing.assert_allclose(
        laplacian_kernel(f, s, gamma=0.7), sklearn.metrics.pairwise.laplacian_kernel(f, s, gamma=0.7)
    )


@pytest.mark.parametrize("make", [linear_member, kernel_member])
def test_a_member_comes_back_from_its_arrays(make, rng):
    member = make(rng)
    arrays = member.to_arrays()
    again = Member.from_arrays(arrays)
    assert (again.pooling, again.n_classes, again.n_tags) == (member.pooling, 3, 6)
    patches = rng.random((5, 2, 6))
    np.testing.assert_allclose(again.logits(patches), member.logits(patches), atol=1e-5)
    twice = Member.from_arrays(again.to_arrays())
    np.testing.assert_array_equal(twice.logits(patches), again.logits(patches))
    assert {array.dtype for name, array in arrays.items() if name != "pooling"} == {np.dtype(np.float32)}


@pytest.mark.parametrize("make", [linear_member, kernel_member])
def test_cooling_divides_the_logits(make, rng):
    member, patches = make(rng), rng.random((5, 2, 6))
    np.testing.assert_allclose(member.cooled(4.0).logits(patches), member.logits(patches) / 4)


@pytest.mark.parametrize("change", [{"spread": np.ones(5)}, {"weights": np.ones((5, 3))}, {"bias": np.ones(2)}])
@pytest.mark.parametrize("make", [linear_member, kernel_member])
def test_a_member_whose_arrays_do_not_fit_is_refused(make, change, rng):
    arrays = make(rng).to_arrays() | change
    with pytest.raises(ModelError, match="weights"):
        Member.from_arrays(arrays)


def test_members_are_averaged_in_log_probability(rng):
    one, two = np.log([[0.5, 0.5]]), np.log([[0.1, 0.9]])
    expected = [[np.log(0.05) / 2, np.log(0.45) / 2]]
    np.testing.assert_allclose(mean_log_probabilities([one, two]), expected)
    np.testing.assert_allclose(mean_log_probabilities([one + 7, two - 3]), expected)  # logits are up to a constant
    z = rng.normal(0, 2, (4, 3))
    np.testing.assert_allclose(mean_log_probabilities([z]), log_softmax(z, axis=1))


def test_no_single_member_rules_a_genre_out():
    sure, unsure = np.array([[0.0, -1000.0]]), np.log([[0.5, 0.5]])
    np.testing.assert_allclose(
        mean_log_probabilities([sure, unsure]), [[np.log(0.5) / 2, (np.log(MIN_PROBABILITY) + np.log(0.5)) / 2]]
    )


def test_a_recording_full_of_a_genres_tag_is_of_that_genre():
    head = tag_head()
    taggram = np.zeros((4, N_TAGS))
    taggram[:, 1] = 0.25  # logit 4 * 0.5 = 2; four patches have temperature 0.5
    p = head.track_probabilities(taggram)
    np.testing.assert_allclose(p, softmax([0.0, 4.0, 0.0]))
    assert head.prediction_set(p) == ("polka",)
    assert (head.name, head.genres, head.backbone, head.coverage) == ("tag-head-1", GENRES, "stand-in", 0.9)


def test_the_temperature_lies_between_those_that_were_fitted():
    head = tag_head()  # 2.0 for one patch, 0.5 for four
    assert head.temperature(1) == pytest.approx(2.0)
    assert head.temperature(2) == pytest.approx(1.0)  # half way, as ratios go
    assert head.temperature(4) == pytest.approx(0.5)
    assert head.temperature(1000) == pytest.approx(0.5)
    assert head.temperature(1) > head.temperature(2) > head.temperature(3) > head.temperature(4)


def test_probabilities_are_the_logits_at_the_temperature_of_their_length(shipped, rng):
    taggrams = rng.random((3, 5, N_TAGS))
    expected = softmax(shipped.logits(taggrams) / shipped.temperature(5), axis=1)
    np.testing.assert_allclose(shipped.probabilities(taggrams), expected)


def test_the_order_of_patches_does_not_matter(shipped, taggram, rng):
    np.testing.assert_allclose(
        shipped.track_probabilities(rng.permutation(taggram)), shipped.track_probabilities(taggram), atol=1e-9
    )


def test_a_segment_is_a_recording_of_one_patch(shipped, taggram):
    segments = shipped.segment_probabilities(taggram)
    assert segments.shape == (7, 10)
    for patch, p in zip(taggram, segments, strict=True):
        np.testing.assert_allclose(p, shipped.track_probabilities(patch[np.newaxis]), atol=1e-12)


def test_several_recordings_are_answered_as_each_by_itself(shipped, rng):
    several = rng.random((4, 3, N_TAGS))
    each = [shipped.track_probabilities(taggram) for taggram in several]
    np.testing.assert_allclose(shipped.probabilities(several), each, atol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_extreme_activations_have_finite_probabilities(shipped, value):
    p = shipped.track_probabilities(np.full((2, N_TAGS), value))
    assert p.sum() == pytest.approx(1)
    assert (p > 0).all()


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ([0.3, 0.6, 0.1], ("polka",)),  # scores 0.75, 0.3, 0.95; the limit is 0.6
        ([0.35, 0.2, 0.45], ("raga",)),  # 0.625 is beyond
        ([0.32, 0.28, 0.4], ("raga", "fado")),  # 0.56 is within
        ([0.22, 0.39, 0.39], ("polka", "raga")),  # of equals, in the order of the genres
        ([0.0, 0.0, 1.0], ("raga",)),
    ],
)
def test_a_set_names_its_genres_most_probable_first(probabilities, expected):
    head = tag_head()
    assert head.prediction_set(np.array(probabilities)) == expected
    assert head.abstains(expected) == (len(expected) > 1)


def test_a_set_is_never_empty():
    arrays = tag_head_arrays() | {"conformal/limit": np.array(0.0)}
    assert GenreHead(tag_head_card(), arrays).prediction_set(np.array([0.3, 0.3, 0.4])) == ("raga",)


def test_a_saved_head_answers_as_before(tmp_path, rng):
    members = [
        Member(
            pooling=pooling,
            centre=rng.normal(0, 1, N_TAGS),
            spread=rng.uniform(0.5, 2, N_TAGS),
            weights=rng.normal(0, 0.3, (N_TAGS if support is None else 8, 3)),
            bias=rng.normal(0, 1, 3),
            support=support,
            gamma=0.01,
        )
        for pooling, support in (("mean_log_odds", None), ("root_of_mean", rng.normal(0, 1, (8, N_TAGS))))
    ]
    arrays = {k: v for k, v in tag_head_arrays().items() if not k.startswith("members/")} | {
        f"members/{i}/{name}": array for i, member in enumerate(members) for name, array in member.to_arrays().items()
    }
    head = GenreHead(tag_head_card(), arrays)
    card = tag_head_card() | {"version": "1", "kind": "genre", "created": "2026-01-01"}
    save_model(tmp_path / "head", card, arrays)
    again = GenreHead.load(tmp_path / "head")
    for taggram in rng.random((5, 4, N_TAGS)):
        p = head.track_probabilities(taggram)
        np.testing.assert_array_equal(again.track_probabilities(taggram), p)
        assert again.prediction_set(p) == head.prediction_set(p)
    assert (again.genres, again.n_tags) == (GENRES, N_TAGS)


def test_a_head_whose_weights_were_changed_is_refused(tmp_path):
    card = tag_head_card() | {"version": "1", "kind": "genre", "created": "2026-01-01"}
    save_model(tmp_path, card, tag_head_arrays())
    np.savez(tmp_path / "weights.npz", **tag_head_arrays() | {"conformal/limit": np.array(0.9)})
    with pytest.raises(IntegrityError, match="the card says"):
        GenreHead.load(tmp_path)


def test_a_model_of_another_kind_is_refused(tmp_path):
    save_model(tmp_path, tag_head_card() | {"version": "1", "kind": "gate", "created": "2026-01-01"}, tag_head_arrays())
    with pytest.raises(ModelError, match="kind 'gate', expected 'genre'"):
        GenreHead.load(tmp_path)


def test_the_shipped_head_knows_ten_genres(shipped):
    assert shipped.name == "gtzan-musicnn-1"
    assert shipped.genres == GTZAN_GENRES
    assert (shipped.n_tags, shipped.backbone, shipped.coverage) == (N_TAGS, "MSD_musicnn", 0.9)


@pytest.mark.parametrize("guard", [0, 2])
def test_the_shipped_head_is_as_right_as_its_card_must_state(guard):
    card = read_card(SHIPPED)
    (mean,) = [each["mean"] for each in card["cross_validation"] if each["guard"] == guard]
    assert mean["accuracy"] >= 0.82
    assert mean["ece"] <= 0.06
    assert abs(mean["coverage"] - card["coverage"]) <= 0.03


@pytest.mark.parametrize(
    ("card", "arrays"),
    [
        ({"genres": ("fado", "polka")}, {}),
        ({"genres": None}, {}),
        ({"coverage": "most"}, {}),
        ({"name": ...}, {}),
        ({}, {"members/0/weights": ...}),
        ({}, {"members/0/pooling": ...}),
        ({}, {"members/0/weights": np.zeros((N_TAGS, 4))}),
        ({}, {"members/0/centre": np.zeros(N_TAGS - 1)}),
        ({}, {"members/0/colour": np.zeros(3)}),
        ({}, {name: ... for name in tag_head_arrays() if name.startswith("members/")}),
        ({}, {"calibration/temperatures": ...}),
        ({}, {"calibration/temperatures": np.ones(3)}),
        ({}, {"conformal/limit": ...}),
        ({}, {"conformal/limit": np.zeros(2)}),
        # A kernel member whose support has another number of features than its centre.
        ({}, {"members/0/support": np.zeros((N_TAGS, N_TAGS - 1)), "members/0/gamma": np.array(0.1)}),
        # A second member that looks at another number of tags.
        (
            {},
            {
                "members/1/pooling": np.array("root_of_mean"),
                "members/1/centre": np.zeros(N_TAGS - 1),
                "members/1/spread": np.ones(N_TAGS - 1),
                "members/1/weights": np.zeros((N_TAGS - 1, 3)),
                "members/1/bias": np.zeros(3),
            },
        ),
    ],
)
def test_arrays_that_make_no_head_are_refused(card, arrays):
    """Three dots stand for an entry that is missing."""
    card = {name: value for name, value in (tag_head_card() | card).items() if value is not ...}
    arrays = {name: array for name, array in (tag_head_arrays() | arrays).items() if array is not ...}
    with pytest.raises(ModelError, match="no genre head"):
        GenreHead(card, arrays)


@pytest.mark.parametrize(
    ("taggram", "words"),
    [
        (np.zeros((0, N_TAGS)), r"shape \(0, 50\)"),
        (np.zeros((3, 49)), r"shape \(3, 49\), expected \(n_patches >= 1, 50\)"),
        (np.zeros(N_TAGS), r"shape \(50,\)"),
        (np.zeros((1, 3, N_TAGS)), r"shape \(1, 3, 50\)"),
        (np.full((3, N_TAGS), np.nan), "NaN"),
        (np.full((3, N_TAGS), 1.1), "outside 0 to 1"),
        (np.full((3, N_TAGS), -0.1), "outside 0 to 1"),
    ],
)
def test_bad_taggrams_are_refused_by_name(taggram, words):
    head = tag_head()
    for ask in (head.track_probabilities, head.segment_probabilities):
        with pytest.raises(ModelError, match=words):
            ask(taggram)
