"""Recordings with one fault each, and what their inspection says of it."""

import io
from pathlib import Path

import numpy as np
import pytest

from features.errors import AudioError, CorruptAudio, EmptyFile
from features.inspection import Inspection, InspectorPool, inspect
from tests.support.audio_files import GOOD, sound_file, tone
from tests.support.melodies import melody

SR = 44100


@pytest.fixture(scope="module")
def song() -> np.ndarray:
    y = melody(1, seconds=12.0, sr=SR)
    return np.stack([y, y], axis=1)


def _inspected(y: np.ndarray, sr: int = SR, *, subtype: str | None = None) -> Inspection:
    return inspect(io.BytesIO(sound_file(y, sr, format="WAV", subtype=subtype)))


def test_a_sound_recording(song: np.ndarray) -> None:
    found = _inspected(song)
    assert found.info.duration_s == 12.0
    assert (found.info.sample_rate, found.info.channels, found.info.format) == (SR, 2, "wav")
    assert found.peak == pytest.approx(0.5, abs=1e-3)
    assert found.full_scale_share == found.flat_top_share == 0.0
    assert abs(found.dc_offset) < 0.01
    assert found.level_range_db > 2
    assert found.bandwidth_hz > 20_000  # its noise
    assert found.fingerprint.size == pytest.approx(12 * 31.25, abs=5)


def test_clipping_at_full_scale_is_counted() -> None:
    """A sine at twice full scale is cut while it is above 30 degrees: two thirds of the time."""
    found = _inspected(np.clip(4 * tone(200.0), -1, 1))
    assert found.full_scale_share == pytest.approx(2 / 3, abs=0.02)
    assert found.flat_top_share == pytest.approx(2 / 3, abs=0.02)


@pytest.mark.parametrize("gain", [0.9, 0.3])
def test_clipping_that_was_made_quieter_is_counted(gain: float) -> None:
    found = _inspected(gain * np.clip(4 * tone(200.0), -1, 1))
    assert found.full_scale_share == 0.0
    assert found.flat_top_share == pytest.approx(2 / 3, abs=0.02)


def test_one_clipped_channel_is_half_the_samples() -> None:
    y = tone(200.0)
    y[:, 1] = np.clip(4 * y[:, 1], -1, 1)
    assert _inspected(y).full_scale_share == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("frequency", [110.0, 440.0])
@pytest.mark.parametrize("amplitude", [0.2, 1.0])
def test_an_intact_sine_is_not_clipped(frequency: float, amplitude: float) -> None:
    found = _inspected(2 * amplitude * tone(frequency))
    assert found.full_scale_share == found.flat_top_share == 0.0


def test_clipping_before_a_louder_passage_is_that_of_the_peak(song: np.ndarray) -> None:
    """Flat tops count where the recording is loudest, in whichever block that comes."""
    quiet = 0.3 * np.clip(4 * tone(200.0, seconds=12.0), -1, 1)
    assert _inspected(np.concatenate([quiet, song])).flat_top_share == 0.0
    assert _inspected(np.concatenate([song, 2 * quiet])).flat_top_share == pytest.approx(1 / 3, abs=0.02)


def test_the_offset_is_that_of_the_channel_farthest_from_zero() -> None:
    y = tone(200.0)
    y[:, 1] -= 0.1
    assert _inspected(y).dc_offset == pytest.approx(-0.1, abs=1e-3)


def test_silence() -> None:
    found = _inspected(np.zeros((SR * 2, 2)))
    assert found.peak == found.level_range_db == found.bandwidth_hz == found.full_scale_share == 0.0
    assert not found.fingerprint.any()


def test_the_bandwidth_is_where_the_sound_ends() -> None:
    assert _inspected(tone(1000.0) + tone(3000.0) * 0.01).bandwidth_hz == pytest.approx(3000.0, abs=60)
    telephone = melody(1, sr=8000)
    assert inspect(io.BytesIO(GOOD["flac"](telephone[:, None], 8000))).bandwidth_hz == pytest.approx(4000.0, abs=10)


def test_the_level_range() -> None:
    """Half of the time 20 dB quieter; a steady tone has no range."""
    y = tone(400.0, seconds=4.0)
    assert _inspected(y).level_range_db == pytest.approx(0.0, abs=0.01)
    y[: len(y) // 2] *= 0.1
    assert _inspected(y).level_range_db == pytest.approx(20.0, abs=0.1)


@pytest.mark.parametrize("sr", [1000, 8000, 44100, 192_000])
@pytest.mark.parametrize("n_samples", [1, 2, 5, 100])
def test_very_short_recordings_are_inspected(sr: int, n_samples: int) -> None:
    found = _inspected(np.full((n_samples, 1), 0.5), sr)
    assert found.peak == 0.5
    assert found.fingerprint.size == 0


@pytest.mark.parametrize(("data", "error"), [(b"", EmptyFile), (GOOD["flac"](tone(), SR)[:5000], CorruptAudio)])
def test_what_cannot_be_decoded_is_an_error(data: bytes, error: type[AudioError]) -> None:
    with pytest.raises(error):
        inspect(io.BytesIO(data))


def test_another_process_finds_the_same(song: np.ndarray, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.flac", tmp_path / "bad.flac"
    good.write_bytes(GOOD["flac"](song, SR))
    bad.write_bytes(b"no music")
    here = inspect(good)
    with InspectorPool(1) as pool:
        with pytest.raises(AudioError, match="plain text"):
            pool.inspect(bad)
        with pytest.raises(AudioError, match="does not exist"):
            pool.inspect(tmp_path / "missing.flac")
        there = pool.inspect(good)
    np.testing.assert_array_equal(there.fingerprint, here.fingerprint)
    assert there.to_message()[0] == here.to_message()[0]
