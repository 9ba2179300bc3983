"""A reverberation dies away as its room says; a master has the loudness, band and ceiling that were asked for."""

import numpy as np
import pyloudnorm
import pytest

from datasets.composers.song import Mix
from datasets.mixing import CEILING, amplify, master, panned, reverberant

SR = 22050


def click(seconds):
    y = np.zeros((int(seconds * SR), 2), np.float32)
    y[0] = 1.0
    return y


def tail(room, share=0.5):
    y = reverberant(click(4.0), room, share, sr=SR, rng=np.random.default_rng(0))
    return y - click(4.0)


def level_db(y):
    return 10 * np.log10(np.mean(np.square(y)))


def test_it_falls_by_60_db_in_its_time():
    wet = tail(room=0.5)  # 1.3 s
    early, late = wet[: SR // 10], wet[int(1.15 * SR) : int(1.25 * SR)]
    assert abs(level_db(early) - level_db(late) - 60 * 1.15 / 1.3) < 3
    assert not wet[int(1.35 * SR) :].any() or np.abs(wet[int(1.35 * SR) :]).max() < 1e-6


def test_at_a_share_of_one_it_has_the_energy_of_the_dry_sound():
    assert np.allclose(np.square(tail(0.3, share=1.0)).sum(axis=0), 1.0, rtol=1e-3)
    assert np.allclose(np.square(tail(0.3, share=0.5)).sum(axis=0), 0.25, rtol=1e-3)


def test_the_channels_differ():
    wet = tail(0.5)
    assert abs(np.corrcoef(wet[:SR].T)[0, 1]) < 0.1


def noise(seconds=3.0, level=0.1, seed=0):
    rng = np.random.default_rng(seed)
    return (level * rng.standard_normal((int(seconds * SR), 2))).astype(np.float32)


def tone(hz, seconds=3.0, level=0.1):
    y = level * np.sin(2 * np.pi * hz * np.arange(int(seconds * SR)) / SR)
    return np.repeat(y[:, np.newaxis], 2, axis=1).astype(np.float32)


def mastered(y, **mix):
    settings = {"compression": 0.0, "bandwidth_hz": 20000.0, **mix}
    return master(y, Mix(**settings), sr=SR, rng=np.random.default_rng(0))


def band_power(y, low, high):
    power = np.square(np.abs(np.fft.rfft(y.mean(axis=1))))
    hz = np.fft.rfftfreq(len(y), 1 / SR)
    return power[(hz >= low) & (hz < high)].sum()


@pytest.mark.parametrize("loudness_lufs", [-30.0, -23.0, -20.0])
@pytest.mark.parametrize("level", [0.001, 0.5])
def test_the_master_is_as_loud_as_asked(loudness_lufs, level):
    y = mastered(tone(500, level=level), loudness_lufs=loudness_lufs)
    assert pyloudnorm.Meter(SR).integrated_loudness(y.astype(float)) == pytest.approx(loudness_lufs, abs=1.0)


@pytest.mark.parametrize("compression", [0.0, 1.0])
@pytest.mark.parametrize("loudness_lufs", [-16.0, 0.0, 20.0])
def test_no_sample_passes_the_ceiling(loudness_lufs, compression):
    y = mastered(noise(level=3.0), loudness_lufs=loudness_lufs, compression=compression, low_db=12, high_db=12)
    assert np.abs(y).max() <= CEILING < 1.0
    assert y.dtype == np.float32


@pytest.mark.parametrize("hiss_db", [-120.0, -40.0])
def test_silence_stays_silence(hiss_db):
    y = mastered(np.zeros((SR, 2), np.float32), hiss_db=hiss_db)
    assert y.shape == (SR, 2)
    assert not y.any()


def test_a_narrow_band_cuts_the_highs_and_leaves_the_lows():
    whole, narrow = (mastered(noise(), bandwidth_hz=hz) for hz in (20000.0, 2000.0))

    def share_of_highs(y):
        return band_power(y, 5000, SR / 2) / band_power(y, 100, 1500)

    assert share_of_highs(narrow) < 1e-4 * share_of_highs(whole)


def test_shelves_raise_what_they_name():
    def db(y, low, high):
        return 10 * np.log10(band_power(y, low, high) / band_power(y, 800, 1200))

    plain, warm, bright = (mastered(noise(), **shelf) for shelf in ({}, {"low_db": 6.0}, {"high_db": 6.0}))
    assert db(warm, 20, 60) - db(plain, 20, 60) == pytest.approx(6.0, abs=1.0)
    assert db(warm, 8000, 10000) - db(plain, 8000, 10000) == pytest.approx(0.0, abs=1.0)
    assert db(bright, 9000, 11000) - db(plain, 9000, 11000) == pytest.approx(6.0, abs=1.0)
    assert db(bright, 20, 60) - db(plain, 20, 60) == pytest.approx(0.0, abs=1.0)


def test_compression_brings_loud_and_soft_nearer_to_one_another():
    y = np.concatenate([tone(500, 1.5, level=0.02), tone(500, 1.5, level=0.4)])

    def range_db(y):
        return level_db(y[2 * SR : 2 * SR + SR // 2]) - level_db(y[SR // 2 : SR])

    plain, pressed = (range_db(mastered(y, compression=amount, loudness_lufs=-30.0)) for amount in (0.0, 1.0))
    assert plain == pytest.approx(20 * np.log10(20), abs=0.5)
    assert pressed < plain - 8


def test_hiss_is_as_strong_as_asked_and_of_its_seed():
    quiet = tone(500, level=0.1)
    hissing = mastered(quiet, hiss_db=-40.0) - mastered(quiet)
    assert level_db(hissing[: 2 * SR]) == pytest.approx(-40 + 10 * np.log10(1 + 0.85**2), abs=0.3)
    other = master(quiet, Mix(compression=0.0, hiss_db=-40.0), sr=SR, rng=np.random.default_rng(1))
    assert np.any(other != mastered(quiet, hiss_db=-40.0))


def test_the_end_fades_to_nothing():
    y = mastered(tone(500))
    assert np.all(y[-1] == 0)
    assert np.abs(y[-SR // 10 : -SR // 20]).max() > 0.9 * np.abs(y).max()


@pytest.mark.parametrize(("pan", "left", "right"), [(-1, np.sqrt(2), 0), (0, 1, 1), (1, 0, np.sqrt(2))])
def test_a_pan_shares_out_the_power(pan, left, right):
    y = panned(np.ones((4, 2), np.float32), pan)
    assert y == pytest.approx(np.tile([left, right], (4, 1)), abs=1e-6)


@pytest.mark.parametrize("pan", [-0.8, -0.3, 0.5])
def test_the_power_is_the_same_wherever_a_sound_stands(pan):
    assert np.square(panned(np.ones((1, 2), np.float32), pan)).sum() == pytest.approx(2.0, rel=1e-5)


def test_no_drive_is_a_clean_amplifier_and_full_drive_adds_overtones():
    y = tone(220)

    def overtones(drive):
        driven = amplify(y, drive, sr=SR)
        assert np.array_equal(driven[:, 0], driven[:, 1]), "a guitar is in mono"
        assert level_db(driven) == pytest.approx(level_db(y), abs=0.1)
        return band_power(driven, 400, 5000) / band_power(driven, 210, 230)

    assert overtones(0.0) < 1e-3
    assert overtones(1.0) > 0.1
    assert overtones(0.0) < overtones(0.5) < overtones(1.0)


@pytest.mark.parametrize("drive", [0.0, 1.0])
def test_an_amplifier_without_input_is_silent(drive):
    assert not amplify(np.zeros((SR, 2), np.float32), drive, sr=SR).any()


def test_a_loudspeaker_has_neither_deep_bass_nor_treble():
    y = amplify(noise(), 0.0, sr=SR)
    per_hz = {band: band_power(y, *band) / (band[1] - band[0]) for band in ((10, 40), (500, 2000), (9000, 11000))}
    assert per_hz[10, 40] < 0.01 * per_hz[500, 2000]
    assert per_hz[9000, 11000] < 0.1 * per_hz[500, 2000]


@pytest.mark.parametrize("sr", [8000, 96000])
def test_every_sampling_rate_of_the_renderer_is_mixed(sr):
    y = amplify(noise(), 0.5, sr=sr)
    finished = master(y, Mix(low_db=3.0, high_db=3.0, bandwidth_hz=3000.0), sr=sr, rng=np.random.default_rng(0))
    assert finished.shape == y.shape
    assert 0.01 < np.abs(finished).max() <= CEILING
