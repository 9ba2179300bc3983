"""Changes of recordings whose answer is known: levels, spectra of tones, lengths."""

import numpy as np
import pytest

from datasets.audio_augmentation import (
    FILTER_KINDS,
    AddNoise,
    Chain,
    Filter,
    Gain,
    Mix,
    PitchShift,
    TimeStretch,
    Transform,
)
from datasets.errors import DatasetError

SR = 16000
OTHERS = [np.sin(np.arange(5000) / 3.0), np.random.default_rng(3).uniform(-0.5, 0.5, (30000, 2))]
ALL = [
    Gain(),
    AddNoise(),
    *(Filter(kinds=(kind,)) for kind in FILTER_KINDS),
    TimeStretch(),
    PitchShift(),
    Mix(OTHERS, SR),
    Chain([Gain(), AddNoise(), Chain([Filter(), Mix(OTHERS, SR)], p=0.5)], p=(1.0, 0.5, 0.9)),
]


def _name(transform: Transform) -> str:
    return "-".join([type(transform).__name__, *getattr(transform, "kinds", ())])


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _tone(frequency: float, *, seconds: float = 1.0, amplitude: float = 0.25) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * SR)) / SR)).astype(np.float32)


def _level_db(y: np.ndarray, frequency: float) -> float:
    """Level of a tone, 0 dB for amplitude 1, from the middle half of the recording."""
    y = y[len(y) // 4 : -len(y) // 4]
    window = np.hanning(y.size)
    wave = np.exp(-2j * np.pi * frequency * np.arange(y.size) / SR)
    return 20 * np.log10(2 * np.abs(np.sum(y * window * wave)) / window.sum() + 1e-12)


def _pitch_hz(y: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(y * np.hanning(y.size)))
    return np.argmax(spectrum) * SR / y.size


def _power(y: np.ndarray) -> float:
    return float(np.mean(np.square(y, dtype=float)))


@pytest.mark.parametrize("transform", ALL, ids=_name)
@pytest.mark.parametrize("shape", [(SR,), (SR, 1), (SR, 2)])
def test_what_all_transforms_keep_to(transform: Transform, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    y = rng.uniform(-0.9, 0.9, shape).astype(np.float32)
    before = y.copy()
    changed = transform(y, SR, _rng(1))
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(transform(y, SR, _rng(1)), changed)
    other = transform(y, SR, _rng(2))
    assert other.shape != changed.shape or not np.array_equal(other, changed)
    assert changed.dtype == np.float32
    assert changed.shape[1:] == shape[1:]
    assert np.abs(changed).max() <= np.float32(1.0)
    if not isinstance(transform, TimeStretch):
        assert len(changed) == SR


@pytest.mark.parametrize("transform", ALL, ids=_name)
def test_silence_stays_silence(transform: Transform) -> None:
    assert not transform(np.zeros((4000, 2), np.float32), SR, _rng()).any()


def test_six_decibels_double_the_samples() -> None:
    y = _tone(440)
    np.testing.assert_allclose(Gain((6.0206, 6.0206))(y, SR, _rng()), 2 * y, rtol=1e-5)


def test_gain_is_drawn_from_its_range() -> None:
    y = _tone(440, amplitude=0.01)
    rng = _rng()
    gains_db = [10 * np.log10(_power(Gain((-3.0, 9.0))(y, SR, rng)) / _power(y)) for _ in range(200)]
    assert -3.001 <= min(gains_db) < -2.0
    assert 8.0 < max(gains_db) <= 9.001


def test_nothing_is_clipped_but_scaled_as_a_whole() -> None:
    y = _tone(440, amplitude=0.8)
    np.testing.assert_allclose(Gain((20.0, 20.0))(y, SR, _rng()), y / np.abs(y).max(), atol=1e-6)


def test_a_recording_beyond_full_scale_stays_at_its_peak() -> None:
    y = 3 * _tone(440, amplitude=1.0)
    assert np.abs(Gain((20.0, 20.0))(y, SR, _rng())).max() == pytest.approx(np.abs(y).max())
    np.testing.assert_allclose(Gain((0.0, 0.0))(y, SR, _rng()), y)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("snr_db", [20.0, -3.0])
def test_noise_has_the_power_that_was_asked_for(exponent: float, snr_db: float) -> None:
    y = _tone(440, amplitude=0.01)
    noisy = AddNoise((snr_db, snr_db), exponent=(exponent, exponent))(y, SR, _rng())
    assert _power(noisy - y) == pytest.approx(_power(y) * 10 ** (-snr_db / 10), rel=1e-3)


@pytest.mark.parametrize(("exponent", "db_per_octave"), [(0.0, 0.0), (1.0, -3.01), (2.0, -6.02)])
def test_the_colour_of_noise_is_its_slope(exponent: float, db_per_octave: float) -> None:
    y = _tone(440, amplitude=0.01, seconds=30.0)
    noise = AddNoise((0.0, 0.0), exponent=(exponent, exponent))(y, SR, _rng()) - y
    power = np.abs(np.fft.rfft(noise)) ** 2
    hz = len(noise) / SR
    low, high = (power[round(f * hz) : round(2 * f * hz)].mean() for f in (1000, 2000))
    assert 10 * np.log10(high / low) == pytest.approx(db_per_octave, abs=0.3)


def test_noise_of_two_channels_is_not_one_noise() -> None:
    y = np.stack([_tone(440), _tone(440)], axis=1)
    noise = AddNoise((10.0, 10.0))(y, SR, _rng()) - y
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.5


@pytest.mark.parametrize(
    ("kind", "frequency", "lowest_db", "highest_db"),
    [
        ("low_pass", 250.0, -0.1, 0.1),
        ("low_pass", 1000.0, -3.1, -2.9),  # a Butterworth filter's corner
        ("low_pass", 4000.0, -120.0, -48.0),  # two octaves at 24 dB
        ("high_pass", 250.0, -120.0, -47.0),
        ("high_pass", 1000.0, -3.1, -2.9),
        ("high_pass", 4000.0, -0.1, 0.1),
        ("band_pass", 62.5, -120.0, -48.0),  # the band is 250 to 1000 Hz
        ("band_pass", 500.0, -0.1, 0.1),
        ("band_pass", 4000.0, -120.0, -48.0),
        ("low_shelf", 62.5, -12.1, -11.9),
        ("low_shelf", 1000.0, -6.1, -5.9),  # half of the decibels
        ("low_shelf", 7000.0, -0.1, 0.1),
        ("high_shelf", 62.5, -0.1, 0.1),
        ("high_shelf", 1000.0, -6.1, -5.9),
        ("high_shelf", 7000.0, -12.1, -11.9),
    ],
)
def test_filters_change_a_tone_by(kind: str, frequency: float, lowest_db: float, highest_db: float) -> None:
    y = _tone(frequency, seconds=4)
    settings = Filter((kind,), cutoff_hz=(1000.0, 1000.0), octaves=(2.0, 2.0), shelf_db=(-12.0, -12.0))
    change_db = _level_db(settings(y, SR, _rng()), frequency) - _level_db(y, frequency)
    assert lowest_db < change_db < highest_db


def test_a_filter_s_corner_stays_below_half_the_sampling_rate() -> None:
    y = _tone(440)
    changed = Filter(("low_pass",), cutoff_hz=(90_000.0, 90_000.0))(y, SR, _rng())
    assert _level_db(changed, 440) == pytest.approx(_level_db(y, 440), abs=0.1)


def test_stretching_by_two_halves_the_duration_and_keeps_the_pitch() -> None:
    changed = TimeStretch((2.0, 2.0))(_tone(440, seconds=2.0), SR, _rng())
    assert changed.shape == (SR,)
    assert _pitch_hz(changed) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(("semitones", "expected_hz"), [(12.0, 440.0), (-12.0, 110.0), (7.0, 329.6)])
def test_shifting_moves_the_pitch_and_keeps_the_duration(semitones: float, expected_hz: float) -> None:
    changed = PitchShift((semitones, semitones))(_tone(220, seconds=2.0), SR, _rng())
    assert changed.shape == (2 * SR,)
    assert _pitch_hz(changed) == pytest.approx(expected_hz, abs=2)


def test_a_mix_holds_both_recordings_at_the_given_level() -> None:
    y, other = _tone(440, amplitude=0.2), _tone(1000, seconds=0.1, amplitude=0.9)  # 100 whole periods: joins are smooth
    mixed = Mix([other], SR, level_db=(-6.0206, -6.0206))(y, SR, _rng())
    assert _level_db(mixed, 440) == pytest.approx(20 * np.log10(0.2), abs=0.1)
    assert _level_db(mixed, 1000) == pytest.approx(20 * np.log10(0.1), abs=0.1)


def test_a_silent_other_changes_nothing() -> None:
    y = _tone(440)
    np.testing.assert_array_equal(Mix([np.zeros(100)], SR)(y, SR, _rng()), y)


def test_a_chain_applies_what_its_probabilities_say() -> None:
    y = _tone(440, amplitude=0.01)
    double = Gain((6.0206, 6.0206))
    np.testing.assert_allclose(Chain([double, double, double], p=(1.0, 0.0, 1.0))(y, SR, _rng()), 4 * y, rtol=1e-4)
    np.testing.assert_array_equal(Chain([double], p=0.0)(y, SR, _rng()), y)
    np.testing.assert_array_equal(Chain([])(y, SR, _rng()), y)
    rng = _rng()
    applied = sum(Chain([double], p=0.3)(y, SR, rng).max() > 1.5 * y.max() for _ in range(1000))
    assert 240 < applied < 360  # four standard deviations


def test_the_order_of_a_chain_is_kept() -> None:
    y = _tone(440, amplitude=0.5)
    loud_first = Chain([Gain((20.0, 20.0)), Gain((-20.0, -20.0))])(y, SR, _rng())
    assert np.abs(loud_first).max() == pytest.approx(0.1, rel=1e-4)  # held to full scale in between


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Gain((6.0, -6.0)), "gain_db"),
        (lambda: Gain((0.0, float("nan"))), "gain_db"),
        (lambda: Gain((0.0, 121.0)), "gain_db"),
        (lambda: Gain(6.0), "gain_db=6.0: expected"),
        (lambda: AddNoise(snr_db=(float("-inf"), 0.0)), "snr_db"),
        (lambda: AddNoise(exponent=(0.0, 9.0)), "exponent"),
        (lambda: Filter(("notch",)), "kinds"),
        (lambda: Filter(()), "kinds"),
        (lambda: Filter(cutoff_hz=(0.0, 100.0)), "cutoff_hz"),
        (lambda: Filter(octaves=(0.0, 1.0)), "octaves"),
        (lambda: Filter(shelf_db=(-50.0, 1.0)), "shelf_db"),
        (lambda: TimeStretch((0.0, 1.0)), "rate"),
        (lambda: PitchShift((-36.0, 0.0)), "semitones"),
        (lambda: Mix([], SR), "no other recordings"),
        (lambda: Mix([np.zeros(0)], SR), "not empty"),
        (lambda: Mix([np.array([np.nan])], SR), "NaN"),
        (lambda: Mix(OTHERS, 0), "sr=0"),
        (lambda: Chain([Gain], p=1.0), "expected instances"),
        (lambda: Chain([Gain()], p=1.5), "probability"),
        (lambda: Chain([Gain()], p=(0.5, 0.5)), "1 of them"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(build, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        build()


@pytest.mark.parametrize(
    ("transform", "y", "sr", "words"),
    [
        (Gain(), np.zeros(0, np.float32), SR, "not empty"),
        (Gain(), np.zeros((2, 2, 2), np.float32), SR, "n_channels"),
        (Gain(), np.zeros(10, np.int16), SR, "int16"),
        (Gain(), np.array([0.0, np.inf]), SR, "NaN or infinity"),
        (Gain(), np.zeros(10), 0, "sr=0"),
        (TimeStretch(), np.zeros(2047), SR, "2048 or more"),
        (PitchShift(), np.zeros(2047), SR, "2048 or more"),
        (Mix(OTHERS, SR), np.zeros(10), 8000, "at 8000 Hz, the others are at 16000 Hz"),
    ],
)
def test_audio_that_cannot_be_changed_is_refused(transform: Transform, y: np.ndarray, sr: int, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        transform(y, sr, _rng())
