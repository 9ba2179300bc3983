import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.splits import block_folds, training_side
from datasets.taggrams import TaggramSet
from models import genre_recipe
from models.calibration import fit_temperature, scale
from models.conformal import class_scores, threshold
from models.errors import ModelError
from models.evaluation.metrics import log_loss
from models.genre_head import mean_log_probabilities
from models.genre_members import MemberSettings, fit_member
from models.genre_recipe import Recipe, clips_of, fit_head, head_arrays, subset
from tests.support.taggrams import GENRES, synthetic_tracks

SMALL = Recipe(n_folds=3, rotations=(0.0,), guard=0, clip_patches=(1, 6), clips_per_track=2)
MEMORY = MemberSettings("kernel_ridge", "root_of_mean", ridge=1e-9)


def fit(tracks: TaggramSet, recipe: Recipe = SMALL):
    return fit_head(tracks, recipe, name="small-1", backbone="stand-in")


@pytest.mark.parametrize(
    ("n_patches", "n_clips", "starts"),
    [
        (4, 3, [0, 3, 6]),
        (4, 1, [0]),
        (10, 4, [0]),
        (28, 4, [0]),  # longer than the track: the whole track
        (9, 4, [0, 1]),  # no clip twice
        (1, 10, list(range(10))),
    ],
)
def test_clips_are_spread_evenly_over_a_track(n_patches, n_clips, starts):
    taggram = np.arange(20.0).reshape(10, 2)
    clips = clips_of(taggram, n_patches, n_clips)
    length = min(n_patches, 10)
    assert clips.shape == (len(starts), length, 2)
    for clip, start in zip(clips, starts, strict=True):
        np.testing.assert_array_equal(clip, taggram[start : start + length])


def test_a_subset_keeps_names_and_labels_with_their_tracks(rng):
    tracks = synthetic_tracks(rng, per_genre=2)
    chosen = subset(tracks, np.array([False, True, False, False, True, True]))
    assert chosen.ids == ("fado.1", "raga.0", "raga.1")
    assert chosen.labels.tolist() == [0, 2, 2]
    assert chosen.genres == GENRES
    for track, index in zip(chosen.tracks, (1, 4, 5), strict=True):
        np.testing.assert_array_equal(track, tracks.tracks[index])


def test_a_head_knows_what_it_was_fitted_on_and_recognises_more_of_it(rng):
    heard, new = synthetic_tracks(rng), synthetic_tracks(rng)
    head = fit(heard)
    assert (head.name, head.genres, head.backbone, head.coverage) == ("small-1", GENRES, "stand-in", 0.9)
    answers = [head.track_probabilities(track).argmax() for track in new.tracks]
    assert (np.array(answers) == new.labels).mean() > 0.95


@pytest.mark.parametrize("genres", [("fado", "polka"), ("a", "b", "c", "d", "e")])
def test_any_number_of_genres_can_be_learned(genres, rng):
    tracks = synthetic_tracks(rng, genres=genres)
    p = fit(tracks).track_probabilities(tracks.tracks[-1])
    assert p.shape == (len(genres),)
    assert p.argmax() == len(genres) - 1


def test_each_length_of_clips_has_its_temperature_and_single_patches_are_softened_more(rng):
    """A patch hints at its genre by itself, so that many say more than one."""
    labels = np.repeat(np.arange(3), 30)
    hints = 0.05 * (np.arange(50) % 3 == labels[:, np.newaxis, np.newaxis])
    tracks = TaggramSet(
        tracks=tuple(np.clip(rng.normal(0.3, 0.2, (90, 16, 50)) + hints, 0, 1)),
        labels=labels,
        ids=tuple(f"track {i}" for i in range(90)),
        genres=GENRES,
    )
    arrays = head_arrays(tracks, Recipe(n_folds=3, rotations=(0.0,), clip_patches=(16, 1, 4)))
    assert arrays["calibration/n_patches"].tolist() == [1, 4, 16]
    one, four, all_of_them = arrays["calibration/temperatures"]
    assert one > four > all_of_them


def test_the_settings_of_the_sets_go_into_the_arrays(rng):
    recipe = Recipe(
        n_folds=3, rotations=(0.0,), clip_patches=(1,), coverage=0.8, rank_charge=0.25, free_ranks=2, max_set_size=1
    )
    tracks = synthetic_tracks(rng)
    arrays = head_arrays(tracks, recipe)
    assert [float(arrays[f"conformal/{name}"]) for name in ("rank_charge", "free_ranks", "max_set_size")] == [
        0.25,
        2,
        1,
    ]
    head = fit(tracks, recipe)
    assert head.coverage == 0.8
    assert [head.abstains(GENRES[:n]) for n in (1, 2)] == [False, True]


