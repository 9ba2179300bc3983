"""Training on synthetic tracks takes a second; with the development data it gives the shipped head again."""

import json
from pathlib import Path

import numpy as np
import pytest

from datasets.taggrams import GTZAN_GENRES, TaggramSet
from features.cache import sha256_of
from models.errors import ModelError
from models.genre_head import GenreHead
from models.genre_members import MemberSettings
from models.genre_recipe import MEMBERS, Recipe
from models.model_folder import load_weights, read_card
from models.paths import PRETRAINED_DIR
from models.train_genre_head import LAYOUTS, Settings, main, read_settings, train
from tests.support.taggrams import synthetic_tracks, write_npz

SMOKE = {
    "recipe": {"n_folds": 2, "rotations": [0.0], "guard": 0, "clip_patches": [1, 3], "clips_per_track": 1},
    "layouts": [[4, 0.0], [4, 0.5]],
    "guards": [0, 1],
}


@pytest.fixture(scope="module")
def tracks() -> TaggramSet:
    return synthetic_tracks(np.random.default_rng(0), genres=GTZAN_GENRES, per_genre=8, n_patches=3, lift=4.0)


@pytest.fixture
def flags(tracks, tmp_path) -> list[str]:
    write_npz(tmp_path / "tracks.npz", tracks)
    (tmp_path / "smoke.json").write_text(json.dumps(SMOKE))
    files = {"data": "tracks.npz", "out": "head", "config": "smoke.json"}
    return [f"--{flag}={tmp_path / name}" for flag, name in files.items()]


def test_training_leaves_a_head_that_answers_and_prints_its_report(flags, tracks, tmp_path, capsys):
    main([*flags, "--name=smoke-1"])
    head = GenreHead.load(tmp_path / "head")
    assert (head.name, head.genres) == ("smoke-1", GTZAN_GENRES)
    answers = [head.track_probabilities(track).argmax() for track in tracks.tracks]
    np.testing.assert_array_equal(answers, tracks.labels)
    assert "smoke-1: block cross-validation on 80 tracks\n" in capsys.readouterr().out


def test_the_card_says_what_was_done(flags, tmp_path):
    returned = train(read_settings([*flags, "--version=3", "--created=2026-02-03", "--source=made up"]))
    card = read_card(tmp_path / "head")
    assert json.loads(json.dumps(returned, allow_nan=False)) == card
    assert (card["kind"], card["version"], card["created"], card["coverage"]) == ("genre", "3", "2026-02-03", 0.9)
    assert card["data"]["source"] == "made up"
    assert card["data"]["sha256"] == sha256_of(tmp_path / "tracks.npz")
    assert card["data"]["n_tracks"] == 80
    assert card["weights"]["sha256"] == sha256_of(tmp_path / "head" / "weights.npz")
    assert card["settings"]["recipe"]["members"][0]["kind"] == "kernel_ridge"
    assert SMOKE["recipe"].items() <= card["settings"]["recipe"].items()
    assert [validation["guard"] for validation in card["cross_validation"]] == [0, 1]
    for validation in card["cross_validation"]:
        assert [(each["n_folds"], each["rotation"]) for each in validation["layouts"]] == [(4, 0.0), (4, 0.5)]
    assert card["on_training_tracks"]["accuracy"] == 1.0


def test_training_again_gives_the_same_weights_to_the_byte(flags):
    assert train(read_settings(flags)) == train(read_settings(flags))


def test_without_a_config_the_settings_are_those_of_the_shipped_head():
    settings = read_settings(["--data=a.npz", "--out=b"])
    assert settings == Settings(data=Path("a.npz"), out=Path("b"))
    card = read_card(PRETRAINED_DIR / "gtzan-musicnn-1")
    assert (settings.name, settings.backbone) == (card["name"], card["backbone"])
    assert [list(layout) for layout in settings.layouts] == card["settings"]["layouts"]
    assert list(settings.guards) == card["settings"]["guards"]


