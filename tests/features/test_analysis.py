"""One pass gives what each part gives on its own, holds the limits of length, and is done when it says so."""

import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from features.analysis import Analysis, AnalysisSettings, WaveformPeaks, analyse
from features.attributes import musical_attributes
from features.audio import load
from features.errors import AudioTooLong, ClipTooShort, CorruptAudio, EmptyFile, InvalidSamples, UnreadableFile
from features.spectrogram import musicnn_log_mel

SR = 44100
PLAIN = AnalysisSettings(attributes=False)


def wav(y: np.ndarray, sr: int = SR, subtype: str = "FLOAT") -> io.BytesIO:
    file = io.BytesIO()
    soundfile.write(file, y, sr, format="WAV", subtype=subtype)
    file.seek(0)
    return file


def music(rng: np.random.Generator, seconds: float, sr: int = SR) -> np.ndarray:
    t = np.arange(int(seconds * sr)) / sr
    beat = np.exp(-8 * (t % 0.5))
    y = 0.3 * np.sin(2 * np.pi * 220 * t) * beat + 0.1 * rng.standard_normal(t.size) * beat**4
    return np.stack([y, 0.5 * y], axis=1).astype(np.float32)


def run(source, settings: AnalysisSettings = AnalysisSettings()) -> tuple[np.ndarray, Analysis]:
    with analyse(source, settings) as chunks:
        log_mel = np.concatenate(list(chunks))
        return log_mel, chunks.result


def test_one_pass_is_its_parts(rng):
    y = music(rng, 21.3)
    log_mel, found = run(wav(y))
    mono = load(wav(y), sr=16000)
    np.testing.assert_array_equal(log_mel, musicnn_log_mel(mono))
    assert found.info.duration_s == pytest.approx(21.3)
    assert (found.info.sample_rate, found.info.channels) == (SR, 2)
    assert found.peak == pytest.approx(np.abs(mono).max(), rel=1e-5)
    np.testing.assert_allclose(found.log_mel_mean, log_mel.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(found.log_mel_std, log_mel.std(axis=0), atol=1e-4)
    assert found.log_mel_flux == pytest.approx(np.abs(np.diff(log_mel, axis=0)).mean(), rel=1e-5)
    expected = musical_attributes(y, sr=SR)
    for name, value in found.attributes.items():
        if isinstance(value, float):
            assert value == pytest.approx(expected[name], rel=1e-4), name
    assert found.attributes["key"] == expected["key"]
    assert found.attributes["tempo_bpm"] == pytest.approx(120, rel=0.01)


def test_silence():
    log_mel, found = run(wav(np.zeros((SR * 3, 2))))
    assert not log_mel.any()
    assert (found.peak, found.log_mel_flux) == (0, 0)
    for values in (found.log_mel_mean, found.log_mel_std, found.waveform):
        assert not values.any()
    assert found.attributes["loudness_lufs"] is None
    json.dumps(found.attributes, allow_nan=False)


@pytest.mark.parametrize("sr", [8000, 16000, 22050, 48000, 96000])
def test_any_rate(rng, sr):
    log_mel, found = run(wav(music(rng, 3.0, sr), sr))
    assert len(log_mel) == pytest.approx(1 + 3 * 62.5, abs=1)
    assert found.attributes["loudness_lufs"] < 0


def test_the_decoders_blocks_make_no_difference(rng, monkeypatch):
    import features.audio

    y = music(rng, 12.0)
    _, expected = run(wav(y))
    monkeypatch.setattr(features.audio, "MAX_BLOCK_SAMPLES", 4321)
    _, found = run(wav(y))
    assert found.attributes == expected.attributes
    np.testing.assert_array_equal(found.waveform, expected.waveform)
    np.testing.assert_array_equal(found.log_mel_std, expected.log_mel_std)
    assert found.log_mel_flux == expected.log_mel_flux


def test_without_attributes(rng):
    _, found = run(wav(music(rng, 2.0)), PLAIN)
    assert found.attributes == {}


def test_progress_and_result(rng):
    with analyse(wav(music(rng, 30.0)), PLAIN) as chunks:
        assert chunks.progress == 0
        with pytest.raises(RuntimeError, match="not done"):
            chunks.result  # noqa: B018
        seen = []
        for chunk in chunks:
            assert chunk.dtype == np.float32
            assert chunk.ndim == 2
            assert len(chunk) > 0
            seen.append(chunks.progress)
        assert seen == sorted(seen)
        assert 0 < seen[0] < 1
        assert chunks.progress == 1
        assert isinstance(chunks.result, Analysis)


def test_stopping_early_closes_the_file(rng, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(music(rng, 30.0)).getvalue())
    chunks = analyse(path, PLAIN)
    next(chunks)
    chunks.close()
    chunks.close()
    assert list(chunks) == []


@pytest.mark.parametrize("attributes", [True, False])
def test_half_a_second_is_answered(rng, attributes):
    y = music(rng, 0.5)
    log_mel, found = run(wav(y), AnalysisSettings(attributes=attributes))
    assert log_mel.shape == (32, 96)
    if attributes:
        assert found.attributes["tempo_bpm"] is None
        assert found.attributes["dynamic_range_db"] is None
        assert found.attributes["loudness_lufs"] is not None
        json.dumps(found.attributes, allow_nan=False)


def test_messages_carry_an_analysis(rng):
    _, found = run(wav(music(rng, 5.0)))
    header, arrays = found.to_message()
    again = Analysis.from_message(json.loads(json.dumps(header, allow_nan=False)), arrays)
    assert (again.info, again.peak, again.attributes) == (found.info, found.peak, found.attributes)
    assert again.log_mel_flux == found.log_mel_flux
    for name in ("log_mel_mean", "log_mel_std", "waveform"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))