def test_more_coverage_needs_a_wider_limit(rng):
    tracks = synthetic_tracks(rng, lift=0.5)
    limits = [
        float(
            head_arrays(tracks, Recipe(n_folds=3, rotations=(0.0,), clip_patches=(6,), coverage=coverage))[
                "conformal/limit"
            ]
        )
        for coverage in (0.5, 0.8, 0.95)
    ]
    assert limits[0] < limits[1] < limits[2]


def test_the_same_tracks_in_another_order_make_the_same_head(rng):
    tracks = synthetic_tracks(rng, lift=0.7)
    order = rng.permutation(len(tracks))
    shuffled = TaggramSet(
        tracks=tuple(tracks.tracks[i] for i in order),
        labels=tracks.labels[order],
        ids=tuple(tracks.ids[i] for i in order),
        genres=tracks.genres,
    )
    taggrams = rng.random((5, 4, 50))
    np.testing.assert_allclose(fit(shuffled).probabilities(taggrams), fit(tracks).probabilities(taggrams), atol=1e-3)


def test_fitting_twice_gives_the_same_arrays(rng):
    tracks = synthetic_tracks(rng)
    first, second = head_arrays(tracks, SMALL), head_arrays(tracks, SMALL)
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


@pytest.mark.parametrize("guard", [0, 1])
def test_a_track_is_calibrated_on_by_members_that_never_saw_it_or_its_neighbours(guard, rng, monkeypatch):
    """Every activation of track i is i / 100, so that a clip tells which track it is from."""
    labels = np.repeat([0, 1], 6)
    tracks = TaggramSet(
        tracks=tuple(np.full((3, 50), i / 100) for i in range(12)),
        labels=labels,
        ids=tuple(f"{i:02}" for i in range(12)),
        genres=("fado", "polka"),
    )
    asked: list[tuple[int, frozenset[int]]] = []

    def track_of(patches: np.ndarray) -> int:
        return round(float(patches.flat[0]) * 100)

    class Witness:
        def __init__(self, seen) -> None:
            self.seen = frozenset(track_of(track) for track in seen)

        def logits(self, clips: np.ndarray) -> np.ndarray:
            asked.extend((track_of(clip), self.seen) for clip in clips)
            return np.zeros((len(clips), 2))

        def cooled(self, temperature: float) -> "Witness":
            return self

        def to_arrays(self) -> dict:
            return {}

    monkeypatch.setattr(genre_recipe, "fit_member", lambda seen, labels, settings: Witness(seen))
    rotations = (0.0, 0.5)
    head_arrays(tracks, Recipe(members=(MEMORY,), n_folds=3, rotations=rotations, guard=guard, clip_patches=(3,)))
    allowed = set()
    for rotation in rotations:
        folds = block_folds(tracks.ids, labels, n_folds=3, rotation=rotation)
        for i in range(12):
            side = training_side(tracks.ids, labels, folds, folds[i], guard=guard)
            allowed.add((i, frozenset(np.flatnonzero(side).tolist())))
    assert set(asked) == allowed
    assert all(i not in seen for i, seen in asked)
    if guard:
        near = [j for i, seen in asked for j in seen if abs(i - j) == 1 and labels[i] == labels[j]]
        assert near == []


def test_what_a_memory_says_of_tracks_it_knows_does_not_make_the_head_sure(rng):
    """Labels that mean nothing are learned by heart; only tracks that were left out show that nothing was learned."""
    tracks, new = (synthetic_tracks(rng, per_genre=30, lift=0.0) for _ in range(2))
    heard, unheard = np.stack(tracks.tracks), np.stack(new.tracks)
    by_heart = fit_member(tracks.tracks, tracks.labels, MEMORY)
    sure = fit_temperature(by_heart.logits(heard), tracks.labels)
    assert log_loss(scale(by_heart.logits(heard), sure), tracks.labels) < 0.01
    assert log_loss(scale(by_heart.logits(unheard), sure), new.labels) > 2
    head = fit(tracks, Recipe(members=(MEMORY,), n_folds=3, rotations=(0.0,), guard=0, clip_patches=(6,)))
    assert log_loss(head.probabilities(unheard), new.labels) < 1.4  # log(3) = 1.1 is knowing that one knows nothing


