import numpy as np
import pytest

from features.errors import FeatureError
from features.packet_scalogram import (
    BLOCK_SAMPLES,
    FRAMES_PER_SECOND,
    HOP_LENGTH,
    N_BANDS,
    SR,
    PacketScalogramStream,
    band_edges_hz,
    packet_scalogram,
)


def tone(hz: float, seconds: float = 4.0, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * SR)) / SR)).astype(np.float32)


@pytest.mark.parametrize("band", range(1, N_BANDS))
def test_a_tone_in_the_middle_of_a_band_is_loudest_there(band):
    edges = band_edges_hz()
    S = packet_scalogram(tone((edges[band] + edges[band + 1]) / 2))
    inner = S[20:-20]
    assert inner.mean(axis=0).argmax() == band


def test_powers_of_the_bands_add_up_to_that_of_the_signal():
    y = np.random.default_rng(0).standard_normal(12 * SR).astype(np.float32)
    S = packet_scalogram(y)
    assert np.square(S, dtype=float).sum() * HOP_LENGTH == pytest.approx(np.square(y, dtype=float).sum(), rel=2e-3)


def test_a_tone_reads_its_root_mean_square():
    S = packet_scalogram(tone(700.0))
    assert np.sqrt(np.square(S[20:-20]).sum(axis=1)).mean() == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_a_click_is_where_it_is():
    y = np.zeros(10 * SR, np.float32)
    y[5 * SR] = 1.0
    power = np.square(packet_scalogram(y)[:, -40:]).sum(axis=1)
    assert power.argmax() == int(5 * FRAMES_PER_SECOND)


def test_silence_is_zero():
    assert not packet_scalogram(np.zeros(SR, np.float32)).any()


@pytest.mark.parametrize("cut", [1, 511, 4096, 100_001, BLOCK_SAMPLES])
def test_blocks_do_not_change_the_numbers(cut):
    y = np.random.default_rng(1).standard_normal(3 * BLOCK_SAMPLES // 2 + 77).astype(np.float32)[: 300 * cut]
    stream = PacketScalogramStream()
    for start in range(0, y.size, cut):
        stream.push(y[start : start + cut])
    np.testing.assert_array_equal(stream.finish(), packet_scalogram(y))


def test_no_seam_where_blocks_of_the_transform_meet():
    """A steady tone is equally loud in every frame but the first and last ones, but for the beat of tone and frame."""
    loudness = np.sqrt(np.square(packet_scalogram(tone(1010.0, seconds=30.0))).sum(axis=1))[40:-40]
    assert loudness.min() > 0.9 * loudness.max()


@pytest.mark.parametrize("n_samples", [1, 512, 513, 122_880, 122_881, 131_072, 245_760])
def test_there_is_a_frame_for_every_started_512_samples(n_samples):
    assert packet_scalogram(np.ones(n_samples, np.float32)).shape == (-(-n_samples // HOP_LENGTH), N_BANDS)


def test_bands_are_gapless_octaves():
    edges = band_edges_hz()
    assert edges[0] == 0
    assert edges[1] == 62.5
    assert edges[-1] == 8000
    assert len(edges) == N_BANDS + 1
    assert (np.diff(edges) > 0).all()


@pytest.mark.parametrize("y", [np.zeros((3, 2)), np.zeros(0)])
def test_what_is_no_mono_signal_is_refused(y):
    with pytest.raises(FeatureError, match=r"mono|no samples"):
        packet_scalogram(y)
