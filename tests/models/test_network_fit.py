"""A fitting learns, goes on where it was stopped to the same bits, and refuses what it cannot go on from."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import models.network_fit as module
from models.errors import ModelError
from models.hybrid_input import BRANCHES, HybridInput
from models.hybrid_network import ByWindow, NetworkSettings, build
from models.network_fit import CHECKPOINT_FILE, FIGURES, Fit, FitSettings, Labelled, fit, logits_of
from models.tag_scale import TagScale
from models.tensorflow_runtime import keras
from tests.support.hybrid_inputs import hybrid_input, labelled

TINY = NetworkSettings(branches=("musicnn", "attributes"), width=4)  # convolutions take seconds to be traced
WHOLE = NetworkSettings(width=4, filters=1)
SHORT = FitSettings(epochs=4, batch_size=8, windows=(1, 2))
N_GENRES = 2
BLANK = hybrid_input(np.random.default_rng(0)).attributes


class Stopped(Exception):
    """What a caller raises who wants no more."""


@pytest.fixture(scope="module")
def training() -> Labelled:
    """Genres of unequal size, and recordings with all choices of views."""
    rng = np.random.default_rng(0)
    choices = [BRANCHES, ("musicnn",), ("musicnn", "wavelet"), ("musicnn", "attributes")]
    labels = np.array([0] * 9 + [1] * 5)
    return Labelled(
        [hybrid_input(rng, n_windows=1 + i % 4, views=choices[i % 4], genre=k) for i, k in enumerate(labels)], labels
    )


@pytest.fixture(scope="module")
def validation() -> Labelled:
    return labelled(np.random.default_rng(1), per_genre=3)


@pytest.fixture(scope="module")
def scale(training) -> TagScale:
    return TagScale.of(training.recordings)


def new_network(settings: NetworkSettings = TINY) -> keras.Model:
    """The same weights in every call."""
    keras.utils.set_random_seed(1)
    return build(settings, N_GENRES)


def stop_after(epoch: int):
    def progress(n_done: int, figures: dict[str, float]) -> None:
        if n_done == epoch:
            raise Stopped

    return progress


def weights(network: keras.Model) -> list[np.ndarray]:
    return [variable.numpy() for variable in network.variables if "seed" not in variable.name]


def assert_same(one: keras.Model, other: keras.Model) -> None:
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """Where the undisturbed fits write: each its checkpoint, and its figures for TensorBoard."""
    return tmp_path_factory.mktemp("undisturbed")


@pytest.fixture(scope="module")
def undisturbed(training, validation, scale, kept) -> dict[str, tuple[keras.Model, Fit]]:
    """A fit that nobody stops, without and with early stopping."""
    found = {}
    for name, held_out in (("alone", None), ("stopping", validation)):
        network = new_network()
        options = {"scale": scale, "branches": TINY.branches, "settings": SHORT, "seed": 3}
        folders = {"checkpoints": kept / name / "new" / "folder", "logs": kept / name / "logs"}
        found[name] = network, fit(network, training, held_out, **options, **folders)
    return found


@pytest.fixture(scope="module")
def stopped(training, scale, tmp_path_factory) -> Path:
    """Folder of the checkpoint of a fit that was stopped after an epoch: for reading, or to be copied."""
    folder = tmp_path_factory.mktemp("stopped")
    options = {"scale": scale, "branches": TINY.branches, "settings": SHORT, "seed": 3, "checkpoints": folder}
    with pytest.raises(Stopped):
        fit(new_network(), training, None, progress=stop_after(1), **options)
    return folder


@pytest.mark.parametrize("branch", BRANCHES)
def test_each_branch_by_itself_learns_what_its_view_tells(branch):
    rng = np.random.default_rng(4)
    training, unheard = (labelled(rng, per_genre=16, told_by=(branch,)) for _ in range(2))
    scale = TagScale.of(training.recordings)
    network = new_network(NetworkSettings(branches=(branch,), width=8, filters=2, dropout=0.2))
    settings = FitSettings(epochs=12, batch_size=8, windows=(1, 2), learning_rate=1e-2)
    fitted = fit(network, training, None, scale=scale, branches=(branch,), settings=settings)
    assert fitted.history["loss"][-1] < fitted.history["loss"][0]
    logits = logits_of(network, unheard.recordings, scale=scale, branches=(branch,))
    assert (logits.argmax(axis=1) == unheard.labels).mean() == 1.0


def test_what_no_view_tells_is_not_learned():
    rng = np.random.default_rng(5)
    training, unheard = (labelled(rng, per_genre=16, told_by=("attributes",)) for _ in range(2))
    scale = TagScale.of(training.recordings)
    network = new_network(NetworkSettings(branches=("musicnn",), width=8))
    fit(network, training, None, scale=scale, branches=("musicnn",), settings=replace(SHORT, epochs=8))
    right = logits_of(network, unheard.recordings, scale=scale, branches=("musicnn",)).argmax(axis=1) == unheard.labels
    assert 0.2 < right.mean() < 0.8


@pytest.mark.parametrize("name", ["alone", "stopping"])
def test_a_fit_that_was_stopped_twice_goes_on_to_the_same_bits(
    name, training, validation, scale, undisturbed, tmp_path
):
    held_out = validation if name == "stopping" else None
    options = {"scale": scale, "branches": TINY.branches, "settings": SHORT, "seed": 3, "checkpoints": tmp_path}
    told: list[int] = []

    def note_and_stop(n_done: int, figures: dict[str, float]) -> None:
        told.append(n_done)
        if n_done in (1, 3):
            raise Stopped

    for network in (new_network(), build(TINY, N_GENRES)):
        with pytest.raises(Stopped):
            fit(network, training, held_out, progress=note_and_stop, **options)
    network = build(TINY, N_GENRES)  # of other weights: those of the checkpoint count
    fitted = fit(network, training, held_out, progress=note_and_stop, **options)
    assert told == [1, 2, 3, 4]
    assert fitted == undisturbed[name][1]
    assert_same(network, undisturbed[name][0])


def test_a_fit_that_is_done_is_not_done_again(training, scale, undisturbed, kept):
    folder = kept / "alone" / "new" / "folder"
    options = {"scale": scale, "branches": TINY.branches, "settings": SHORT, "seed": 3, "checkpoints": folder}
    network = build(TINY, N_GENRES)
    fitted = fit(network, training, None, progress=stop_after(SHORT.epochs), **options)
    assert fitted == undisturbed["alone"][1]
    assert_same(network, undisturbed["alone"][0])


IN_A_PROCESS_OF_ITS_OWN = """
import sys
from pathlib import Path
from tests.models.test_network_fit import fit_of_all_views, tell_and_wait_at_the_end
fit_of_all_views(Path(sys.argv[1]), progress=tell_and_wait_at_the_end)
"""
OF_ALL_VIEWS = FitSettings(epochs=6, batch_size=8, windows=(1,))


def fit_of_all_views(checkpoints: Path | None, **options) -> tuple[keras.Model, Fit]:
    data = labelled(np.random.default_rng(6), per_genre=12)
    network = new_network(WHOLE)
    options |= {"settings": OF_ALL_VIEWS, "seed": 5, "checkpoints": checkpoints}
    return network, fit(network, data, None, scale=TagScale.of(data.recordings), **options)


def tell_and_wait_at_the_end(n_done: int, figures: dict[str, float]) -> None:
    """However late the process is killed, an epoch is left to be done: it waits at the last but one."""
    print(n_done, flush=True)
    if n_done == OF_ALL_VIEWS.epochs - 1:
        time.sleep(120)


def test_a_fit_whose_process_is_killed_goes_on_to_the_same_bits(tmp_path):
    command = [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."}) as process:
        for line in process.stdout:
            if int(line) == 3:
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.read()
    assert process.wait() == -signal.SIGKILL
    told: list[int] = []
    network, fitted = fit_of_all_views(tmp_path, progress=lambda n_done, _: told.append(n_done))
    assert 4 <= told[0] <= told[-1] == OF_ALL_VIEWS.epochs
    expected, whole = fit_of_all_views(None)
    assert fitted == whole
    assert_same(network, expected)


@pytest.mark.parametrize(
    "change",
    [
        {"settings": replace(SHORT, learning_rate=1e-3)},
        {"settings": replace(SHORT, epochs=5)},
        {"seed": 4},
        {"branches": ("musicnn",)},
        {"labels": "flipped"},
        {"network": replace(TINY, width=5)},
        {"network": replace(TINY, branches=("musicnn",))},
    ],
    ids=str,
)
def test_a_checkpoint_of_another_training_is_refused(change, training, scale, stopped):
    options = {"scale": scale, "branches": TINY.branches, "settings": SHORT, "seed": 3, "checkpoints": stopped}
    before = (stopped / CHECKPOINT_FILE).read_bytes()
    network = new_network(change.pop("network", TINY))
    if change.pop("labels", None):
        training = Labelled(training.recordings, 1 - training.labels)
    words = rf"{CHECKPOINT_FILE}: of another training .*give another folder, or remove it to begin anew"
    with pytest.raises(ModelError, match=words):
        fit(network, training, None, **options | change)
    assert (stopped / CHECKPOINT_FILE).read_bytes() == before


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def with_a_changed_byte(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 255]) + data[len(data) // 2 + 1 :]


@pytest.mark.parametrize(
    "damage",
    [cut, with_a_changed_byte, lambda data: b"", lambda data: b"no archive"],
    ids=["cut", "byte", "empty", "text"],
)
def test_a_damaged_checkpoint_says_what_to_do(damage, training, scale, stopped, tmp_path):
    options = {"scale": scale, "branches": TINY.branches, "settings": SHORT, "seed": 3, "checkpoints": tmp_path}
    (tmp_path / CHECKPOINT_FILE).write_bytes(damage((stopped / CHECKPOINT_FILE).read_bytes()))
    with pytest.raises(ModelError, match=rf"{CHECKPOINT_FILE}: no checkpoint can be read there .*remove it"):
        fit(new_network(), training, None, **options)


@pytest.mark.parametrize("left_out", ["state", "now/0", "best/1"])
def test_a_checkpoint_that_lacks_an_array_is_damaged(left_out, training, scale, stopped, tmp_path):
    options = {"scale": scale, "branches": TINY.branches, "settings": SHORT, "seed": 3, "checkpoints": tmp_path}
    with np.load(stopped / CHECKPOINT_FILE) as archive:
        assert left_out in archive.files
        arrays = {name: archive[name] for name in archive.files if name != left_out}
    np.savez(tmp_path / CHECKPOINT_FILE, **arrays)
    with pytest.raises(ModelError, match="remove it to begin anew"):
        fit(new_network(), training, None, **options)


@pytest.mark.usefixtures("undisturbed")
def test_nothing_but_the_checkpoint_is_left_in_its_folder(kept):
    assert [path.name for path in (kept / "alone" / "new" / "folder").iterdir()] == [CHECKPOINT_FILE]


def test_early_stopping_ends_when_nothing_gets_better_and_keeps_the_best(training, scale):
    rng = np.random.default_rng(7)
    wrong = labelled(rng, per_genre=4)
    wrong = Labelled(wrong.recordings, 1 - wrong.labels)  # the better it learns, the worse this becomes
    right = labelled(rng, per_genre=8)
    settings = FitSettings(epochs=30, batch_size=8, windows=(1,), learning_rate=1e-2, patience=3)
    epochs: list[list[np.ndarray]] = []
    network = new_network()
    fitted = fit(
        network,
        right,
        wrong,
        scale=TagScale.of(right.recordings),
        branches=TINY.branches,
        settings=settings,
        progress=lambda n_done, _: epochs.append(weights(network)),
    )
    losses = fitted.history["val_loss"]
    assert fitted.best_epoch == int(np.argmin(losses)) + 1
    assert len(losses) == fitted.best_epoch + settings.patience < settings.epochs
    for kept, best in zip(weights(network), epochs[fitted.best_epoch - 1], strict=True):
        np.testing.assert_array_equal(kept, best)


def test_without_validation_all_epochs_are_run_and_the_last_weights_kept(undisturbed):
    fitted = undisturbed["alone"][1]
    assert fitted.best_epoch == SHORT.epochs
    assert {name: len(values) for name, values in fitted.history.items()} == {"loss": 4, "accuracy": 4}
    assert set(undisturbed["stopping"][1].history) == set(FIGURES)


def test_another_seed_is_another_fit_and_the_same_seed_is_the_same(training, scale, undisturbed):
    again, other = new_network(), new_network()
    assert (
        fit(again, training, None, scale=scale, branches=TINY.branches, settings=SHORT, seed=3)
        == undisturbed["alone"][1]
    )
    assert_same(again, undisturbed["alone"][0])
    assert (
        fit(other, training, None, scale=scale, branches=TINY.branches, settings=SHORT, seed=4)
        != undisturbed["alone"][1]
    )


def with_attributes(value: float) -> HybridInput:
    return replace(hybrid_input(np.random.default_rng(9)), attributes=np.full_like(BLANK, value))


def test_a_loss_that_is_no_number_ends_the_fit_and_leaves_no_checkpoint_of_it(training, scale, tmp_path):
    data = Labelled([with_attributes(1e38)] * len(training), training.labels)
    options = {"scale": scale, "branches": TINY.branches, "settings": SHORT, "checkpoints": tmp_path}
    with pytest.raises(ModelError, match=r"epoch 1: the loss is (nan|inf); try a smaller learning_rate"):
        fit(new_network(), data, None, **options)
    assert not (tmp_path / CHECKPOINT_FILE).exists()


def test_a_validation_loss_that_is_no_number_ends_the_fit(training, scale):
    broken = Labelled([with_attributes(np.nan)], np.array([0]))
    options = {"scale": scale, "branches": TINY.branches, "settings": SHORT}
    with pytest.raises(ModelError, match="epoch 1: the val_loss is nan"):
        fit(new_network(), training, broken, **options)


def test_no_recordings_are_refused(scale):
    with pytest.raises(ModelError, match="no recordings to learn from"):
        fit(new_network(), Labelled([], np.array([], int)), None, scale=scale, branches=TINY.branches)


def test_tensorboard_reads_the_figures_of_the_history(undisturbed, kept):
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(kept / "stopping" / "logs"), size_guidance={TENSORS: 0}).Reload()
    assert set(events.Tags()["tensors"]) == set(FIGURES)
    for name, values in undisturbed["stopping"][1].history.items():
        found = events.Tensors(name)
        assert [event.step for event in found] == list(range(1, len(values) + 1))
        np.testing.assert_allclose([float(make_ndarray(event.tensor_proto)) for event in found], values, rtol=1e-6)


class Watched:
    """Stands between fit and collate: notes what a batch shows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[list[HybridInput]] = []
        collate = module.collate

        def noted(recordings, scale, *, branches):
            self.batches.append(list(recordings))
            return collate(recordings, scale, branches=branches)

        monkeypatch.setattr(module, "collate", noted)


