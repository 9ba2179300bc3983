"""The same sound is found in every form, and nothing else is."""

import io
from pathlib import Path

import numpy as np
import pytest

from features.audio import load
from features.errors import FeatureError, InvalidSamples
from features.fingerprint import (
    FINGERPRINT_SR,
    FRAMES_PER_S,
    LONGEST_SAMPLES,
    FingerprintStream,
    bit_error_rate,
    find_matches,
    fingerprint,
)
from tests.support.audio_files import GOOD, sound_file
from tests.support.melodies import melody

SR = 22050


def _fingerprint_of(data: bytes) -> np.ndarray:
    return fingerprint(load(io.BytesIO(data), sr=FINGERPRINT_SR))


def _as_file(y: np.ndarray, *, sr: int = SR) -> np.ndarray:
    return _fingerprint_of(sound_file(y, sr, format="WAV"))


@pytest.fixture(scope="module")
def songs() -> list[np.ndarray]:
    return [melody(seed) for seed in range(8)]


@pytest.fixture(scope="module")
def codes(songs: list[np.ndarray]) -> list[np.ndarray]:
    return [_as_file(y) for y in songs]


@pytest.mark.parametrize("form", ["flac", "wav-u8", "wav-adpcm", "aiff", "mp3-lame", "ogg", "m4a", "ac3"])
def test_another_format_is_found(songs: list[np.ndarray], codes: list[np.ndarray], form: str) -> None:
    sr = 44100 if form == "ac3" else SR
    copy = load(io.BytesIO(sound_file(songs[3], SR, format="WAV")), sr=sr)
    stereo = np.repeat(copy[:, None], 2, axis=1)
    matches = find_matches([*codes, _fingerprint_of(GOOD[form](stereo, sr))])
    assert [(match.first, match.second) for match in matches] == [(3, 8)]
    assert abs(matches[0].offset_s) < 0.1
    assert matches[0].overlap_s == pytest.approx(12.0, abs=0.3)


@pytest.mark.parametrize(
    "change",
    [
        lambda y: 0.03 * y,
        lambda y: -y,
        lambda y: np.stack([y, 0.5 * y], axis=1),
        lambda y: y + 0.1,
        lambda y: y + 0.01 * np.random.default_rng(1).standard_normal(y.size),
        lambda y: np.clip(y, -0.2, 0.2),
    ],
    ids=["quieter", "inverted", "stereo", "offset", "noise", "clipped"],
)
def test_another_level_polarity_or_some_damage_is_found(songs, codes, change) -> None:
    matches = find_matches([*codes, _as_file(change(songs[5]))])
    assert [(match.first, match.second) for match in matches] == [(5, 8)]


@pytest.mark.parametrize("start_s", [0.016, 1.0, 3.333])
def test_a_part_is_found_where_it_lies(songs, codes, start_s: float) -> None:
    part = songs[2][round(start_s * SR) :]
    (match,) = find_matches([_fingerprint_of(GOOD["mp3-lame"](0.3 * np.stack([part, part], axis=1), SR)), *codes])
    assert (match.first, match.second) == (0, 3)
    assert match.offset_s == pytest.approx(-start_s, abs=0.1)
    (match,) = find_matches([codes[2], _as_file(part)])
    assert match.offset_s == pytest.approx(start_s, abs=0.04)
    assert match.overlap_s == pytest.approx(12 - start_s, abs=0.2)


def test_silence_before_the_start_does_not_matter(songs, codes) -> None:
    (match,) = find_matches([codes[2], _as_file(np.concatenate([np.zeros(5 * SR, np.float32), songs[2]]))])
    assert match.offset_s == pytest.approx(-5.0, abs=0.04)


def test_exact_copies_differ_in_no_bit(codes) -> None:
    (match,) = find_matches([codes[0], codes[1], codes[0].copy()])
    assert (match.first, match.second, match.offset_s, match.bit_error_rate) == (0, 2, 0.0, 0.0)


def test_different_recordings_are_not_found(codes) -> None:
    more = [_as_file(melody(seed)) for seed in range(100, 110)]
    assert find_matches(codes + more) == []


