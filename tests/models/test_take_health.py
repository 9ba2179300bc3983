"""Takes that are no music, and some that are: sounds whose fault is known."""

import json

import numpy as np
import pytest

from features.errors import FeatureError
from features.log_mel import FRAMES_PER_S, SR
from models.errors import ModelError
from models.take_health import CLIPPED_LIMIT, LONGEST_CYCLE, HealthMeter, health_of


def beats(seconds: float) -> np.ndarray:
    """A plucked note, another one each third of a second: samples."""
    t = np.arange(round(seconds * SR)) / SR
    hz = 220 * 2 ** (np.floor(3 * t) * 7 % 12 / 12)
    return (0.4 * np.sin(2 * np.pi * hz * t) * np.exp(-6 * (t % (1 / 3)))).astype(np.float32)


def codes_of(n_frames: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 1024, (4, n_frames))


def health(y: np.ndarray, codes: np.ndarray | None = None):
    return health_of(codes_of(1 + len(y) // 512) if codes is None else codes, [y.astype(np.float32)])


@pytest.mark.parametrize("seconds", [0.1, 1, 2, 10])
def test_notes_are_music(seconds):
    found = health(beats(seconds))
    assert found.problem is None
    assert (found.silent_share, found.still_s, found.stuck_s) == (0, 0, 0)
    assert found.clipped_share < 0.001
    assert found.seconds == pytest.approx(seconds, abs=0.03)


def test_silence_is_told_with_its_length():
    y = beats(10)
    y[round(2.8 * SR) :] = 0
    found = health(y)
    assert found.silent_share == pytest.approx(0.72, abs=0.01)
    assert found.problem == "silent for 7.2 of 10.0 s"
    assert health(np.zeros(SR)).problem == "silent for 1.0 of 1.0 s"


def test_what_is_far_under_the_loud_part_sounds_silent_beside_it():
    y = beats(10)
    y[5 * SR :] *= 0.001
    assert health(y).silent_share == pytest.approx(0.5, abs=0.02)
    assert health(0.1 * beats(10)).problem is None  # quiet all along is only quiet


def test_a_rest_is_no_silence():
    y = beats(10)
    y[4 * SR : 6 * SR] = 0
    assert health(y).problem is None


@pytest.mark.parametrize("level", [0.1, 1])
@pytest.mark.parametrize("sound", ["tone", "chord", "noise"])
def test_a_sound_that_nothing_moves_is_told(rng, sound, level):
    t = np.arange(6 * SR) / SR
    tones = {"tone": [440], "chord": [220, 277.2, 329.6], "noise": []}[sound]
    y = sum(np.sin(2 * np.pi * hz * t) for hz in tones) / 3 if tones else rng.normal(0, 0.3, t.size)
    found = health(level * y)
    assert found.still_s >= 4
    assert found.problem is not None
    assert found.problem.startswith(f"nothing moves for {found.still_s:.0f} of 6.0 s")
    assert health(np.concatenate([beats(4), level * y[: SR // 2], beats(4)])).problem is None  # one held note


@pytest.mark.parametrize("period", [1, 2, 7, LONGEST_CYCLE])
def test_a_cycle_that_the_codes_repeat_is_told(period):
    y = beats(10)
    codes = codes_of(1 + len(y) // 512)
    codes[:2, 50:150] = np.tile(codes[:2, 50 : 50 + period], 101)[:, :100]
    found = health(y, codes)
    assert found.stuck_s == pytest.approx(100 / FRAMES_PER_S)
    assert found.problem == "stuck: repeats the same codes for 2.3 of 10.0 s"
    codes[1] = codes_of(codes.shape[1])[1]  # where the second codebook goes on, there is movement
    assert health(y, codes).stuck_s == 0


def test_a_cycle_of_a_beat_is_a_rhythm():
    codes = codes_of(1 + len(beats(10)) // 512)
    period = LONGEST_CYCLE + 3
    codes[:, :400] = np.tile(codes[:, :period], 100)[:, :400]
    assert health(beats(10), codes).problem is None


def test_codes_that_repeat_in_silence_are_silence():
    y = beats(10)
    y[: 2 * SR + 4000] = 0
    codes = codes_of(1 + len(y) // 512)
    codes[:, :90] = 5
    found = health(y, codes)
    assert found.stuck_s < 0.2
    assert found.problem is None


@pytest.mark.parametrize("level", [0.1, 1, 3])  # clipped before it was made louder or softer
def test_clipping_is_told(level):
    loud = 20 * beats(10)
    found = health(level * np.clip(loud, -1, 1))
    share = np.mean(np.abs(loud) >= 1)
    assert found.clipped_share == pytest.approx(share, abs=0.001)
    assert found.problem == f"clipped in {100 * share:.0f} % of its samples"


def test_crests_and_clicks_are_not_clipped():
    bass = np.sin(2 * np.pi * 50 * np.arange(SR) / SR)
    assert health(bass).clipped_share < CLIPPED_LIMIT
    clicks = np.zeros(SR)
    clicks[::1000] = 0.5
    assert health(clicks).clipped_share == 23 / SR


def test_entropy_counts_the_bits_of_a_code():
    codes = codes_of(1 + len(beats(5)) // 512)
    codes[0] = np.arange(codes.shape[1]) % 8
    assert health(beats(5), codes).code_entropy_bits == pytest.approx(3, abs=0.001)
    codes[0] = 5
    assert health(beats(5), codes).code_entropy_bits == 0


def test_the_answer_does_not_depend_on_the_blocks():
    y = beats(20)
    y[7 * SR : 9 * SR] = 0
    meter = HealthMeter()
    for block in np.array_split(y, 13):
        meter.push(block)
    codes = codes_of(861)
    assert meter.finish(codes) == health_of(codes, [y])


def test_codes_may_come_at_half_the_rate():
    y = beats(10)
    codes = codes_of((1 + len(y) // 512) // 2)
    codes[:, 50:125] = 3
    assert health(y, codes).stuck_s == pytest.approx(2 * 75 / FRAMES_PER_S, abs=0.05)


def test_health_is_json():
    written = json.loads(json.dumps(health(beats(1)).to_dict()))
    assert set(written) == {
        "seconds", "silent_share", "still_s", "stuck_s", "clipped_share", "code_entropy_bits", "problem",
    }  # fmt: skip
    assert written["problem"] is None


@pytest.mark.parametrize(
    ("codes", "y", "error", "message"),
    [
        (codes_of(10), np.zeros((9, 2)), FeatureError, "expected mono"),
        (codes_of(10), np.full(9, np.nan), FeatureError, "NaN or infinity"),
        (codes_of(10), np.zeros(0), FeatureError, "no samples"),
        (codes_of(0), np.zeros(9), ModelError, r"codes int64 \(4, 0\)"),
        (codes_of(10)[0], np.zeros(9), ModelError, r"codes int64 \(10,\)"),
        (codes_of(10).astype(float), np.zeros(9), ModelError, "codes float64"),
    ],
)
def test_what_is_no_take_is_refused(codes, y, error, message):
    with pytest.raises(error, match=message):
        health_of(codes, [y])