@pytest.mark.parametrize(("balance", "shown"), [("sampling", {0: 9, 1: 9}), ("none", {0: 9, 1: 5})])
def test_smaller_genres_are_shown_as_often_as_the_largest(balance, shown, training, scale, monkeypatch):
    watched = Watched(monkeypatch)
    # One batch holds the whole epoch, so that none is filled up.
    settings = replace(SHORT, epochs=1, balance=balance, batch_size=sum(shown.values()))
    marked = [replace(recording, attributes=np.full_like(BLANK, i)) for i, recording in enumerate(training.recordings)]
    fit(new_network(), Labelled(marked, training.labels), None, scale=scale, branches=TINY.branches, settings=settings)
    (batch,) = watched.batches
    seen = Counter(int(recording.attributes[0]) for recording in batch)
    assert Counter(training.labels[i] for i in seen.elements()) == shown
    assert set(seen) == set(range(14))  # everybody comes
    assert max(seen.values()) <= 2


def test_batches_show_as_many_windows_as_the_settings_say(training, scale, monkeypatch):
    watched = Watched(monkeypatch)
    fit(
        new_network(),
        training,
        None,
        scale=scale,
        branches=TINY.branches,
        settings=replace(SHORT, epochs=6, windows=(1, 5)),
    )
    lengths = [{len(recording) for recording in batch} for batch in watched.batches]
    assert all(len(each) == 1 for each in lengths)
    assert set.union(*lengths) == {1, 5}
    assert {len(batch) for batch in watched.batches} == {SHORT.batch_size}


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.9])
def test_dropping_views_leaves_every_recording_at_least_one(chance):
    rng = np.random.default_rng(8)
    before = (rng.random((5000, 3)) < 0.7).astype(np.float32)
    before = before[before.any(axis=1)]
    after = before.copy()
    module._drop_views(after, chance, rng)
    assert (after <= before).all()
    assert after.any(axis=1).all()
    whole = before.all(axis=1)
    # Of three views all fall with chance^3; then all stay.
    expected = 1 - chance + chance**3
    assert after[whole].mean() == pytest.approx(expected, abs=0.03)


