"""Generator and critic learn from each other; a fitting that is stopped goes on as one that is left alone."""

from dataclasses import replace

import numpy as np
import pytest

from models.baselines.gan import GanInference, GanSettings
from models.baselines.gan_fit import GanFitSettings, fit_gan
from models.errors import ModelError, TrainingDiverged
from models.plan import make_plan
from models.prior_data import CodedClip
from models.stepped_run import CHECKPOINT_FILE
from models.tensorflow_runtime import tf

SHAPE = GanSettings(width=8, dilations=(1,), latent_dim=2, n_genres=2, n_noise=2, critic_width=8)
FIT = GanFitSettings(steps=4, batch_size=4, crop_frames=16, figures_every=2)
CODEBOOKS = np.array([[[-4.0, 0.0], [4.0, 0.0], [0.0, 9.0], [0.0, -9.0]]], np.float32)


def clip(genre: int, n_frames: int = 40) -> CodedClip:
    """All frames of a genre are one code, and all that a frame is told is the genre."""
    plan = make_plan(n_frames, genre_mix=np.eye(2)[genre])
    return CodedClip(np.full((1, n_frames), genre, np.uint16), plan, genre, "train")


CLIPS = [clip(0), clip(1)]


class Interrupted(Exception):
    pass


@pytest.fixture
def step_by_step():
    """A few steps are sooner done than compiled."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def interrupt(n_done, share, figures):
    raise Interrupted


def test_genres_that_sound_apart_are_told_apart():
    fit = replace(FIT, steps=100, learning_rate=6e-3, batch_size=8, figures_every=50, averaged=0.95)
    arrays, history = fit_gan(CLIPS, CLIPS, CODEBOOKS, shape=SHAPE, settings=fit)
    assert history[-1]["val_frechet"] < 0.2  # 1 and more where the latents, of unit variance, had another mean
    inference = GanInference(arrays, SHAPE)
    for genre in (0, 1):
        codes = inference.make_codes(clip(genre, 60).plan, seed=3)
        assert (codes == genre).mean() > 0.9


@pytest.mark.usefixtures("step_by_step")
def test_it_goes_on_to_the_same_weights_after_an_interruption(tmp_path):
    whole, history = fit_gan(CLIPS, CLIPS, CODEBOOKS, shape=SHAPE, settings=FIT, seed=1)
    assert [figures["step"] for figures in history] == [2, 4]
    assert history[0].keys() == {"critic", "penalty", "generator", "val_frechet", "step"}
    often = replace(FIT, checkpoint_minutes=0.0)
    again = {"shape": SHAPE, "settings": often, "seed": 1, "checkpoints": tmp_path}
    with pytest.raises(Interrupted):
        fit_gan(CLIPS, CLIPS, CODEBOOKS, **again, progress=interrupt)
    steps = []
    found, resumed = fit_gan(CLIPS, CLIPS, CODEBOOKS, **again, progress=lambda n, *_: steps.append(n))
    assert steps == [2, 4]  # the figures of step 2 were told, but not in the checkpoint of step 1
    assert resumed == history
    assert found.keys() == whole.keys()
    for name, array in whole.items():
        np.testing.assert_array_equal(found[name], array)

    over, _ = fit_gan(CLIPS, CLIPS, CODEBOOKS, **again, progress=interrupt)  # nothing is left to be told of
    np.testing.assert_array_equal(over["generator/out/kernel"], whole["generator/out/kernel"])
    with pytest.raises(ModelError, match=rf"{CHECKPOINT_FILE}: of another training"):
        fit_gan(CLIPS, CLIPS, CODEBOOKS, **again | {"seed": 2})


def test_clips_that_are_all_too_short_are_refused():
    with pytest.raises(ModelError, match="no recording to learn from has 16 frames"):
        fit_gan([clip(0, 15)], [], CODEBOOKS, shape=SHAPE, settings=FIT)


@pytest.mark.usefixtures("step_by_step")
def test_a_loss_that_is_no_number_ends_it():
    codebooks = np.where(CODEBOOKS > 0, np.nan, CODEBOOKS)
    with pytest.raises(TrainingDiverged, match=r"step 1: losses .*; try a smaller learning_rate"):
        fit_gan(CLIPS, [], codebooks, shape=SHAPE, settings=FIT)


@pytest.mark.parametrize("field", ["steps", "batch_size", "crop_frames", "learning_rate", "figures_every"])
def test_settings_out_of_range_are_refused(field):
    with pytest.raises(ModelError, match=f"{field}=0"):
        GanFitSettings(**{field: 0})