def test_the_arrays_are_those_of_a_slow_loop(rng):
    tracks = synthetic_tracks(rng, lift=0.6)
    recipe = Recipe(n_folds=3, rotations=(0.0,), guard=1, clip_patches=(6,), rank_charge=0.1)
    folds = block_folds(tracks.ids, tracks.labels, n_folds=3)
    logits: list[list[np.ndarray]] = [[], []]
    for i, (track, _) in enumerate(tracks):
        side = subset(tracks, training_side(tracks.ids, tracks.labels, folds, folds[i], guard=1))
        for settings, rows in zip(recipe.members, logits, strict=True):
            rows.append(fit_member(side.tracks, side.labels, settings).logits(track[np.newaxis])[0])
    cooling = [fit_temperature(np.array(rows), tracks.labels) for rows in logits]
    mean = mean_log_probabilities([np.array(rows) / t for rows, t in zip(logits, cooling, strict=True)])
    temperature = fit_temperature(mean, tracks.labels)
    scores = class_scores(scale(mean, temperature), rank_charge=0.1, free_ranks=1)[np.arange(36), tracks.labels]

    arrays = head_arrays(tracks, recipe)
    assert abs(temperature - 1) > 0.05  # else it could be left out
    np.testing.assert_allclose(arrays["calibration/temperatures"], [temperature], rtol=1e-4)
    assert float(arrays["conformal/limit"]) == pytest.approx(threshold(scores, coverage=0.9), abs=1e-4)
    for index, (settings, t) in enumerate(zip(recipe.members, cooling, strict=True)):
        member = fit_member(tracks.tracks, tracks.labels, settings).cooled(t)
        for name, array in member.to_arrays().items():
            found = arrays[f"members/{index}/{name}"]
            if name == "pooling":
                assert found == array
            else:
                np.testing.assert_allclose(found, array, rtol=1e-3, atol=1e-4)


def test_a_loud_member_does_not_drown_the_other(rng, monkeypatch):
    tracks = synthetic_tracks(rng, lift=0.6)
    taggrams = rng.random((5, 6, 50))
    expected = fit(tracks).probabilities(taggrams)

    def shout(tracks, labels, settings):
        member = fit_member(tracks, labels, settings)
        return member.cooled(1 / 5) if settings.kind == "kernel_ridge" else member

    monkeypatch.setattr(genre_recipe, "fit_member", shout)
    np.testing.assert_allclose(fit(tracks).probabilities(taggrams), expected, atol=1e-3)


def tracks_of(labels: list[int]) -> TaggramSet:
    rng = np.random.default_rng(0)
    return TaggramSet(
        tracks=tuple(rng.random((4, 50)) for _ in labels),
        labels=np.array(labels, dtype=np.int64),
        ids=tuple(f"track {i}" for i in range(len(labels))),
        genres=GENRES,
    )


@pytest.mark.parametrize(
    ("labels", "recipe", "error", "words"),
    [
        ([0, 0, 0, 1, 1, 1], SMALL, ModelError, "no track of raga to learn from"),
        ([], SMALL, ModelError, "no track of fado, polka, raga"),
        ([0] * 3 + [1] * 3 + [2] * 2, SMALL, DatasetError, "label 2: 2 tracks cannot fill 3 folds"),
        (
            [0, 1, 2] * 3,
            Recipe(members=(MemberSettings("forest", "root_of_mean"),), n_folds=3, guard=0),
            ModelError,
            "forest",
        ),
        ([0, 1, 2] * 3, Recipe(n_folds=1), DatasetError, "n_folds=1"),
        ([0, 1, 2] * 3, Recipe(n_folds=3, guard=0, clip_patches=(1,), coverage=1.5), ModelError, r"coverage 1\.5"),
    ],
)
def test_bad_input_is_refused_by_name(labels, recipe, error, words):
    with pytest.raises(error, match=words):
        fit(tracks_of(labels), recipe)


@pytest.mark.parametrize(
    ("labels", "recipe"),
    [
        ([0] * 6 + [1] * 6 + [2] * 4, Recipe(n_folds=2, guard=3)),  # no track of any genre
        ([0] * 9 + [1] * 9 + [2] * 3, Recipe(n_folds=3, guard=2)),  # none of the last
        ([0] * 9 + [1] * 3 + [2] * 9, Recipe(n_folds=3, guard=2)),  # none of the middle one
        ([0, 1, 2] * 2, Recipe(n_folds=2, guard=0)),  # one of each: no spread within a genre
    ],
)
def test_a_training_side_that_teaches_too_little_is_refused(labels, recipe):
    with pytest.raises((DatasetError, ModelError)):
        fit(tracks_of(labels), recipe)