def test_a_config_changes_what_it_names_and_nothing_else(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(
        '{"recipe": {"coverage": 0.8, "members": [{"kind": "discriminant", "pooling": "mean_log_odds"}]}}'
    )
    settings = read_settings(["--data=a.npz", "--out=b", f"--config={config}"])
    assert settings.recipe == Recipe(members=(MemberSettings("discriminant", "mean_log_odds"),), coverage=0.8)
    assert settings.layouts == LAYOUTS
    config.write_text('{"layouts": [[3, 0.5]], "guards": [1]}')
    settings = read_settings(["--data=a.npz", "--out=b", f"--config={config}"])
    assert (settings.layouts, settings.guards, settings.recipe.members) == (((3, 0.5),), (1,), MEMBERS)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--data, --out"),
        (["--data=a.npz"], "--out"),
        (["--data=a.npz", "--out=b", "--epochs=3"], "--epochs=3"),
        (["--data=a.npz", "--out=b", "--nam=c"], "--nam=c"),  # no guessing what was meant
        (["--data=a.npz", "--out=b", "--recipe={}"], "--recipe"),
    ],
)
def test_bad_flags_end_with_what_is_wrong(flags, words, capsys):
    with pytest.raises(SystemExit) as end:
        read_settings(flags)
    assert end.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "not the settings of a genre head"),
        ("7", "not the settings of a genre head"),
        ('"recipe"', "not the settings of a genre head"),
        ('{"recipe": 3}', "not the settings of a genre head"),
        ('{"recipe": {"colour": "red"}}', "colour"),
        ('{"recipe": {"members": [{"kind": "discriminant"}]}}', "pooling"),
        ('{"layouts": [[4]]}', "not the settings of a genre head"),
        ('{"layouts": [["four", 0]]}', "four"),
        ('{"guards": 2}', "not the settings of a genre head"),
        ('{"epochs": 3, "seed": 1}', "unknown settings epochs, seed, expected recipe, layouts and guards"),
    ],
)
def test_bad_configs_are_refused_by_name(config, words, tmp_path):
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(ModelError, match=rf"config\.json: .*{words}"):
        read_settings(["--data=a.npz", "--out=b", f"--config={tmp_path / 'config.json'}"])


def test_a_config_that_is_missing_is_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match=r"none\.json"):
        read_settings(["--data=a.npz", "--out=b", f"--config={tmp_path / 'none.json'}"])


@pytest.fixture(scope="module")
def shipped() -> tuple[dict, dict[str, np.ndarray]]:
    return load_weights(PRETRAINED_DIR / "gtzan-musicnn-1")


@pytest.fixture(scope="module")
def retrained(shared_data, tmp_path_factory) -> tuple[dict, dict[str, np.ndarray]]:
    """The shipped head's training with one layout in place of twelve."""
    folder = tmp_path_factory.mktemp("head")
    train(Settings(data=shared_data / "gtzan_taggrams" / "train.npz", out=folder, layouts=((4, 0.25),), guards=(2,)))
    return load_weights(folder)


@pytest.mark.shared
def test_training_gives_the_shipped_arrays(retrained, shipped):
    (_, found), (_, expected) = retrained, shipped
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        if array.dtype.kind == "U":
            assert found[name] == array
        else:
            np.testing.assert_allclose(found[name], array, rtol=1e-3, atol=1e-3, err_msg=name)


@pytest.mark.shared
def test_training_gives_the_shipped_card(retrained, shipped):
    (found, _), (expected, _) = retrained, shipped
    kept = ("name", "version", "kind", "created", "genres", "backbone", "coverage", "licence", "data")
    assert {name: found[name] for name in kept} == {name: expected[name] for name in kept}
    assert found["settings"]["recipe"] == expected["settings"]["recipe"]
    assert found["on_training_tracks"] == pytest.approx(expected["on_training_tracks"], abs=1e-3)


@pytest.mark.shared
def test_one_layout_has_the_figures_that_the_shipped_card_states(retrained, shipped):
    (figures,) = retrained[0]["cross_validation"][0]["layouts"]
    (guarded,) = [each for each in shipped[0]["cross_validation"] if each["guard"] == 2]
    (stated,) = [each for each in guarded["layouts"] if (each["n_folds"], each["rotation"]) == (4, 0.25)]
    assert figures["split_sha256"] == stated["split_sha256"]
    one_track = 1.001 / 443  # another linear algebra library may tip one that is on the edge
    for name in ("accuracy", "coverage", "abstention_rate", "selective_accuracy"):
        assert figures[name] == pytest.approx(stated[name], abs=one_track)
    for name in ("log_loss", "ece", "mean_set_size"):
        assert figures[name] == pytest.approx(stated[name], abs=0.005)
