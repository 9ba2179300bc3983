"""Search for the best settings of a hybrid classifier: `python -m models.search_classifier --data FOLDER --space FILE`.

Each trial is one choice of settings, scored by cross-validation on the training split, artists kept on one side. A
trial that is clearly worse than the others after some folds is given up (pruned). Stopped at any moment and called
again, a search goes on where it was, and draws the same trials as one that is left alone.

References
----------
Akiba et al., "Optuna: a next-generation hyperparameter optimization framework", KDD 2019.
Bergstra et al., "Algorithms for hyper-parameter optimization", NIPS 2011 (tree-structured Parzen estimator).
"""

import argparse
import csv
import hashlib
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from datasets.splits import split_checksum
from models.cross_fit import Answers, CommitteeSettings, cooled_log_loss, cross_fit, cross_validated
from models.errors import ModelError, TrainingDiverged
from models.hybrid_network import NetworkSettings
from models.network_fit import FitSettings
from models.setting_ranges import check_ranges
from models.settings_file import read_fields
from models.train_classifier import Progress, Settings, committee_of, read_and_hear
from models.training_data import TrainingData

STUDY_FILE, WORK_FOLDER = "study.log", "work"
BEST_FILE, TRIALS_FILE = "best.json", "trials.csv"
SAMPLERS = ("grid", "random", "tpe")
MAX_TRIALS = 10_000
STARTUP_TRIALS = 5  # scored in full before any is pruned
TABLE_ROWS = 10
# What says how a trial is scored (`n_folds`, `seed`) or does not change its score (`coverage`) is not searched.
SEARCHED = (
    *(f"network.{each.name}" for each in fields(NetworkSettings)),
    *(f"fit.{each.name}" for each in fields(FitSettings)),
    "members",
)


@dataclass(frozen=True)
class SearchSettings:
    """What is searched, and how.

    Attributes
    ----------
    sampler : "grid", "random" or "tpe"
        Every combination; combinations drawn at random; or drawn by what has been good so far.
    space : mapping of str to list or dict
        By name, of `SEARCHED`: a list of values to choose from, or a range `{"low": 1e-4, "high": 1e-2, "log": True}`.
        A grid takes lists only.
    trials : int, optional
        Trials in all, pruned ones included. A grid may leave it out: it ends with its last combination.
    seed : int
        Of what is drawn.
    base : CommitteeSettings
        Everything that is not searched; its folds score the trials.
    """

    sampler: Literal["grid", "random", "tpe"]
    space: Mapping[str, Any]
    trials: int | None = None
    seed: int = 0
    base: CommitteeSettings = field(default_factory=CommitteeSettings)

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise ModelError(f"sampler={self.sampler!r}: expected one of {', '.join(SAMPLERS)}")
        check_ranges(self, seed=(0, 2**31))
        distributions = self.distributions()
        if self.sampler == "grid":
            for name, distribution in distributions.items():
                if not isinstance(distribution, CategoricalDistribution):
                    raise ModelError(f"space, {name}: a grid needs a list of values, not a range")
        if self.trials is not None or self.sampler != "grid":
            check_ranges(self, trials=(1, MAX_TRIALS))
        elif self.n_trials > MAX_TRIALS:
            raise ModelError(f"a grid of {self.n_trials} combinations: expected {MAX_TRIALS} at most, or say `trials`")

    def distributions(self) -> dict[str, BaseDistribution]:
        """What each setting is drawn from; values of a list stand in it as JSON text."""
        if not isinstance(self.space, Mapping) or not self.space:
            raise ModelError(f"space={self.space!r}: expected an object that names one setting or more")
        return {name: _distribution(name, values, self.base) for name, values in self.space.items()}

    @property
    def n_trials(self) -> int:
        """Trials that the search ends with."""
        if self.sampler != "grid":
            assert self.trials is not None
            return self.trials
        n_points = math.prod(len(values) for values in self.space.values())
        return n_points if self.trials is None else min(self.trials, n_points)


