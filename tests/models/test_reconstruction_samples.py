"""A sample can be looked at and listened to: tones come back as tones, pictures show both."""

import numpy as np
import soundfile
from PIL import Image

from features.log_mel import LOG_FLOOR, N_MELS, SR, log_mel
from models.reconstruction_samples import GAP, PIXELS, sound_of, write_sample


def tone(hz: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(SR // 2) / SR)).astype(np.float32)


def test_a_tone_is_heard_where_it_was():
    S = log_mel(tone(880.0))
    y = sound_of(S)
    assert y.shape == ((len(S) - 1) * 512,)
    spectrum = np.abs(np.fft.rfft(y * np.hanning(y.size)))
    assert abs(spectrum.argmax() * SR / y.size - 880.0) < 20.0
    assert np.abs(log_mel(y)[3:-3].argmax(axis=1) - S[3:-3].argmax(axis=1)).max() <= 1


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
