"""A search tries what it was told to, finds what is better, and goes on where it was stopped."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

import models.search_classifier as module
from models.cross_fit import Answers, CommitteeSettings
from models.errors import ModelError, TrainingDiverged
from models.hybrid_network import NetworkSettings
from models.network_fit import FitSettings
from models.search_classifier import SearchSettings, main, read_search, search
from models.train_classifier import read_committee
from models.training_data import TrainingData
from tests.support.hybrid_inputs import labelled

BASE = CommitteeSettings(
    network=NetworkSettings(branches=("musicnn",), width=4, dropout=0.0),
    fit=FitSettings(epochs=3, batch_size=8, windows=(1,), mask=False, mixup=0.0, learning_rate=0.05),
    members=(),
    n_folds=2,
)
GRID = SearchSettings("grid", {"fit.learning_rate": [1e-7, 0.05]}, base=BASE)
RANDOM = SearchSettings("random", {"fit.learning_rate": {"low": 1e-3, "high": 0.1, "log": True}}, trials=3, base=BASE)
NOTHING = {name: np.zeros(0, dtype=int) for name in ("labels", "recordings", "folds")}


class Stopped(Exception):
    """What a caller raises who wants no more."""


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """Two genres that every fifth tag tells apart."""
    made = labelled(np.random.default_rng(0), per_genre=6, views=("musicnn",))
    n = len(made)
    return TrainingData(
        inputs=tuple(made.recordings),
        labels=made.labels,
        genres=("low", "high"),
        ids=tuple(f"{i:02d}" for i in range(n)),
        artists=tuple(f"artist {i}" for i in range(n)),
        splits=("",) * n,
        sources=("made",) * n,
    )


@pytest.fixture(scope="module")
def grid(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid")
    return search(data, GRID, folder), folder


@pytest.fixture
def scored_by_rate(monkeypatch):
    """No network is fitted: a trial's loss is its learning rate, and what was fitted is written down."""
    fitted: list[CommitteeSettings] = []

    def cross_fit(data, folds, settings, *, after_fold, progress, **_):
        fitted.append(settings)
        told = Answers(network=np.array(settings.fit.learning_rate), members=(), **NOTHING)
        for fold in range(settings.n_folds):
            progress(fold, 1, {"loss": 0.0})
            after_fold(fold, {1: told})
        return settings.fit.learning_rate

    class Validated:
        def __init__(self, loss, settings, genres):
            self.loss = loss

        def report(self):
            return {"log_loss": self.loss, "accuracy": 0.5}

    monkeypatch.setattr(module, "cross_fit", cross_fit)
    monkeypatch.setattr(module, "cross_validated", Validated)
    monkeypatch.setattr(module, "cooled_log_loss", lambda network, labels: float(network))
    return fitted


def stop_after(n_calls: int):
    calls = iter(range(n_calls))

    def progress(words: str, share: float) -> None:
        if next(calls, None) is None:
            raise Stopped

    return progress


def test_a_hopeless_learning_rate_loses(grid):
    result, _ = grid
    hopeless, good = result.trials
    assert result.best == good
    assert good.log_loss < 0.5 < hopeless.log_loss, "log 2 is what a guess costs"
    assert good.accuracy == 1.0


def test_a_grid_goes_through_all_points_once_in_their_order(data, tmp_path, scored_by_rate):
    space = {"fit.learning_rate": [0.1, 0.2], "network.width": [4, 2, 8]}
    result = search(data, SearchSettings("grid", space, base=BASE), tmp_path)
    points = [(0.1, 4), (0.1, 2), (0.1, 8), (0.2, 4), (0.2, 2), (0.2, 8)]
    assert [tuple(trial.values.values()) for trial in result.trials] == points
    assert [(each.fit.learning_rate, each.network.width) for each in scored_by_rate] == points
    assert result.best.number == 0, "the first of equals"


def test_the_best_settings_are_a_file_that_training_takes(grid):
    result, folder = grid
    assert read_committee(folder / "best.json") == result.settings
    assert result.settings == replace(BASE, fit=replace(BASE.fit, learning_rate=0.05))


