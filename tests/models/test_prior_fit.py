"""A fitting learns, goes on to the same bits where it was stopped, and keeps to its time."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import models.prior_fit as module
from models.baselines.gru import build as build_gru
from models.code_stream import make_codes
from models.errors import ModelError
from models.prior import arrays_of, build
from models.prior_fit import CHECKPOINT_FILE, PriorFit, PriorFitSettings, bits_of, fit
from models.prior_inference import PriorInference
from models.prior_settings import GruSettings
from models.sampling import Sampling
from models.tensorflow_runtime import keras
from tests.support.small_priors import N_GENRES, SMALL, cyclic_clip

TINY = replace(SMALL, dropout=0.2, n_layers=1)  # each layer makes a fit longer to be compiled
SHORT = PriorFitSettings(epochs=3, steps=2, batch_size=2, crop_frames=12)
TRAINING = [cyclic_clip(genre, TINY) for genre in range(N_GENRES)]
VALIDATION = [cyclic_clip(genre, TINY, n_frames=30, split="validation") for genre in range(N_GENRES)]


class Stopped(Exception):
    """What a caller raises who wants no more."""


def new_network(seed: int = 1):
    keras.utils.set_random_seed(seed)
    return build(TINY)


def stop_after(epoch: int):
    def progress(n_done: int, figures: dict[str, float]) -> None:
        if n_done == epoch:
            raise Stopped

    return progress


def fitted(network, *, training=TRAINING, validation=VALIDATION, settings=SHORT, seed=3, **options):
    return fit(network, training, validation, codes=TINY, settings=settings, seed=seed, **options)


def assert_same(one, other) -> None:
    for a, b in zip(one.trainable_variables, other.trainable_variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """Folder of what the undisturbed fit wrote: its checkpoint, and its figures for TensorBoard."""
    return tmp_path_factory.mktemp("undisturbed")


@pytest.fixture(scope="module")
def undisturbed(kept) -> tuple[keras.Model, PriorFit]:
    network = new_network()
    return network, fitted(network, checkpoints=kept / "checkpoints", logs=kept / "logs")


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> tuple[PriorFit, Path]:
    """A fit whose time was up after an epoch, and the folder of its checkpoint: for reading, or to be copied."""
    folder = tmp_path_factory.mktemp("begun")
    return fitted(new_network(), checkpoints=folder, budget_s=0.0), folder


def test_cycles_are_learned_and_gone_on_with():
    """Codes count up by one, two or three, as the genre says; nothing else tells the first step's size."""
    settings = replace(SMALL, width=32, n_codebooks=2, dropout=0.0)
    clips = [cyclic_clip(genre, settings) for genre in range(N_GENRES)]
    keras.utils.set_random_seed(0)
    network = build(settings)
    how = PriorFitSettings(epochs=6, steps=25, batch_size=9, crop_frames=16, learning_rate=1e-2)
    found = fit(network, clips, clips, codes=settings, settings=how)
    assert found.finished
    assert found.history["bits"][0] > 1
    assert found.history["val_bits"][-1] < 0.5
    inference = PriorInference(arrays_of(network), settings)
    for genre, clip in enumerate(clips):
        prompt = clip.codes[:, :4].astype(int)
        made = make_codes(inference, [clip.plan[:40]], seeds=[0], sampling=Sampling(0.0), guidance=1.5, given=prompt)
        np.testing.assert_array_equal(made[0], clip.codes[:, :40], err_msg=f"genre {genre}")


def test_figures_are_in_bits_and_of_each_codebook(undisturbed):
    _, found = undisturbed
    assert set(found.history) == {"bits", "val_bits", "val_bits_0", "val_bits_1", "val_bits_2"}
    assert all(len(values) == SHORT.epochs for values in found.history.values())
    each = [found.history[f"val_bits_{k}"] for k in range(3)]
    np.testing.assert_allclose(found.history["val_bits"], np.mean(each, axis=0))


def test_a_network_that_knows_nothing_takes_all_bits():
    network = new_network()
    for variable in network.get_layer("logits").trainable_variables:
        variable.assign(np.zeros(variable.shape))
    bits = bits_of(network, VALIDATION, codes=TINY, crop_frames=12, most_crops=5, batch_size=2)
    np.testing.assert_allclose(bits, math.log2(TINY.n_codes), rtol=1e-5)


def test_bits_may_be_those_of_a_network_that_is_told_nothing(undisturbed):
    network, _ = undisturbed
    untold = [replace(clip, plan=clip.plan.nothing()) for clip in VALIDATION]
    options = {"codes": TINY, "crop_frames": 12, "most_crops": 9}
    told = bits_of(network, VALIDATION, **options)
    np.testing.assert_allclose(bits_of(network, VALIDATION, told=False, **options), bits_of(network, untold, **options))
    assert (bits_of(network, VALIDATION, told=False, **options) != told).all()


