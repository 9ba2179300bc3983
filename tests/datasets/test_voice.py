"""The voice sings the pitches it is given, is silent between phrases, and differs as tracts and folds differ."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.composers.instruments import Voice
from datasets.composers.song import Note
from datasets.voice import LEVEL, VOICE_SR, vocalise

SINGER = Voice("sung", tract_cm=14.0, centre=64, breath=0.1)
SPEAKER = Voice("spoken", tract_cm=17.0, centre=50)


def voiced(notes, voice=SINGER, *, seconds=4.0, text=1, seed=0):
    """At 60 beats a minute: a beat is a second."""
    return vocalise(notes, voice, tempo_bpm=60, seconds=seconds, text=text, rng=np.random.default_rng(seed))


def pitch_hz(y):
    """By the first peak of the autocorrelation between 70 and 800 Hz."""
    spectrum = np.fft.rfft(y * np.hanning(len(y)), 2 * len(y))
    autocorrelation = np.fft.irfft(np.abs(spectrum) ** 2)
    lags = np.arange(VOICE_SR // 800, VOICE_SR // 70)
    high = autocorrelation[lags] > 0.85 * autocorrelation[lags].max()
    first = lags[np.flatnonzero(high)[0]]
    return VOICE_SR / (first + int(np.argmax(autocorrelation[first : first + 8])))


def between(y, start_s, end_s):
    return y[int(start_s * VOICE_SR) : int(end_s * VOICE_SR)]


def rms(y):
    return float(np.sqrt(np.mean(np.square(y))))


def centroid_hz(y):
    power = np.abs(np.fft.rfft(y)) ** 2
    return float((np.fft.rfftfreq(len(y), 1 / VOICE_SR) * power).sum() / power.sum())


@pytest.mark.parametrize("pitch", [55, 60, 64, 69, 74])
def test_a_sung_note_has_its_pitch(pitch):
    y = voiced([Note(0.5, 3.0, pitch, 100)])
    semitones = 12 * np.log2(pitch_hz(between(y, 1.0, 3.0)) / (440 * 2 ** ((pitch - 69) / 12)))
    assert abs(semitones) < 0.6


def test_a_spoken_syllable_falls():
    y = np.concatenate([voiced([Note(0.5, 0.6, 50, 100)], SPEAKER, seconds=2, seed=seed) for seed in range(5)])
    first = np.mean([pitch_hz(between(y, 2 * i + 0.56, 2 * i + 0.70)) for i in range(5)])
    last = np.mean([pitch_hz(between(y, 2 * i + 0.92, 2 * i + 1.06)) for i in range(5)])
    assert last < 0.97 * first


def test_the_same_text_and_generator_give_the_same_samples_and_another_text_others():
    notes = [Note(beat / 2, 0.4, 64, 90) for beat in range(1, 7)]
    assert np.array_equal(voiced(notes), voiced(notes))
    assert not np.allclose(voiced(notes), voiced(notes, text=2))


def test_it_is_as_long_as_was_asked_for_and_silent_without_notes():
    for notes in ([], [Note(9.0, 1.0, 60, 90)]):
        y = voiced(notes, seconds=1.5)
        assert y.shape == (round(1.5 * VOICE_SR),)
        assert y.dtype == np.float32
        assert not y.any()


def test_rests_are_silent():
    y = voiced([Note(0.3, 0.5, 64, 100), Note(3.0, 0.5, 64, 100)])
    assert rms(between(y, 1.2, 2.6)) < 1e-3 * rms(between(y, 0.4, 0.8))


def test_a_note_ends_where_the_next_begins():
    long, following = Note(0.5, 3.0, 60, 100), Note(1.5, 1.0, 67, 100)
    assert np.array_equal(voiced([long, following]), voiced([replace(long, duration=1.0), following]))


def test_strong_notes_are_louder_and_the_level_is_that_of_velocity_100():
    soft, usual, strong = (rms(between(voiced([Note(0.2, 3.5, 64, v)]), 0.5, 3.5)) for v in (60, 100, 120))
    assert soft < usual < strong
    assert usual == pytest.approx(LEVEL, rel=0.3)


def test_a_short_tract_sounds_brighter():
    notes = [Note(beat / 2, 0.45, 60, 100) for beat in range(1, 7)]
    short, long = (centroid_hz(voiced(notes, replace(SINGER, tract_cm=cm))) for cm in (13.0, 17.0))
    assert short > 1.1 * long


def test_roughness_puts_a_tone_below_the_note():
    """Folds that close alike only every second time have half the frequency."""

    def below(roughness):
        y = between(voiced([Note(0.2, 3.6, 69, 100)], replace(SINGER, roughness=roughness)), 1.0, 3.0)
        power = np.abs(np.fft.rfft(y * np.hanning(len(y)))) ** 2
        hz = np.fft.rfftfreq(len(y), 1 / VOICE_SR)
        return power[(hz > 190) & (hz < 250)].sum() / power.sum()

    assert below(0.5) > 10 * below(0.0)


def test_it_never_passes_full_scale():
    notes = [Note(beat / 4, 0.24, 60 + beat % 12, 127) for beat in range(16)]
    for voice in (SINGER, SPEAKER, replace(SPEAKER, roughness=1.0, breath=1.0)):
        y = voiced(notes, voice)
        assert np.isfinite(y).all()
        assert np.abs(y).max() < 1.0
