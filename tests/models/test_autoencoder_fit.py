"""A fit learns what codes can tell, goes on where it was stopped to the same bits, and refuses what it cannot go on
from."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.log_mel import LOG_FLOOR, N_MELS
from models.autoencoder_fit import AutoencoderFitSettings, fit_autoencoder
from models.errors import ModelError, TrainingDiverged
from models.reconstruction_loss import LossSettings
from models.stepped_run import CHECKPOINT_FILE
from models.tensorflow_runtime import keras
from models.vqvae import Vqvae
from models.vqvae_settings import VqvaeSettings
from tests.support.autoencoders import TINY as OF_ALL_LAYERS

TINY = OF_ALL_LAYERS | {"dilations": (1,)}  # each layer makes a fit longer to be compiled
SHORT = AutoencoderFitSettings(
    steps=8, batch_size=4, crop_frames=16, warm_up=2, free_steps=2, figures_every=3, checkpoint_minutes=0.0
)


class Stopped(Exception):
    """What a caller raises who wants no more."""


def recordings(n: int = 4, *, seed: int = 0) -> list[np.ndarray]:
    """Log-mels of eight chords, one after the other in any order: half of the bands sound, the others are silent."""
    chords = np.where(np.random.default_rng(9).random((8, N_MELS)) < 0.5, 0.0, LOG_FLOOR).astype(np.float16)
    rng = np.random.default_rng(seed)
    return [chords[np.repeat(rng.integers(0, 8, 10), 8)] for _ in range(n)]


def new_network(**changes) -> Vqvae:
    """The same weights in every call."""
    keras.utils.set_random_seed(1)
    return Vqvae(VqvaeSettings(**TINY | changes))


def stop_after(step: int):
    def progress(n_done: int, share: float, figures: dict[str, float]) -> None:
        if n_done >= step:
            raise Stopped

    return progress


def assert_same(one: Vqvae, other: Vqvae) -> None:
    for a, b in zip(one.variables, other.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[Vqvae, list[dict[str, float]], Path]:
    """A fit that nobody stops, and the folder of its checkpoint."""
    network, folder = new_network(), tmp_path_factory.mktemp("undisturbed")
    options = {"settings": SHORT, "seed": 3, "checkpoints": folder}
    return network, fit_autoencoder(network, recordings(), recordings(seed=1), **options), folder


def test_figures_come_when_asked_for_and_at_the_end(undisturbed):
    history = undisturbed[1]
    assert [figures["step"] for figures in history] == [3, 6, 8]
    names = {"loss", "absolute", "commitment", "restarted", "val_absolute", "usage_0", "perplexity_2"}
    assert names <= set(history[0])
    assert all(0 < figures["usage_0"] <= 1 <= figures["perplexity_0"] <= 16 for figures in history)


def test_a_fit_learns_what_codes_can_tell():
    """Eight chords, sixteen codes: all can be told apart. Who hears nothing errs by half a chord, 1.7."""
    network = new_network(width=32, dilations=OF_ALL_LAYERS["dilations"])
    settings = replace(SHORT, steps=150, batch_size=8, learning_rate=5e-3, figures_every=75, gain_db=0.0)
    history = fit_autoencoder(network, recordings(8), recordings(4, seed=1), settings=settings)
    assert history[-1]["val_absolute"] < 0.4
    assert history[-1]["commitment"] < history[0]["commitment"]
    assert history[-1]["usage_0"] >= 8 / 16


def test_a_fit_that_was_stopped_goes_on_to_the_same_bits(undisturbed, tmp_path):
    """Stopped between two checkpoints: the steps since the last one are done again."""
    options = {"settings": SHORT, "seed": 3, "checkpoints": tmp_path}
    with pytest.raises(Stopped):
        fit_autoencoder(new_network(), recordings(), recordings(seed=1), progress=stop_after(6), **options)
    network = Vqvae(VqvaeSettings(**TINY))  # of other weights: those of the checkpoint count
    history = fit_autoencoder(network, recordings(), recordings(seed=1), **options)
    assert history == undisturbed[1]
    assert_same(network, undisturbed[0])


def test_a_fit_that_is_done_is_not_done_again(undisturbed):
    options = {"settings": SHORT, "seed": 3, "checkpoints": undisturbed[2]}
    network = Vqvae(VqvaeSettings(**TINY))
    history = fit_autoencoder(network, recordings(), recordings(seed=1), progress=stop_after(0), **options)
    assert history == undisturbed[1]
    assert_same(network, undisturbed[0])


IN_A_PROCESS_OF_ITS_OWN = """
import sys
from pathlib import Path
from tests.models.test_autoencoder_fit import fitted_until_killed
fitted_until_killed(Path(sys.argv[1]))
"""


def fitted_until_killed(checkpoints: Path) -> None:
    """Tells which step is done, and waits at the last: however late it is killed, something is left to be done."""

    def progress(n_done: int, share: float, figures: dict[str, float]) -> None:
        print(n_done, flush=True)
        if n_done == SHORT.steps:
            time.sleep(120)

    options = {"settings": SHORT, "seed": 3, "checkpoints": checkpoints, "progress": progress}
    fit_autoencoder(new_network(), recordings(), recordings(seed=1), **options)


def test_a_fit_whose_process_is_killed_goes_on_to_the_same_bits(undisturbed, tmp_path):
    command = [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."}) as process:
        for line in process.stdout:
            if int(line) == 6:
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.read()
    assert process.wait() == -signal.SIGKILL
    told: list[int] = []
    options = {
        "settings": SHORT,
        "seed": 3,
        "checkpoints": tmp_path,
        "progress": lambda n_done, *_: told.append(n_done),
    }
    network = Vqvae(VqvaeSettings(**TINY))  # of other weights: those of the checkpoint count
    history = fit_autoencoder(network, recordings(), recordings(seed=1), **options)
    assert told in ([6, 8], [8])  # not from the start, which would tell of step 3
    assert history == undisturbed[1]
    assert_same(network, undisturbed[0])


def test_the_clock_ends_a_fit(tmp_path):
    """Far more steps than fit into the time: it ends, says that all of it is done, and stays ended."""
    settings = replace(SHORT, steps=100_000_000, hours=1e-6, figures_every=1_000_000)
    told: list[tuple[int, float]] = []
    options = {"settings": settings, "checkpoints": tmp_path, "progress": lambda *d: told.append(d[:2])}
    history = fit_autoencoder(new_network(), recordings(), [], **options)
    ((steps, share),) = told
    assert 1 <= steps < 100_000_000
    assert share == 1.0
    assert fit_autoencoder(new_network(), recordings(), [], **options) == history
    assert len(told) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"settings": replace(SHORT, learning_rate=1e-4)},
        {"settings": replace(SHORT, loss=LossSettings(spread=0.1))},
        {"seed": 4},
        {"network": {"width": 13}},
        {"network": {"n_codes": 17}},
        {"recordings": 3},
    ],
    ids=str,
)
def test_a_checkpoint_of_another_training_is_refused(change, undisturbed):
    options = {"settings": SHORT, "seed": 3, "checkpoints": undisturbed[2]}
    before = (undisturbed[2] / CHECKPOINT_FILE).read_bytes()
    network = new_network(**change.pop("network", {}))
    training = recordings(change.pop("recordings", 4))
    with pytest.raises(ModelError, match=rf"{CHECKPOINT_FILE}: of another training .*give another folder"):
        fit_autoencoder(network, training, [], **options | change)
    assert (undisturbed[2] / CHECKPOINT_FILE).read_bytes() == before


def test_a_loss_that_is_no_number_ends_the_fit():
    broken = recordings()
    for S in broken:
        S[40] = np.nan
    network = new_network()
    network.quantizer.initialise = lambda latents, seed: None
    with pytest.raises(TrainingDiverged, match="smaller learning_rate"):
        fit_autoencoder(network, broken, [], settings=replace(SHORT, crop_frames=80))


def test_recordings_shorter_than_a_crop_are_refused():
    with pytest.raises(ModelError, match="no recording to learn from has 96 frames"):
        fit_autoencoder(new_network(), recordings(), [], settings=replace(SHORT, crop_frames=96))


def test_crops_that_no_stride_divides_are_refused():
    settings = replace(SHORT, crop_frames=17)
    with pytest.raises(ModelError, match="crop_frames=17: expected a multiple of time_stride=2"):
        fit_autoencoder(new_network(time_stride=2), recordings(), [], settings=settings)


@pytest.mark.parametrize(
    "fields", [{"steps": 0}, {"hours": -1.0}, {"hours": float("nan")}, {"crop_frames": 4}, {"learning_rate": 0.0}]
)
def test_settings_out_of_range_are_refused(fields):
    with pytest.raises(ModelError, match=next(iter(fields))):
        AutoencoderFitSettings(**fields)
