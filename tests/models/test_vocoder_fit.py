"""A fit learns what log-mel can tell, goes on where it was stopped to the same bits, and refuses what it cannot go on
from."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.log_mel import SR
from models.errors import ModelError, TrainingDiverged
from models.stepped_run import CHECKPOINT_FILE
from models.tensorflow_runtime import keras
from models.vocoder_crops import CropSettings
from models.vocoder_fit import VocoderFitSettings, fit_vocoder
from models.vocoder_loss import LossSettings
from models.vocoder_network import VocoderNetwork
from models.vocoder_settings import VocoderSettings
from tests.support.vocoders import TINY

SHORT = VocoderFitSettings(
    steps=6, batch_size=2, warm_up=2, figures_every=2, checkpoint_minutes=0.0, crops=CropSettings(frames=8)
)


class Stopped(Exception):
    """What a caller raises who wants no more."""


def recordings(n: int = 3, *, seed: int = 0) -> list[np.ndarray]:
    """Half a second of one of four tones, each between two bins."""
    rng, t = np.random.default_rng(seed), np.arange(SR // 2) / SR
    return [(8000 * np.sin(2 * np.pi * 306 * 2.0 ** rng.integers(4) * t)).astype(np.int16) for _ in range(n)]


def new_network(**changes) -> VocoderNetwork:
    """The same weights in every call."""
    keras.utils.set_random_seed(1)
    return VocoderNetwork(VocoderSettings(**TINY | changes))


def stop_after(step: int):
    def progress(n_done: int, share: float, figures: dict[str, float]) -> None:
        if n_done >= step:
            raise Stopped

    return progress


def assert_same(one: VocoderNetwork, other: VocoderNetwork) -> None:
    for a, b in zip(one.variables, other.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[VocoderNetwork, list[dict[str, float]], Path]:
    """A fit that nobody stops, and the folder of its checkpoint."""
    network, folder = new_network(), tmp_path_factory.mktemp("undisturbed")
    options = {"settings": SHORT, "seed": 3, "checkpoints": folder}
    return network, fit_vocoder(network, recordings(), recordings(seed=1), **options), folder


def test_figures_come_when_asked_for_and_at_the_end(undisturbed):
    history = undisturbed[1]
    assert [figures["step"] for figures in history] == [2, 4, 6]
    assert {"loss", "bins", "cells", "mel", "phase", "val_loss", "val_phase"} <= set(history[0])


def test_a_fit_learns_the_spectrum_of_a_tone_and_how_its_phase_goes_on():
    settings = replace(SHORT, steps=60, learning_rate=1e-2, figures_every=15)
    history = fit_vocoder(new_network(), recordings(8), recordings(4, seed=1), settings=settings)
    for name in ("bins", "phase", "val_bins", "val_phase"):
        assert history[-1][name] < 0.9 * history[0][name], name


def test_a_fit_that_was_stopped_goes_on_to_the_same_bits(undisturbed, tmp_path):
    options = {"settings": SHORT, "seed": 3, "checkpoints": tmp_path}
    with pytest.raises(Stopped):
        fit_vocoder(new_network(), recordings(), recordings(seed=1), progress=stop_after(4), **options)
    network = VocoderNetwork(VocoderSettings(**TINY))  # of other weights: those of the checkpoint count
    history = fit_vocoder(network, recordings(), recordings(seed=1), **options)
    assert history == undisturbed[1]
    assert_same(network, undisturbed[0])


def test_a_fit_that_is_done_is_not_done_again(undisturbed):
    options = {"settings": SHORT, "seed": 3, "checkpoints": undisturbed[2]}
    network = VocoderNetwork(VocoderSettings(**TINY))
    history = fit_vocoder(network, recordings(), recordings(seed=1), progress=stop_after(0), **options)
    assert history == undisturbed[1]
    assert_same(network, undisturbed[0])


IN_A_PROCESS_OF_ITS_OWN = """
import sys
from pathlib import Path
from tests.models.test_vocoder_fit import fitted_for_long
fitted_for_long(Path(sys.argv[1]), progress=lambda n_done, *_: print(n_done, flush=True))
"""
LONG = replace(SHORT, steps=20, figures_every=1)


def fitted_for_long(checkpoints: Path | None, **options) -> tuple[VocoderNetwork, list[dict[str, float]]]:
    network = new_network()
    return network, fit_vocoder(network, recordings(), [], settings=LONG, checkpoints=checkpoints, **options)


def test_a_fit_whose_process_is_killed_goes_on_to_the_same_bits(tmp_path):
    command = [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."}) as process:
        for line in process.stdout:
            if int(line) == 4:
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.read()
    assert process.wait() == -signal.SIGKILL
    told: list[int] = []
    network, history = fitted_for_long(tmp_path, progress=lambda n_done, *_: told.append(n_done))
    assert 4 <= told[0] <= told[-1] == LONG.steps
    expected, whole = fitted_for_long(None)
    assert history == whole
    assert_same(network, expected)


def test_the_clock_ends_a_fit(tmp_path):
    """Far more steps than fit into the time: it ends, says that all of it is done, and stays ended."""
    settings = replace(SHORT, steps=100_000_000, hours=1e-6, figures_every=1_000_000)
    told: list[tuple[int, float]] = []
    options = {"settings": settings, "checkpoints": tmp_path, "progress": lambda *d: told.append(d[:2])}
    history = fit_vocoder(new_network(), recordings(), [], **options)
    ((steps, share),) = told
    assert 1 <= steps < 100_000_000
    assert share == 1.0
    assert fit_vocoder(new_network(), recordings(), [], **options) == history
    assert len(told) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"settings": replace(SHORT, learning_rate=1e-4)},
        {"settings": replace(SHORT, loss=LossSettings(phase=0.1))},
        {"seed": 4},
        {"network": {"width": 7}},
        {"recordings": 2},
        {"autoencoder": object()},
    ],
    ids=lambda changed: ",".join(changed),
)
def test_a_checkpoint_of_another_training_is_refused(change, undisturbed):
    options = {"settings": SHORT, "seed": 3, "checkpoints": undisturbed[2]}
    before = (undisturbed[2] / CHECKPOINT_FILE).read_bytes()
    network = new_network(**change.pop("network", {}))
    training = recordings(change.pop("recordings", 3))
    with pytest.raises(ModelError, match=rf"{CHECKPOINT_FILE}: of another training .*give another folder"):
        fit_vocoder(network, training, [], **options | change)
    assert (undisturbed[2] / CHECKPOINT_FILE).read_bytes() == before


def test_a_loss_that_is_no_number_ends_the_fit():
    network = new_network()
    network.trainable_variables[0].assign(np.full(network.trainable_variables[0].shape, np.nan))
    with pytest.raises(TrainingDiverged, match="smaller learning_rate"):
        fit_vocoder(network, recordings(), [], settings=SHORT)


def test_no_steps_are_no_fit():
    network, before = new_network(), new_network()
    assert fit_vocoder(network, recordings(), [], settings=replace(SHORT, steps=0)) == []
    assert_same(network, before)


def test_recordings_shorter_than_a_crop_are_refused():
    with pytest.raises(ModelError, match="no recording to learn from has 96 frames"):
        fit_vocoder(new_network(), recordings(), [], settings=replace(SHORT, crops=CropSettings(frames=96)))


@pytest.mark.parametrize(
    "fields", [{"steps": -1}, {"hours": -1.0}, {"hours": float("nan")}, {"batch_size": 0}, {"learning_rate": 0.0}]
)
def test_settings_out_of_range_are_refused(fields):
    with pytest.raises(ModelError, match=next(iter(fields))):
        VocoderFitSettings(**fields)
