import pytest

from models.learning_rate import cosine_by_share, warmed_cosine


def test_up_in_a_line_and_down_along_half_a_cosine():
    rates = [warmed_cosine(0.4, step, n_steps=12, n_warm=4) for step in range(12)]
    assert rates[:4] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert rates[4] == pytest.approx(0.4)
    assert rates[8] == pytest.approx(0.2)  # half-way down
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert min(rates) > 0


def test_a_training_that_only_warms_up():
    assert warmed_cosine(1.0, 0, n_steps=1, n_warm=1) == 1.0


@pytest.mark.parametrize(
    ("step", "share", "rate"),
    [(0, 0.0, 0.1), (3, 0.0, 0.4), (9, 0.5, 0.2), (9, 1.0, 0.0), (9, 1.2, 0.0), (1, 0.5, 0.1)],
)
def test_where_the_clock_decides_it_falls_by_the_share_that_is_done(step, share, rate):
    assert cosine_by_share(0.4, step, share=share, n_warm=4) == pytest.approx(rate)
