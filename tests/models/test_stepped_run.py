"""Steps, figures and checkpoints of a run that only counts."""

from dataclasses import dataclass

import pytest

from models.errors import ModelError
from models.learning_rate import cosine_by_share
from models.stepped_run import CHECKPOINT_FILE, SteppedRun, means, numbers
from models.tensorflow_runtime import keras, tf


@dataclass(frozen=True)
class Limits:
    steps: int = 7
    hours: float = 0.0
    figures_every: int = 3
    checkpoint_minutes: float = 0.0


class Counting(SteppedRun):
    def __init__(self, limits=Limits(), *, name="counting", stop_before=None):
        super().__init__(limits)
        self.total = keras.Variable(0.0)
        self._name, self._stop_before = name, stop_before

    def step(self):
        if self.n_done == self._stop_before:
            raise KeyboardInterrupt
        self.total.assign(self.total + self.n_done)
        self.count({"loss": float(self.n_done)})

    def validate(self):
        return {"val_total": float(self.total)}

    def variables(self):
        return [self.total]

    def fingerprint(self):
        return self._name


def gone_on(run, folder=None, progress=None):
    return run.go_on(checkpoints=folder, logs=None, progress=progress)


def test_figures_are_means_since_the_last_ones_and_come_at_the_end_too():
    told = []
    history = gone_on(Counting(), progress=lambda *figures: told.append(figures))
    assert [(each["step"], each["loss"], each["val_total"]) for each in history] == [(3, 1, 3), (6, 4, 15), (7, 6, 21)]
    assert [(step, round(share, 3)) for step, share, _ in told] == [(3, 0.429), (6, 0.857), (7, 1.0)]


def test_a_run_that_was_stopped_between_two_lines_of_figures_comes_to_the_same(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        gone_on(Counting(stop_before=5), tmp_path)
    run = Counting()
    assert gone_on(run, tmp_path) == gone_on(Counting())
    assert float(run.total) == 21


def test_a_run_that_is_done_does_nothing_more(tmp_path):
    history = gone_on(Counting(), tmp_path)
    assert gone_on(Counting(stop_before=7), tmp_path) == history


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    gone_on(Counting(), tmp_path)
    with pytest.raises(ModelError, match="of another training"):
        gone_on(Counting(name="other"), tmp_path)
    assert (tmp_path / CHECKPOINT_FILE).exists()


def test_the_clock_ends_a_run_before_its_steps():
    run = Counting(Limits(steps=10**9, hours=1e-9))
    gone_on(run)
    assert run.n_done == 1
    assert run.share >= 1


def test_means_are_of_each_figure():
    assert means([{"a": 1.0, "b": 4.0}, {"a": 3.0, "b": 4.0}]) == {"a": 2.0, "b": 4.0}


def test_every_optimiser_gets_the_rate_of_the_step():
    run = Counting(Limits(steps=8))
    one, other = keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0)
    rates = []
    for _ in range(3):
        run.set_rate(one, other, highest=0.4, n_warm=2)
        assert float(one.learning_rate) == float(other.learning_rate)
        rates.append(float(one.learning_rate))
        run.step()
    expected = [cosine_by_share(0.4, step, share=step / 8, n_warm=2) for step in range(3)]
    assert rates == pytest.approx(expected)


def test_scalars_are_figures():
    assert numbers({"loss": tf.constant(0.5)}) == {"loss": 0.5}