def drawn_batch(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    views = [BRANCHES, ("musicnn",), ("musicnn", "attributes")]
    recordings = [hybrid_input(rng, n_windows=2, views=views[i % 3]) for i in range(n)]
    return module.collate(recordings, TagScale.of(recordings))


def test_mixed_targets_are_distributions_and_follow_the_mixed_views(rng):
    batch = drawn_batch(rng, 30)
    before = {name: array.copy() for name, array in batch.items()}
    targets = np.eye(30, dtype=np.float32)
    mixed = module._mix(batch, targets, 0.4, rng)
    np.testing.assert_allclose(mixed.sum(axis=1), 1, atol=1e-6)
    assert mixed.min() >= 0
    assert (np.diag(mixed) >= 0.5).all()  # a recording stays the larger part
    for name in ("tag_features", "scalogram", "attributes"):
        expected = np.tensordot(mixed, before[name], axes=1)  # what the targets say was mixed
        np.testing.assert_allclose(batch[name], expected, atol=1e-4)
    np.testing.assert_array_equal(batch["mask"], before["mask"])


def test_a_view_that_only_one_of_two_has_is_dropped_from_their_mixture(rng):
    batch = drawn_batch(rng, 30)
    before = batch["present"].copy()
    mixed = module._mix(batch, np.eye(30, dtype=np.float32), 0.4, rng)
    for row in range(30):
        partners = np.flatnonzero((mixed[row] > 0) & (np.arange(30) != row))
        both = before[[row, *partners]].min(axis=0)
        np.testing.assert_array_equal(batch["present"][row], both)


def test_recordings_that_share_no_view_are_not_mixed(rng):
    batch = drawn_batch(rng, 2)
    batch["present"][:] = [[1, 0, 0], [0, 0, 1]]
    before = {name: array.copy() for name, array in batch.items()}
    for _ in range(10):
        np.testing.assert_array_equal(module._mix(batch, np.eye(2, dtype=np.float32), 0.4, rng), np.eye(2))
    for name, array in before.items():
        np.testing.assert_allclose(batch[name], array, atol=1e-5)


def seeds_of_dropout(network: keras.Model) -> list[tuple[int, int]]:
    """Seed and counter of each layer that drops."""
    found = []
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout):
            found.append(tuple(layer.seed_generator.state.numpy().tolist()))
        elif isinstance(layer, keras.Model | ByWindow):
            found += seeds_of_dropout(getattr(layer, "network", layer))
    return found