@dataclass(frozen=True)
class Trial:
    """One choice of settings and how good it was.

    Attributes
    ----------
    number : int
        From 0, in the order of the search.
    outcome : "scored", "pruned" or "diverged"
        Whether it was good enough to be scored on all folds.
    values : dict
        What was searched, by name.
    n_folds : int
        Folds that it was fitted on.
    log_loss, accuracy : float, optional
        Cross-validated, of scored trials.
    """

    number: int
    outcome: str
    values: dict[str, Any]
    n_folds: int
    log_loss: float | None = None
    accuracy: float | None = None


@dataclass(frozen=True)
class SearchResult:
    """The best settings, and all trials by number."""

    settings: CommitteeSettings
    best: Trial
    trials: tuple[Trial, ...]

    def table(self, n_rows: int = TABLE_ROWS) -> str:
        """The best trials, one a line."""
        names = list(self.best.values)
        rows = [["trial", "log loss", "accuracy", *names]]
        scored = sorted((each for each in self.trials if each.log_loss is not None), key=_rank)
        for trial in scored[:n_rows]:
            values = [_short(trial.values[name]) for name in names]
            rows.append([str(trial.number), f"{trial.log_loss:.4f}", f"{trial.accuracy:.4f}", *values])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        n_pruned = sum(each.outcome == "pruned" for each in self.trials)
        n_diverged = sum(each.outcome == "diverged" for each in self.trials)
        counts = f"{len(self.trials)} trials: {len(scored)} scored, {n_pruned} pruned, {n_diverged} diverged"
        return "\n".join([*lines, counts])


def search(
    data: TrainingData, search_settings: SearchSettings, out: Path, progress: Progress | None = None
) -> SearchResult:
    """Try settings, and write the best ones to `out/best.json` and all trials to `out/trials.csv`.

    Parameters
    ----------
    data : TrainingData
        Heard once. A test split is never looked at; a validation split decides when each fitting stops.
    search_settings : SearchSettings
        What is tried.
    out : Path
        Folder of the results and of what a search that was stopped goes on from.
    progress : callable, optional
        Called after each epoch with what is going on, in words, and the share that is done. What it raises ends the
        work.

    Returns
    -------
    SearchResult
        As written.

    Raises
    ------
    DatasetError, ModelError
        If the data is too small, the folder is of another search, or every trial diverged.
    """
    learned, validation = data.of_split("", "train"), data.of_split("validation")
    folds = learned.folds(search_settings.base.n_folds, seed=search_settings.base.seed)
    out.mkdir(parents=True, exist_ok=True)
    study = _study(out / STUDY_FILE, _fingerprint(search_settings, learned, folds, validation))
    for interrupted in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(interrupted.number, state=TrialState.FAIL)  # drawn again below
    while (number := len(_finished(study))) < search_settings.n_trials:
        _try(study, number, learned, folds, validation, search_settings, out / WORK_FOLDER, progress)
    trials = tuple(_trial(number, each) for number, each in enumerate(_finished(study)))
    scored = [each for each in trials if each.outcome == "scored"]
    if not scored:
        raise ModelError(f"all {len(trials)} trials diverged: try lower values of fit.learning_rate")
    best = min(scored, key=_rank)
    shutil.rmtree(out / WORK_FOLDER, ignore_errors=True)
    result = SearchResult(_with_values(search_settings.base, best.values), best, trials)
    _write(result, out)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, hear the corpus, search, print the best trials."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of recordings")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--space", type=Path, required=True, help="JSON or TOML with the settings of the search")
    parser.add_argument("--taggrams", type=Path, default=argparse.SUPPRESS)
    for name in ("layout", "backbone"):
        parser.add_argument(f"--{name}", default=argparse.SUPPRESS)
    flags = vars(parser.parse_args(arguments))
    search_settings = read_search(flags.pop("space"))
    sources = Settings(data=tuple(flags.pop("data")), committee=search_settings.base, **flags)

    def tell(words: str, share: float) -> None:
        print(f"{share:4.0%}  {words}", flush=True)

    data = read_and_hear(sources, progress=tell).data
    result = search(data, search_settings, sources.out, tell)
    print(result.table())
    print(f"train with --config {sources.out / BEST_FILE}")