def test_another_arrangement_of_the_same_sounds_is_another_recording(songs) -> None:
    halves = np.split(songs[0], 2)
    other = np.split(songs[1], 2)
    assert len(find_matches([_as_file(songs[0]), _as_file(np.concatenate([halves[0], other[0]]))])) == 1
    quarter = np.concatenate([halves[0][: 3 * SR], other[0], other[1][: 3 * SR]])
    assert find_matches([_as_file(songs[0]), _as_file(quarter)]) == []  # less than half in common


def test_different_recordings_differ_in_half_of_the_bits(codes) -> None:
    share, n_frames = bit_error_rate(codes[0], codes[1])
    assert share == pytest.approx(0.5, abs=0.05)
    assert n_frames == len(codes[0])


def test_the_share_of_bits_can_be_counted() -> None:
    a = np.array([0b1111, 0b1000, 7, 0], np.uint32)
    b = np.array([0b1101, 0b0111, 0, 9], np.uint32)
    assert bit_error_rate(a, b) == (5 / 64, 2)  # one bit and four; frames without a code do not count
    assert bit_error_rate(a[:0], b[:0]) == (1.0, 0)


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(4 * FINGERPRINT_SR, np.float32),
        np.full(4 * FINGERPRINT_SR, 0.5, np.float32),
        np.sin(2 * np.pi * 1000 / FINGERPRINT_SR * np.arange(4 * FINGERPRINT_SR)),
    ],
    ids=["silence", "offset", "tone"],
)
def test_what_stands_still_says_nothing_and_matches_nothing(y: np.ndarray) -> None:
    codes = fingerprint(y)
    assert (codes[10:-10] == 0).all()
    assert find_matches([codes, codes]) == []


def test_the_number_of_codes() -> None:
    assert fingerprint(np.zeros(16000)).shape == (1 + 16000 // 512 - 4,)
    assert fingerprint(np.zeros(0)).shape == (0,)
    assert fingerprint(np.zeros(100)).shape == (0,)
    longest = fingerprint(np.zeros(LONGEST_SAMPLES + 16000))
    assert longest.size == pytest.approx(120 * FRAMES_PER_S, abs=4)


def test_blocks_make_no_difference() -> None:
    y = melody(1, seconds=130.0, sr=FINGERPRINT_SR)
    stream = FingerprintStream()
    for block in np.split(y, [1, 5000, 5000, 1_000_000, LONGEST_SAMPLES - 3, LONGEST_SAMPLES + 9]):
        stream.push(block)
    np.testing.assert_array_equal(stream.result(), fingerprint(y))


@pytest.mark.shared
def test_real_music_is_found_after_lossy_coding_and_told_apart(shared_data: Path) -> None:
    """Each of six pieces, and its copy: half a frame and 3 s later, a fifth as loud, coded again."""
    originals, copies = [], []
    for path in sorted((shared_data / "audio").glob("*.ogg"))[:6]:
        codes = fingerprint(load(path, sr=FINGERPRINT_SR))
        y = load(path, sr=44100, offset_s=3.016)
        originals.append(codes)
        copies.append(_fingerprint_of(GOOD["mp3-lame"](0.2 * np.stack([y, y], axis=1), 44100)))
    matches = find_matches(originals + copies)
    assert [(match.first, match.second) for match in matches] == [(k, k + 6) for k in range(6)]
    assert max(match.bit_error_rate for match in matches) < 0.2


def test_many_copies_are_linked(codes) -> None:
    copies = [codes[0].copy() for _ in range(150)]
    reached = {0}
    for match in find_matches(copies):
        if match.first in reached:
            reached.add(match.second)
    assert reached == set(range(150))


def test_nothing_has_no_matches() -> None:
    assert find_matches([]) == []
    assert find_matches([np.empty(0, np.uint32)] * 3) == []


def test_bad_input_is_refused_by_name() -> None:
    with pytest.raises(FeatureError, match="mono"):
        fingerprint(np.zeros((100, 2)))
    with pytest.raises(InvalidSamples, match="NaN"):
        fingerprint(np.full(100, np.nan))
    with pytest.raises(FeatureError, match="fingerprint 1 is float64"):
        find_matches([np.empty(0, np.uint32), np.zeros(5)])
