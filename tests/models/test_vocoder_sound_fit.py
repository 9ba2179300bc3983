"""A vocoder that is fitted by its sound: levels come nearer, critics lead, and a fit goes on where it was stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.log_mel import SR
from models.errors import ModelError, TrainingDiverged
from models.stepped_run import CHECKPOINT_FILE
from models.tensorflow_runtime import keras
from models.vocoder_crops import CropSettings
from models.vocoder_network import VocoderNetwork
from models.vocoder_settings import VocoderSettings
from models.vocoder_sound_fit import SoundFitSettings, fit_vocoder_sound
from tests.support.vocoders import TINY

SHORT = SoundFitSettings(
    steps=6,
    batch_size=2,
    warm_up=2,
    lead=2,
    figures_every=2,
    checkpoint_minutes=0.0,
    crops=CropSettings(frames=16),
)


class Stopped(Exception):
    """What a caller raises who wants no more."""


def recordings(n: int = 3) -> list[np.ndarray]:
    """A second of strokes: noise that dies away five times."""
    rng = np.random.default_rng(0)
    decay = np.exp(-(np.arange(SR) % (SR // 5)) / 800)
    return [(6000 * decay * rng.normal(size=SR)).clip(-32767, 32767).astype(np.int16) for _ in range(n)]


def new_network(**changes) -> VocoderNetwork:
    """The same weights in every call."""
    keras.utils.set_random_seed(1)
    return VocoderNetwork(VocoderSettings(**TINY | changes))


def assert_same(one: VocoderNetwork, other: VocoderNetwork) -> None:
    for a, b in zip(one.variables, other.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[VocoderNetwork, list[dict[str, float]], Path]:
    """A fit that nobody stops, and the folder of its checkpoint: a step takes long to be compiled."""
    network, folder = new_network(), tmp_path_factory.mktemp("undisturbed")
    history = fit_vocoder_sound(network, recordings(), recordings(1), settings=SHORT, checkpoints=folder)
    return network, history, folder


def without_validation(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{name: value for name, value in each.items() if not name.startswith("val_")} for each in history]


def test_figures_come_when_asked_for(undisturbed):
    network, history, _ = undisturbed
    assert [figures["step"] for figures in history] == [2, 4, 6]
    assert {"bins", "levels", "critic", "val_bins", "val_levels"} <= set(history[-1])
    assert any((a.numpy() != b.numpy()).any() for a, b in zip(network.variables, new_network().variables, strict=True))


def test_while_the_critics_lead_the_vocoder_stays():
    network = new_network()
    history = fit_vocoder_sound(network, recordings(), [], settings=replace(SHORT, lead=6, learning_rate=1e-3))
    assert_same(network, new_network())
    assert history[-1]["critic"] < history[0]["critic"]


def test_levels_of_what_is_heard_come_nearer_to_the_true_ones():
    settings = replace(SHORT, steps=80, lead=0, learning_rate=1e-2, pull=0.1, figures_every=20)
    history = fit_vocoder_sound(new_network(), recordings(), recordings(1), settings=settings)
    assert history[-1]["val_levels"] < 0.95 * history[0]["val_levels"]


def test_a_fit_that_was_stopped_goes_on_to_the_same_bits(undisturbed, tmp_path):
    """Looking at validation or not makes no difference to what is learned."""

    def stop(n_done: int, *_rest: object) -> None:
        if n_done >= 4:
            raise Stopped

    with pytest.raises(Stopped):
        fit_vocoder_sound(new_network(), recordings(), [], settings=SHORT, checkpoints=tmp_path, progress=stop)
    again = new_network()
    history = fit_vocoder_sound(again, recordings(), [], settings=SHORT, checkpoints=tmp_path)
    assert history == without_validation(undisturbed[1])
    assert_same(again, undisturbed[0])


@pytest.mark.parametrize("change", [{"seed": 4}, {"settings": replace(SHORT, pull=0.1)}, {"network": {"rounds": 1}}])
def test_a_checkpoint_of_another_training_is_refused(change, undisturbed):
    options = {"settings": SHORT, "checkpoints": undisturbed[2]}
    before = (undisturbed[2] / CHECKPOINT_FILE).read_bytes()
    network = new_network(**change.pop("network", {}))
    with pytest.raises(ModelError, match="of another training"):
        fit_vocoder_sound(network, recordings(), [], **options | change)
    assert (undisturbed[2] / CHECKPOINT_FILE).read_bytes() == before


def test_a_checkpoint_for_another_first_network_is_refused(undisturbed):
    other = new_network()
    other.trainable_variables[0].assign(other.trainable_variables[0] + 1)
    with pytest.raises(ModelError, match="of another training"):
        fit_vocoder_sound(other, recordings(), [], settings=SHORT, checkpoints=undisturbed[2])


def test_no_steps_are_no_fit():
    assert fit_vocoder_sound(new_network(), recordings(), [], settings=SoundFitSettings()) == []


@pytest.mark.filterwarnings("ignore:invalid value")
def test_figures_that_are_no_numbers_end_it():
    network = new_network()
    network.trainable_variables[0].assign(np.full(network.trainable_variables[0].shape, np.nan))
    with pytest.raises(TrainingDiverged, match="smaller learning_rate"):
        fit_vocoder_sound(network, recordings(), [], settings=SHORT)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"steps": -1}, "steps=-1"),
        ({"pull": -1.0}, "pull=-1.0"),
        ({"levels": float("nan")}, "levels=nan"),
        ({"lead": -1}, "lead=-1"),
        ({"precision": "float16"}, "precision='float16'"),
        ({"steps": 1, "crops": CropSettings(frames=8)}, "crops of 8 frames"),
    ],
)
def test_settings_out_of_range_are_refused(fields, words):
    with pytest.raises(ModelError, match=words):
        SoundFitSettings(**fields)