def test_trials_are_written_one_a_row_and_the_table_begins_with_the_best(grid):
    result, folder = grid
    with (folder / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["trial"]) for row in rows] == [0, 1]
    assert [float(row["log_loss"]) for row in rows] == [trial.log_loss for trial in result.trials]
    assert [float(row["fit.learning_rate"]) for row in rows] == [1e-7, 0.05]
    head, first, *_, counts = result.table().splitlines()
    assert head.split() == ["trial", "log", "loss", "accuracy", "fit.learning_rate"]
    assert int(first.split()[0]) == result.best.number
    assert counts == "2 trials: 2 scored, 0 pruned, 0 diverged"
    assert len(result.table(1).splitlines()) == 3


def test_a_search_that_is_over_answers_from_its_file(data, grid, monkeypatch):
    result, folder = grid
    monkeypatch.setattr(module, "cross_fit", None)
    assert search(data, GRID, folder) == result


def test_a_search_that_was_stopped_within_a_trial_ends_like_one_left_alone(data, grid, tmp_path):
    result, _ = grid
    with pytest.raises(Stopped):
        search(data, GRID, tmp_path, stop_after(8))  # within the second trial: six epochs each
    assert search(data, GRID, tmp_path).trials == result.trials
    assert not (tmp_path / "work").exists(), "checkpoints are gone"


@pytest.mark.parametrize("sampler", ["random", "tpe", "grid"])
def test_stops_change_nothing_whatever_the_sampler(data, tmp_path, scored_by_rate, sampler):
    space = {"fit.learning_rate": np.geomspace(1e-3, 0.1, 14).tolist()} if sampler == "grid" else RANDOM.space
    settings = SearchSettings(sampler, space, trials=14, base=BASE)
    undisturbed = search(data, settings, tmp_path / "undisturbed")
    for n_calls in (0, 3, 4, 5):
        with pytest.raises(Stopped):
            search(data, settings, tmp_path / "stopped", stop_after(n_calls))
    assert search(data, settings, tmp_path / "stopped").trials == undisturbed.trials
    assert len(undisturbed.trials) == 14


def test_a_seed_gives_the_same_trials_again_and_another_one_others(data, tmp_path, scored_by_rate):
    first, again = (search(data, RANDOM, tmp_path / name) for name in ("first", "again"))
    other = search(data, replace(RANDOM, seed=1), tmp_path / "other")
    assert first == again
    rates = [[trial.values["fit.learning_rate"] for trial in result.trials] for result in (first, other)]
    assert len({*rates[0], *rates[1]}) == 6
    assert all(1e-3 <= rate <= 0.1 for rate in rates[0] + rates[1])


def test_more_trials_go_on_from_those_there_are(data, tmp_path, scored_by_rate):
    few = search(data, RANDOM, tmp_path)
    more = search(data, replace(RANDOM, trials=5), tmp_path)
    assert more.trials[:3] == few.trials
    assert len(scored_by_rate) == 5


def test_a_trial_that_is_worse_than_most_after_a_fold_is_given_up(data, tmp_path, scored_by_rate):
    rates = [0.01, 0.02, 0.03, 0.04, 0.05, 0.9, 0.001]
    result = search(data, SearchSettings("grid", {"fit.learning_rate": rates}, base=BASE), tmp_path)
    assert [trial.outcome for trial in result.trials] == ["scored"] * 5 + ["pruned", "scored"]
    assert (result.trials[5].n_folds, result.trials[5].log_loss) == (1, None)
    assert result.best.number == 6


def test_tpe_looks_where_it_was_good(data, tmp_path, scored_by_rate):
    space = {"fit.learning_rate": {"low": 1e-4, "high": 1.0}}
    result = search(data, SearchSettings("tpe", space, trials=25, base=BASE), tmp_path)
    rates = [trial.values["fit.learning_rate"] for trial in result.trials]
    assert np.median(rates[15:]) < 0.5 * np.median(rates[:10])