def test_no_slow_library_is_loaded(rng, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(music(rng, 2.0)).getvalue())
    script = """
import sys
import features.analysis, features.pictures
early = {"scipy.signal", "pyloudnorm"} & sys.modules.keys()
list(features.analysis.analyse(sys.argv[1]))
slow = {"librosa", "numba", "tensorflow", "matplotlib", "pandas"} & sys.modules.keys()
sys.exit(f"imported: {early | slow}" if early | slow else 0)
"""
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=60)


@pytest.mark.parametrize("n_samples", [1, 15, 16, 17, 31_999, 32_000, 32_001, 250_007])
def test_waveform_peaks_equal_a_slow_loop(rng, n_samples):
    y = rng.standard_normal(n_samples).astype(np.float32)
    for cuts in ([], [1, 5, 1000, 1000, 20_000]):
        peaks = WaveformPeaks()
        for block in np.split(y, cuts):
            peaks.push(block)
        length = 16
        while math.ceil(n_samples / length) > 2000:
            length *= 2
        found = peaks.result()
        assert found.size <= 2000
        if n_samples // length < 2000:  # full slices are merged one earlier
            expected = [np.abs(y[i : i + length]).max() for i in range(0, n_samples, length)]
            np.testing.assert_array_equal(found, np.array(expected, np.float32))
        assert found.max() == np.abs(y).max()


def test_a_click_is_where_it_is_in_the_waveform():
    y = np.zeros(SR * 20, np.float32)
    y[SR * 5] = 1
    _, found = run(wav(y[:, None]), PLAIN)
    assert np.argmax(found.waveform) / found.waveform.size == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    ("source", "settings", "error", "match"),
    [
        (lambda: wav(np.zeros(SR // 5)), PLAIN, ClipTooShort, r"0\.20 s of audio, 0\.5 s or more .* longer clip"),
        (lambda: wav(np.zeros(SR * 2)), AnalysisSettings(min_duration_s=3), ClipTooShort, r"2\.00 s .* 3 s"),
        (lambda: wav(np.zeros(SR * 2)), AnalysisSettings(max_duration_s=1.5), AudioTooLong, r"2\.0 s .* 1\.5 s: cut"),
        (lambda: wav(np.zeros(0)), PLAIN, EmptyFile, "without any sound"),
        (lambda: io.BytesIO(), PLAIN, EmptyFile, None),
        (lambda: wav(np.full(SR, np.nan)), PLAIN, InvalidSamples, "not a number"),
        (lambda: "missing.wav", PLAIN, UnreadableFile, "missing.wav"),
        (lambda: io.BytesIO(wav(np.ones(SR), subtype="PCM_16").getvalue()[:-SR]), PLAIN, CorruptAudio, None),
    ],
)
def test_bad_input(source, settings, error, match):
    with pytest.raises(error, match=match):
        run(source(), settings)


def test_the_scalogram_comes_when_it_is_asked_for_and_travels():
    y = 0.3 * np.sin(2 * np.pi * 700 * np.arange(4 * SR) / SR)
    _, plain = run(wav(y), PLAIN)
    _, found = run(wav(y), AnalysisSettings(attributes=False, scalogram=True))
    assert plain.scalogram.shape == (0, 71)
    assert found.scalogram.shape == (-(-found_samples(found) // 512), 71)
    np.testing.assert_array_equal(Analysis.from_message(*found.to_message()).scalogram, found.scalogram)
    assert found.scalogram[20:-20].astype(float).mean(axis=0).argmax() == 21  # 687.5 to 718.75 Hz


def found_samples(analysis: Analysis) -> int:
    return round(analysis.info.duration_s * 16000)
