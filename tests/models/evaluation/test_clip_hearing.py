import numpy as np
import pytest

from models.errors import ModelError
from models.evaluation.clip_hearing import hear_clip
from tests.support.heard_music import DIM, small_ears

SR = 22050


def tone(hz: float, seconds: float, gain: float = 0.1) -> np.ndarray:
    return (gain * np.sin(2 * np.pi * hz * np.arange(round(seconds * SR)) / SR)).astype(np.float32)


def test_patches_lie_side_by_side():
    heard = hear_clip(tone(440, 10), sr=SR, ears=small_ears())
    assert heard.embedding.shape == heard.judge_embedding.shape == (3, DIM)
    assert hear_clip(tone(440, 3), sr=SR, ears=small_ears()).embedding.shape == (1, DIM)


def test_what_is_heard_does_not_depend_on_the_gain():
    soft, loud = (hear_clip(tone(440, 4, gain), sr=SR, ears=small_ears()) for gain in (0.01, 0.5))
    assert soft.embedding == pytest.approx(loud.embedding, abs=1e-3)
    # ... but for the loudness itself: 20 log10(50) dB
    figures = [each.statistics.figures["loudness_lufs"] for each in (soft, loud)]
    assert figures[1] - figures[0] == pytest.approx(33.98, abs=0.02)


def test_low_and_high_are_told_apart():
    low, high = (hear_clip(tone(hz, 4), sr=SR, ears=small_ears()).embedding[0] for hz in (100, 6000))
    assert low.argmax() < high.argmax()


def test_silence_is_heard_as_silence():
    heard = hear_clip(np.zeros(4 * SR, np.float32), sr=SR, ears=small_ears())
    assert not heard.embedding.any()
    assert heard.statistics.figures["loudness_lufs"] is None


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros((3 * SR, 2), np.float32), "expected mono audio"),
        (np.zeros(2 * SR, np.float32), "2.00 s of audio: a clip is heard from 3 s on"),
    ],
)
def test_refuses(y, message):
    with pytest.raises(ModelError, match=message):
        hear_clip(y, sr=SR, ears=small_ears())