def test_settings_of_all_kinds_reach_the_training(data, tmp_path, scored_by_rate):
    space = {
        "network.branches": [["musicnn", "attributes"]],
        "network.width": {"low": 2, "high": 9, "log": True},
        "network.dropout": {"low": 0, "high": 0.5},
        "fit.windows": [[1, 2]],
        "fit.mask": [True],
        "members": [[{"kind": "discriminant", "pooling": "mean_log_odds"}]],
    }
    search(data, SearchSettings("random", space, trials=1, base=BASE), tmp_path)
    settings = scored_by_rate[0]
    assert settings.network.branches == ("musicnn", "attributes")
    assert type(settings.network.width) is int
    assert 2 <= settings.network.width <= 9
    assert type(settings.network.dropout) is float
    assert settings.fit == replace(BASE.fit, windows=(1, 2), mask=True)
    assert settings.members[0].kind == "discriminant"


def test_a_test_split_is_never_looked_at(data, tmp_path, monkeypatch):
    seen = []

    def cross_fit(learned, folds, settings, *, validation, **_):
        seen.append((set(learned.ids), set(validation.ids)))
        raise Stopped

    monkeypatch.setattr(module, "cross_fit", cross_fit)
    splits = ("train",) * 4 + ("validation", "test") + ("train",) * 4 + ("validation", "test")
    with pytest.raises(Stopped):
        search(replace(data, splits=splits), RANDOM, tmp_path)
    assert seen == [({"00", "01", "02", "03", "06", "07", "08", "09"}, {"04", "10"})]


def test_a_trial_that_diverges_loses_and_the_search_goes_on(data, tmp_path, monkeypatch, scored_by_rate):
    stand_in = module.cross_fit

    def cross_fit(data, folds, settings, **others):
        if settings.fit.learning_rate > 0.5:
            raise TrainingDiverged("epoch 1: the loss is nan")
        return stand_in(data, folds, settings, **others)

    monkeypatch.setattr(module, "cross_fit", cross_fit)
    both = SearchSettings("grid", {"fit.learning_rate": [0.9, 0.1]}, base=BASE)
    result = search(data, both, tmp_path / "both")
    assert [trial.outcome for trial in result.trials] == ["diverged", "scored"]
    assert result.table().endswith("2 trials: 1 scored, 0 pruned, 1 diverged")
    with pytest.raises(ModelError, match=r"all 1 trials diverged: try lower values of fit\.learning_rate"):
        search(data, replace(both, trials=1), tmp_path / "one")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampler": "annealing"}, "sampler='annealing': expected one of grid, random, tpe"),
        ({"trials": None}, "trials=None: expected a whole number from 1"),
        ({"trials": 0}, "trials=0: expected a whole number from 1"),
        ({"seed": -1}, "seed=-1"),
        ({"space": {}}, "names one setting or more"),
        ({"space": ["fit.epochs"]}, "names one setting or more"),
        ({"space": {"fit.momentum": [0.9]}}, r"space, fit\.momentum: no setting that can be searched; .*fit\.epochs"),
        ({"space": {"n_folds": [2, 3]}}, "space, n_folds: no setting"),
        ({"space": {"fit.epochs": []}}, r"space, fit\.epochs: \[\], expected a list of values or a range"),
        ({"space": {"fit.epochs": 3}}, r"space, fit\.epochs: 3, expected a list"),
        ({"space": {"fit.epochs": [3, 3]}}, r"space, fit\.epochs: .*each value once"),
        ({"space": {"fit.epochs": [3, 0]}}, r"space, fit\.epochs: .*epochs=0: expected a whole number"),
        ({"space": {"network.width": {"low": 2, "high": 4096}}}, r"space, network\.width: .*width=4096: expected"),
        ({"space": {"network.width": {"low": 2.5, "high": 8}}}, r"space, network\.width: .*width=2\.5"),
        ({"space": {"network.dropout": {"low": "a", "high": 0.5}}}, r"space, network\.dropout: .*dropout='a'"),
        ({"space": {"network.dropout": {"low": 0.0, "high": float("nan")}}}, "dropout=nan"),
        ({"space": {"network.dropout": {"low": 0.5, "high": 0.1}}}, "expected low below high"),
        ({"space": {"network.dropout": {"low": 0.0, "high": 0.1, "log": True}}}, "above 0 where log is true"),
        ({"space": {"network.dropout": {"low": 0.0}}}, "expected low and high, and log"),
        ({"space": {"network.dropout": {"low": 0.0, "high": 0.1, "step": 2}}}, "expected low and high, and log"),
        ({"space": {"network.dropout": {"low": 0.0, "high": 0.1, "log": 1}}}, "log as true or false"),
        ({"space": {"fit.mask": {"low": 0, "high": 1}}}, r"space, fit\.mask: is no number"),
        ({"space": {"members": {"low": 0, "high": 1}}}, "space, members: is no number"),
        ({"space": {"network.branches": [["musicnn", "lyrics"]]}}, r"space, network\.branches: .*lyrics"),
        ({"space": {"members": [[{"kernel": 1}]]}}, "space, members: .*unknown settings kernel"),
        ({"sampler": "grid"}, r"space, fit\.learning_rate: a grid needs a list of values, not a range"),
        (
            {
                "sampler": "grid",
                "trials": None,
                "space": {"fit.epochs": list(range(1, 202)), "fit.patience": list(range(1, 52))},
            },
            "a grid of 10251 combinations",
        ),
    ],
)
def test_what_cannot_be_searched_is_named_before_any_training(changes, message):
    with pytest.raises(ModelError, match=message):
        replace(RANDOM, **changes)