def test_no_two_dropouts_and_no_two_steps_draw_the_same_numbers(training, scale):
    n_steps = 3  # twice nine recordings in batches of eight
    network = new_network()
    after: list[list[tuple[int, int]]] = []
    fit(
        network,
        training,
        None,
        scale=scale,
        branches=TINY.branches,
        settings=replace(SHORT, epochs=3),
        progress=lambda n_done, _: after.append(seeds_of_dropout(network)),
    )
    for epoch, states in enumerate(after, start=1):
        assert len({seed for seed, _ in states}) == len(states) == 5
        assert {counter for _, counter in states} == {epoch * n_steps}


def test_logits_of_recordings_do_not_depend_on_their_neighbours(undisturbed, scale, rng):
    network, _ = undisturbed["alone"]
    recordings = [hybrid_input(rng, n_windows=n) for n in (1, 19, 2, 2, 5)]
    together = logits_of(network, recordings, scale=scale, branches=TINY.branches)
    assert (together.shape, together.dtype) == ((5, N_GENRES), np.float64)
    for batch_windows in (1, 8, 40):
        np.testing.assert_allclose(
            logits_of(network, recordings, scale=scale, branches=TINY.branches, batch_windows=batch_windows),
            together,
            atol=1e-5,
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 0}, "epochs=0: expected a whole number from 1 to 10000"),
        ({"epochs": 2.5}, r"epochs=2\.5: expected a whole number"),
        ({"epochs": True}, "epochs=True"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 8.0}, "batch_size=8.0: expected a whole number"),
        ({"batch_size": "8"}, "batch_size='8'"),
        ({"learning_rate": 0.0}, "learning_rate=0.0: expected 1e-07 to 1"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"learning_rate": None}, "learning_rate=None"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1"),
        ({"label_smoothing": 1.0}, "label_smoothing=1.0: expected 0 to 0.9"),
        ({"mixup": -1.0}, "mixup=-1.0"),
        ({"modality_dropout": 1.0}, "modality_dropout=1.0"),
        ({"branch_loss": -1}, "branch_loss=-1"),
        ({"gain_db": 41.0}, "gain_db=41.0"),
        ({"patience": 0}, "patience=0"),
        ({"windows": ()}, r"windows=\(\): expected numbers from 1 to 64"),
        ({"windows": (0,)}, r"windows=\(0,\)"),
        ({"windows": (65,)}, r"windows=\(65,\)"),
        ({"windows": (1.5,)}, r"windows=\(1\.5,\)"),
        ({"windows": 3}, "windows=3"),
        ({"windows": (True,)}, "windows="),
        ({"mask": "no"}, "mask='no': expected True or False"),
        ({"balance": "loss"}, "balance='loss': expected sampling or none"),
    ],
)
def test_bad_settings_are_refused_by_name(change, words):
    with pytest.raises(ModelError, match=words):
        FitSettings(**change)


def test_a_checkpoint_says_in_words_what_it_holds(undisturbed, kept):
    with np.load(kept / "alone" / "new" / "folder" / CHECKPOINT_FILE) as archive:
        state = json.loads(str(archive["state"]))
    assert state["history"] == undisturbed["alone"][1].history
    assert state["best_epoch"] == SHORT.epochs
