import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.non_music import KINDS, non_music

SR = 16000
SEEDS = range(8)


def clip(kind: str, seed: int, *, duration_s: float = 2.0, sr: int = SR) -> np.ndarray:
    return non_music(kind, np.random.default_rng(seed), duration_s=duration_s, sr=sr)


def spectrum(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz and each one's share of the energy."""
    power = np.abs(np.fft.rfft(y * np.hanning(y.size))) ** 2
    return np.fft.rfftfreq(y.size, 1 / SR), power / power.sum()


class AllDrawsAt(np.random.Generator):
    """A generator whose every uniform draw is the lower (0) or the upper (1) end of its range."""

    end = 0

    def uniform(self, low=0.0, high=1.0, size=None):
        value = (low, high)[self.end]
        return float(value) if size is None else np.full(size, float(value))


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_is_as_long_as_asked_and_within_its_levels(kind):
    for seed in SEEDS:
        y = clip(kind, seed, duration_s=0.7)
        assert (y.dtype, y.shape) == (np.float32, (11200,))
        assert 0.003 <= np.abs(y).max() <= 1
        assert abs(y.mean()) < 1e-5 * np.abs(y).max()


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_the_shortest_clip_sounds_whatever_is_drawn(kind, end):
    rng = AllDrawsAt(np.random.PCG64(0))
    rng.end = end
    y = non_music(kind, rng, duration_s=0.5, sr=SR)
    assert np.isfinite(y).all()
    assert np.abs(y).max() == pytest.approx((10**-2.5, 1.0)[end], rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_clip_and_another_a_new_one(kind):
    np.testing.assert_array_equal(clip(kind, 1), clip(kind, 1))
    assert np.abs(clip(kind, 1) - clip(kind, 2)).max() > 1e-3


def test_kinds_of_one_seed_are_not_alike():
    shapes = np.stack([clip(kind, 3) for kind in KINDS])
    likeness = np.abs(np.corrcoef(shapes))[~np.eye(len(KINDS), dtype=bool)]
    assert likeness.max() < 0.6


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tone_is_a_line_or_two(seed):
    _, share = spectrum(clip("tone", seed))
    assert np.sort(share)[-10:].sum() > 0.95


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_of_a_band_keeps_to_two_octaves(seed):
    frequency, share = spectrum(clip("band_noise", seed))
    low, high = frequency[np.searchsorted(share.cumsum(), [0.15, 0.85])]
    assert high / low <= 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sweep_stays_between_60_hz_and_6_khz(seed):
    frequency, share = spectrum(clip("sweep", seed))
    assert share[(frequency > 50) & (frequency < 6200)].sum() > 0.99


@pytest.mark.parametrize("seed", SEEDS)
def test_wind_is_a_low_sound(seed):
    frequency, share = spectrum(clip("wind", seed))
    assert share[frequency < 1000].sum() > 0.5


@pytest.mark.parametrize(
    ("kind", "duration_s", "words"),
    [
        ("violin", 3.0, "no kind 'violin' of non-music, expected one of noise, "),
        ("rain", 0.49, r"0\.49 s of rain, expected 0\.5 s or more"),
        ("rain", -1.0, "or more"),
    ],
)
def test_bad_input_is_refused_by_name(kind, duration_s, words, rng):
    with pytest.raises(DatasetError, match=words):
        non_music(kind, rng, duration_s=duration_s, sr=SR)