def test_another_search_in_the_same_folder_is_refused(data, tmp_path, scored_by_rate):
    search(data, RANDOM, tmp_path)
    for other in (replace(RANDOM, seed=2), replace(RANDOM, base=replace(BASE, seed=3))):
        with pytest.raises(ModelError, match="a search of other settings or recordings; give another folder"):
            search(data, other, tmp_path)
    with pytest.raises(ModelError, match="a search of other settings or recordings"):
        search(data.select(np.arange(len(data) - 1)), RANDOM, tmp_path)


def test_a_damaged_study_is_named(data, tmp_path):
    (tmp_path / "study.log").write_text("no study\nat all\n")
    with pytest.raises(ModelError, match=r"study\.log: no search can be read there .*; remove it to begin anew"):
        search(data, RANDOM, tmp_path)


def test_settings_are_read_from_a_file(tmp_path):
    path = tmp_path / "space.json"
    path.write_text(
        json.dumps({"sampler": "tpe", "trials": 9, "space": {"fit.epochs": [1, 2]}, "base": {"fit": {"mixup": 0.0}}})
    )
    found = read_search(path)
    assert (found.sampler, found.trials, found.n_trials) == ("tpe", 9, 9)
    assert found.base.fit.mixup == 0.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no settings can be read there"),
        ("[]", "got list, expected an object of sampler, space"),
        ('{"space": {"fit.epochs": [1]}}', "got space, expected"),
        ('{"sampler": "grid", "space": {"fit.epochs": [1]}, "epochs": 3}', "got epochs, sampler, space, expected"),
        ('{"sampler": "grid", "space": {"fit.epochs": [1]}, "base": {"fit": {"speed": 1}}}', "unknown settings speed"),
    ],
)
def test_a_file_that_is_no_search_is_refused(tmp_path, text, message):
    path = tmp_path / "space.json"
    path.write_text(text)
    with pytest.raises(ModelError, match=message):
        read_search(path)


def test_the_command_hears_the_corpus_searches_and_prints_the_best(data, tmp_path, monkeypatch, capsys, scored_by_rate):
    asked = []

    class Sources:
        def __init__(self, settings, progress):
            asked.append(settings)
            self.data = data

    monkeypatch.setattr(module, "read_and_hear", Sources)
    space = tmp_path / "space.json"
    space.write_text(json.dumps({"sampler": "grid", "space": {"fit.learning_rate": [0.1, 0.01]}}))
    out = tmp_path / "out"
    main(["--data", "corpus", "--layout", "gtzan", "--space", str(space), "--out", str(out)])
    assert (asked[0].layout, [str(folder) for folder in asked[0].data]) == ("gtzan", ["corpus"])
    printed = capsys.readouterr().out
    assert "trial 2 of 2, fold 4 of 4" in printed
    assert f"train with --config {out / 'best.json'}" in printed
    assert read_committee(out / "best.json").fit.learning_rate == 0.01