def read_search(path: Path) -> SearchSettings:
    """Settings of a search from a JSON or TOML file; `base` as `train_classifier.read_committee` takes it.

    Raises
    ------
    ModelError
        If the file cannot be read, or a setting is unknown or out of range; the message names it.
    """
    found = read_fields(path)
    names = [each.name for each in fields(SearchSettings)]
    if not isinstance(found, dict) or not {"sampler", "space"} <= set(found) <= set(names):
        shown = ", ".join(sorted(found)) if isinstance(found, dict) else type(found).__name__
        raise ModelError(f"{path}: got {shown or 'nothing'}, expected an object of {', '.join(names)}")
    base = committee_of(found.pop("base", {}), where=f"{path}, base")
    return SearchSettings(**found, base=base)


def _distribution(name: str, values: Any, base: CommitteeSettings) -> BaseDistribution:
    """What a setting is drawn from, once all that could be drawn is allowed."""
    if name not in SEARCHED:
        raise ModelError(f"space, {name}: no setting that can be searched; expected one of {', '.join(SEARCHED)}")
    if isinstance(values, dict):
        return _range(name, values, base)
    if not isinstance(values, list) or not values:
        raise ModelError(f"space, {name}: {values!r}, expected a list of values or a range with low and high")
    for value in values:
        _with_values(base, {name: value})
    texts = [json.dumps(value) for value in values]
    if len(set(texts)) != len(texts):
        raise ModelError(f"space, {name}: {values!r}, expected each value once")
    return CategoricalDistribution(texts)


def _range(name: str, values: dict[str, Any], base: CommitteeSettings) -> BaseDistribution:
    if not {"low", "high"} <= set(values) <= {"low", "high", "log"} or not isinstance(values.get("log", False), bool):
        raise ModelError(f"space, {name}: {values!r}, expected low and high, and log as true or false")
    part, _, setting = name.partition(".")
    usual = getattr(getattr(base, part), setting) if setting else None
    if isinstance(usual, bool) or not isinstance(usual, int | float):
        raise ModelError(f"space, {name}: is no number; expected a list of values, not a range")
    low, high, log = values["low"], values["high"], values.get("log", False)
    for value in (low, high):
        _with_values(base, {name: value})
    if not low < high or (log and low <= 0):
        raise ModelError(f"space, {name}: {values!r}, expected low below high, and above 0 where log is true")
    whole = isinstance(usual, int)
    return IntDistribution(low, high, log=log) if whole else FloatDistribution(float(low), float(high), log=log)


def _with_values(base: CommitteeSettings, values: Mapping[str, Any]) -> CommitteeSettings:
    """The settings with some of them replaced. Raises ModelError, with the name, if they are not allowed."""
    plain = json.loads(json.dumps(asdict(base)))
    for name, value in values.items():
        part, _, setting = name.partition(".")
        if setting:
            plain[part][setting] = value
        else:
            plain[part] = value
    try:
        return committee_of(plain, where="settings")
    except ModelError as error:
        raise ModelError(f"space, {', '.join(values)}: {error}") from error


