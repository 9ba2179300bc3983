import dataclasses

import numpy as np
import pytest

from datasets.composers import GENRES
from models.errors import ModelError
from models.evaluation.clip_statistics import FIGURES
from models.evaluation.frechet import fit_gaussian, frechet_distance
from models.evaluation.real_reference import FOLDER, KIND, RealReference
from models.model_folder import save_model
from tests.support.heard_music import small_reference


def test_halves_are_disjoint_and_alike():
    reference = small_reference(n_per_genre=20)
    first, second = reference.halves()
    assert (first ^ second).all()
    for genre in reference.genres:
        for split, each in (("train", 7), ("validation", 1), ("test", 2)):
            cell = reference.of_genre(genre) & reference.of_split(split)
            assert ((first & cell).sum(), (second & cell).sum()) == (each, each)
    assert (reference.halves(seed=1)[0] != first).any()
    assert (reference.halves()[0] == first).all()


def test_drawn_clips_are_runs_of_one_recording_and_share_no_patch():
    reference = small_reference(n_per_genre=4, n_patches=7)
    chosen = reference.of_genre("jazz")
    clips = reference.drawn_clips(chosen, n_clips=5, n_patches=3, seed=0)
    assert len(clips) == 5
    rows = np.concatenate(clips)
    assert len(set(rows)) == 15
    assert chosen[reference.recording[rows]].all()
    for clip in clips:
        assert (np.diff(clip) == 1).all()
        assert len(set(reference.recording[clip])) == 1
    assert len({reference.recording[clip[0]] for clip in clips[:4]}) == 4  # each recording once before any twice
    assert len(reference.drawn_clips(chosen, n_clips=100, n_patches=3, seed=0)) == 8


def test_is_the_same_from_a_folder_up_to_half_precision(tmp_path):
    reference = small_reference()
    reference.figures[0, 0] = np.nan
    reference.key[0] = ""
    card = {"version": "1", "created": "2026-11-30", "name": reference.name, "kind": KIND, "genres": reference.genres}
    save_model(tmp_path, card, reference.to_arrays())
    loaded = RealReference.load(tmp_path)
    assert loaded.embedding == pytest.approx(reference.embedding, rel=1e-3, abs=1e-3)
    assert loaded.ids.tolist() == reference.ids.tolist()
    assert loaded.statistics(0).figures[FIGURES[0]] is None
    assert loaded.statistics(0).key is None
    assert loaded.statistics(1).key == "A minor"
    assert loaded.facts() == reference.facts()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": np.zeros(3, int)}, "split of shape"),
        ({"figures": np.zeros((60, 2))}, "figures of shape"),
        ({"recording": np.full(360, 60)}, "recording outside 0 to 59"),
        ({"genre": np.full(60, -1)}, "genre outside 0 to 2"),
    ],
)
def test_arrays_that_do_not_fit(changes, message):
    with pytest.raises(ModelError, match=message):
        dataclasses.replace(small_reference(), **changes)


def test_a_folder_that_lacks_an_array(tmp_path):
    arrays = small_reference().to_arrays()
    del arrays["true_key"]
    save_model(tmp_path, {"version": "1", "created": "", "name": "r", "kind": KIND, "genres": ["blues"]}, arrays)
    with pytest.raises(ModelError, match=r"no reference.*true_key"):
        RealReference.load(tmp_path)


def test_unknown_genre():
    with pytest.raises(ModelError, match="small-reference has no polka; it has blues"):
        small_reference().of_genre("polka")


def test_the_shipped_reference_is_of_every_genre_and_small():
    reference = RealReference.load()
    assert reference.genres == GENRES
    assert reference.embedding.shape == (8400, 200)
    assert [int(reference.of_genre(genre).sum()) for genre in GENRES] == [60] * 14
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000


def test_half_precision_moves_no_distance_by_more_than_a_percent():
    reference = small_reference()
    halved = reference.to_arrays()["embedding"].astype(float)
    a, b = (fit_gaussian(reference.embedding[reference.patches_of(reference.of_genre(g))]) for g in ("blues", "jazz"))
    c = fit_gaussian(halved[reference.patches_of(reference.of_genre("blues"))])
    assert frechet_distance(c, b) == pytest.approx(frechet_distance(a, b), rel=0.01)
