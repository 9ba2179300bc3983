"""A sample can be looked at and listened to: pictures show both log-mels, sounds do not clip."""

import numpy as np
import soundfile
from PIL import Image

from features.log_mel import LOG_FLOOR, N_MELS, SR, log_mel
from models.reconstruction_samples import GAP, LOUDEST, PIXELS, write_made, write_sample, write_sounds


def tone(hz: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(SR // 2) / SR)).astype(np.float32)


def test_a_sample_is_a_picture_and_two_sounds(tmp_path):
    true, silent = log_mel(tone(440.0)), np.full((len(log_mel(tone(440.0))), N_MELS), LOG_FLOOR, np.float32)
    write_sample(tmp_path / "samples", "step-1", true, silent)
    picture = np.asarray(Image.open(tmp_path / "samples" / "step-1.png"))
    height = PIXELS * N_MELS
    assert picture.shape == (2 * height + GAP, PIXELS * len(true))
    assert picture[height + GAP :].max() == 0
    loudest = N_MELS - 1 - picture[:height, picture.shape[1] // 2].argmax() // PIXELS
    assert loudest == true[len(true) // 2].argmax()
    heard = {which: soundfile.read(tmp_path / "samples" / f"step-1-{which}.flac") for which in ("true", "decoded")}
    assert {sr for _, sr in heard.values()} == {SR}
    assert np.abs(heard["true"][0]).max() > 0.05 > 0.01 > np.abs(heard["decoded"][0]).max()


def test_a_sound_that_would_clip_is_made_softer_and_others_are_not(tmp_path):
    write_sounds(tmp_path, "x", {"loud": 10 * tone(440.0), "soft": tone(440.0)})
    loud, soft = (soundfile.read(tmp_path / f"x-{which}.flac")[0] for which in ("loud", "soft"))
    np.testing.assert_allclose(np.abs(loud).max(), LOUDEST, atol=1e-3)
    np.testing.assert_allclose(soft, tone(440.0), atol=1e-3)


def test_what_has_no_recording_is_one_picture_and_one_sound(tmp_path):
    S = log_mel(tone(440.0))
    write_made(tmp_path / "samples", "epoch-1", S)
    assert {path.name for path in (tmp_path / "samples").iterdir()} == {"epoch-1.png", "epoch-1-made.flac"}
    assert np.asarray(Image.open(tmp_path / "samples" / "epoch-1.png")).shape == (PIXELS * N_MELS, PIXELS * len(S))
    assert np.abs(soundfile.read(tmp_path / "samples" / "epoch-1-made.flac")[0]).max() > 0.05