def test_a_fit_that_was_stopped_twice_goes_on_to_the_same_bits(undisturbed, begun, tmp_path):
    folder = shutil.copytree(begun[1], tmp_path / "again")
    told: list[int] = []

    def note_and_stop(n_done: int, figures: dict[str, float]) -> None:
        told.append(n_done)
        if told == [2]:
            raise Stopped

    with pytest.raises(Stopped):
        fitted(new_network(seed=9), checkpoints=folder, progress=note_and_stop)
    network = new_network(seed=8)  # of other weights: those of the checkpoint count
    found = fitted(network, checkpoints=folder, progress=note_and_stop)
    assert told == [2, 3]
    assert found == undisturbed[1]
    assert_same(network, undisturbed[0])


def test_time_that_is_up_ends_after_an_epoch_and_the_next_call_goes_on(undisturbed, begun, tmp_path):
    found, folder = begun[0], shutil.copytree(begun[1], tmp_path / "again")
    assert (len(found.history["bits"]), found.finished) == (1, False)
    network = new_network()
    for n_done in (2, 3):
        found = fitted(network, checkpoints=folder, budget_s=0.0)
        assert len(found.history["bits"]) == n_done
    assert found.finished
    assert found == undisturbed[1]
    assert_same(network, undisturbed[0])


def test_a_fit_that_is_done_is_not_done_again(undisturbed, kept):
    network = new_network(seed=9)
    assert fitted(network, checkpoints=kept / "checkpoints", progress=stop_after(3)) == undisturbed[1]
    assert_same(network, undisturbed[0])


def test_the_best_weights_are_kept():
    network = new_network()
    epochs: list[list[np.ndarray]] = []

    def note(n_done: int, figures: dict[str, float]) -> None:
        epochs.append([variable.numpy() for variable in network.trainable_variables])

    wrong = [replace(clip, codes=clip.codes[::-1]) for clip in VALIDATION]
    how = replace(SHORT, epochs=6, steps=10, learning_rate=3e-2)
    found = fitted(network, validation=wrong, settings=how, progress=note)
    assert found.best_epoch == int(np.argmin(found.history["val_bits"])) + 1
    for variable, best in zip(network.trainable_variables, epochs[found.best_epoch - 1], strict=True):
        np.testing.assert_array_equal(variable.numpy(), best)


@pytest.mark.parametrize(
    "change",
    [{"settings": replace(SHORT, steps=3)}, {"seed": 4}, {"training": TRAINING[:2]}],
    ids=["settings", "seed", "data"],
)
def test_a_checkpoint_of_another_training_is_refused(change, begun):
    folder = begun[1]
    before = (folder / CHECKPOINT_FILE).read_bytes()
    with pytest.raises(ModelError, match=rf"{CHECKPOINT_FILE}: of another training"):
        fitted(new_network(), checkpoints=folder, **change)
    assert (folder / CHECKPOINT_FILE).read_bytes() == before


def test_genres_are_drawn_alike_often_and_long_clips_more_often():
    clips = [cyclic_clip(0, TINY, n_frames=n) for n in (20, 60)] + [cyclic_clip(1, TINY, n_frames=20)]
    assert module._chances(clips) == pytest.approx([1 / 8, 3 / 8, 1 / 2])


def test_without_validation_the_last_weights_are_kept_even_of_a_clip_shorter_than_a_crop():
    found = fitted(new_network(), training=[cyclic_clip(0, TINY, n_frames=5)], validation=[])
    assert all(math.isfinite(bits) for bits in found.history["bits"])
    assert found.best_epoch == SHORT.epochs


def test_a_loss_that_is_no_number_ends_the_fit():
    network = new_network()
    network.get_layer("logits").bias.assign(np.full(network.get_layer("logits").bias.shape, np.nan))
    with pytest.raises(ModelError, match="epoch 1: bits is nan; try a smaller learning_rate"):
        fitted(network)


def test_no_recordings_are_refused():
    with pytest.raises(ModelError, match="no recordings to learn from"):
        fitted(new_network(), training=[])


def test_a_recurrent_network_is_fitted_the_same_way():
    settings = GruSettings(n_codebooks=3, n_codes=11, n_genres=3, look_ahead=2, width=16, n_layers=1)
    keras.utils.set_random_seed(0)
    how = PriorFitSettings(epochs=3, steps=15, batch_size=6, crop_frames=16, learning_rate=1e-2)
    found = fit(build_gru(settings), TRAINING, VALIDATION, codes=settings, settings=how)
    assert found.history["val_bits"][-1] < found.history["val_bits"][0] < math.log2(11)


def test_tensorboard_reads_the_figures_of_the_history(undisturbed, kept):
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator

    events = EventAccumulator(str(kept / "logs"), size_guidance={TENSORS: 0}).Reload()
    assert set(events.Tags()["tensors"]) == set(undisturbed[1].history)
    assert [event.step for event in events.Tensors("val_bits")] == [1, 2, 3]


@pytest.mark.parametrize(
    ("field", "value"),
    [("epochs", 0), ("steps", 0), ("batch_size", 0), ("crop_frames", 0), ("learning_rate", 0.0), ("warm_up", 1.0)],
)
def test_settings_out_of_range_are_named(field, value):
    with pytest.raises(ModelError, match=f"{field}={value}"):
        PriorFitSettings(**{field: value})
