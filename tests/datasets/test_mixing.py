"""A reverberation dies away as its room says, and leaves the dry sound as it was."""

import numpy as np

from datasets.mixing import reverberant

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
