import numpy as np
import pytest

from features.analysis import AnalysisSettings, analyse
from models.listening import Listening, listen
from tests.support.stand_in_models import StandInBackbone

SR = 16000


@pytest.fixture
def wav(tmp_path):
    def write(y: np.ndarray):
        import soundfile

        path = tmp_path / "clip.wav"
        soundfile.write(path, y, SR, subtype="FLOAT")
        return path

    return write


def tone(seconds: float, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * 440 * np.arange(int(seconds * SR)) / SR).astype(np.float32)


def hear(path, **options) -> Listening:
    with analyse(path, AnalysisSettings(attributes=False)) as run:
        return listen(run, StandInBackbone(), patch_hop=93.75, **options)


def test_windows_start_every_1_5_s(wav):
    heard = hear(wav(tone(9.0)))
    assert heard.activations.times_s == pytest.approx([0, 1.5, 3.0, 4.5, 6.0], abs=0.01)
    assert not heard.short
    assert heard.sounding.all()


def test_a_clip_shorter_than_a_window_is_repeated_to_fill_it(wav):
    heard = hear(wav(tone(0.7)))
    assert heard.short
    assert len(heard.activations.taggram) == 1
    # A steady tone repeated is a steady tone: the window sounds as that of a long tone does.
    long = hear(wav(tone(3.0)))
    assert heard.activations.taggram[0, 0] == pytest.approx(long.activations.taggram[0, 0], rel=0.2)


def test_silent_windows_are_told_from_quiet_ones(wav):
    y = np.concatenate([tone(4.5), np.zeros(int(4.5 * SR), np.float32), tone(4.5, amplitude=0.001)])
    assert hear(wav(y)).sounding.tolist() == [True, True, True, False, False, True, True, True]


def test_the_cache_gives_back_what_was_heard(wav):
    heard = hear(wav(tone(6.0)))
    from models.backbone import PatchActivations

    again = Listening.from_arrays(heard.to_arrays())
    assert isinstance(again.activations, PatchActivations)
    for name in ("taggram", "embedding", "times_s"):
        np.testing.assert_array_equal(getattr(again.activations, name), getattr(heard.activations, name))
    np.testing.assert_array_equal(again.sounding, heard.sounding)
    np.testing.assert_array_equal(again.analysis.waveform, heard.analysis.waveform)
    assert again.analysis.info == heard.analysis.info
    assert again.short == heard.short


def test_progress_rises_and_an_error_raised_there_ends_the_work(wav):
    path = wav(tone(40.0))
    shares: list[float] = []
    hear(path, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0

    class Enough(Exception):
        pass

    def stop(share: float) -> None:
        raise Enough

    with pytest.raises(Enough):
        hear(path, progress=stop)