def _study(path: Path, fingerprint: str) -> optuna.Study:
    """The study that a file holds, or a new one. Nothing in the file is pickled."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(path))),
            study_name="search",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS),
            load_if_exists=True,
        )
        found = study.user_attrs.get("fingerprint")
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path}: no search can be read there ({error}); remove it to begin anew") from error
    if found is None:
        study.set_user_attr("fingerprint", fingerprint)
    elif found != fingerprint:
        raise ModelError(
            f"{path}: a search of other settings or recordings; give another folder, or remove it to begin anew"
        )
    return study


def _fingerprint(
    search_settings: SearchSettings, learned: TrainingData, folds: np.ndarray, validation: TrainingData
) -> str:
    """What must be alike for a search to be gone on from; more trials may be asked for."""
    parts = [
        search_settings.sampler,
        search_settings.seed,
        dict(search_settings.space),
        asdict(search_settings.base),
        split_checksum(learned.ids, folds),
        split_checksum(validation.ids, validation.labels),
        learned.labels.tolist(),
        learned.genres,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _try(
    study: optuna.Study,
    number: int,
    learned: TrainingData,
    folds: np.ndarray,
    validation: TrainingData,
    search_settings: SearchSettings,
    work: Path,
    progress: Progress | None,
) -> None:
    """Draw the trial of a number, fit it fold by fold, and tell the study how good it was."""
    trial = _draw(study, number, search_settings)
    settings = _with_values(search_settings.base, _values(trial.params))
    losses: list[float] = []
    n_epochs = settings.n_folds * settings.fit.epochs

    def tell(fold: int, epoch: int, figures: dict[str, float]) -> None:
        if progress is not None:
            share = (fold * settings.fit.epochs + epoch) / n_epochs
            words = f"trial {number + 1} of {search_settings.n_trials}, fold {fold + 1} of {settings.n_folds}, "
            progress(f"{words}epoch {epoch}, loss {figures['loss']:.2f}", (number + share) / search_settings.n_trials)

    def after_fold(fold: int, answers: dict[int, Answers]) -> None:
        # Only a preview of the score: weights and temperatures of all voters are known when all folds are.
        longest = answers[max(answers)]
        losses.append(cooled_log_loss(longest.network, longest.labels))
        trial.report(float(np.mean(losses)), fold)
        if fold < settings.n_folds - 1 and trial.should_prune():
            raise optuna.TrialPruned

    own_work = work / f"trial-{number}"
    try:
        found = cross_fit(
            learned,
            folds,
            settings,
            validation=validation if len(validation) else None,
            work=own_work,
            progress=tell,
            after_fold=after_fold,
        )
    except (optuna.TrialPruned, TrainingDiverged) as reason:
        trial.set_user_attr("outcome", "pruned" if isinstance(reason, optuna.TrialPruned) else "diverged")
        study.tell(trial, state=TrialState.PRUNED)
    else:
        figures = cross_validated(found, settings, learned.genres).report()
        trial.set_user_attr("outcome", "scored")
        trial.set_user_attr("accuracy", float(figures["accuracy"]))
        study.tell(trial, abs(float(figures["log_loss"])))  # -0.0 where every answer was certain
    shutil.rmtree(own_work, ignore_errors=True)


def _draw(study: optuna.Study, number: int, search_settings: SearchSettings) -> optuna.Trial:
    """The trial of a number: it depends on the finished ones before it, and on nothing else."""
    distributions = search_settings.distributions()
    seed = int(np.random.SeedSequence([search_settings.seed, number]).generate_state(1)[0])
    study.sampler = (
        optuna.samplers.TPESampler(seed=seed)
        if search_settings.sampler == "tpe"
        else optuna.samplers.RandomSampler(seed=seed)
    )
    if search_settings.sampler == "grid" and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        # Optuna's own grid sampler counts a trial that was killed as visited.
        choices = {name: [json.dumps(value) for value in values] for name, values in search_settings.space.items()}
        places = np.unravel_index(number, [len(each) for each in choices.values()])
        point = {name: each[place] for (name, each), place in zip(choices.items(), places, strict=True)}
        study.enqueue_trial(point)
    return study.ask(distributions)


def _values(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: json.loads(value) if isinstance(value, str) else value for name, value in params.items()}


def _trial(number: int, trial: FrozenTrial) -> Trial:
    return Trial(
        number=number,
        outcome=trial.user_attrs["outcome"],
        values=_values(trial.params),
        n_folds=len(trial.intermediate_values),
        log_loss=trial.value if trial.state is TrialState.COMPLETE else None,
        accuracy=trial.user_attrs.get("accuracy"),
    )


def _rank(trial: Trial) -> tuple[float, int]:
    assert trial.log_loss is not None
    return trial.log_loss, trial.number


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)


def _write(result: SearchResult, out: Path) -> None:
    names = list(result.best.values)
    with (out / TRIALS_FILE).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["trial", "outcome", "n_folds", "log_loss", "accuracy", *names])
        for trial in result.trials:
            values = [json.dumps(trial.values[name]) for name in names]
            rows.writerow([trial.number, trial.outcome, trial.n_folds, trial.log_loss, trial.accuracy, *values])
    (out / BEST_FILE).write_text(json.dumps(asdict(result.settings), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
