import threading

from models.errors import BackboneMissing
from service.warm_up import warm_up_in_background

PATIENCE_S = 10


class Engine:
    model_name = "stand-in"

    def __init__(self, failures=0):
        self.ready = False
        self.failures = failures
        self.tries = 0

    def warm_up(self):
        self.tries += 1
        if self.tries <= self.failures:
            raise BackboneMissing("no weights: run `make setup`")
        self.ready = True


def test_the_engine_is_ready_afterwards():
    engine = Engine()
    warm_up_in_background(engine, threading.Event()).join(PATIENCE_S)
    assert engine.ready


def test_what_is_missing_may_come_later():
    engine = Engine(failures=2)
    warm_up_in_background(engine, threading.Event(), retry_s=0.01).join(PATIENCE_S)
    assert (engine.ready, engine.tries) == (True, 3)


def test_a_process_that_stops_tries_no_more():
    engine, stopping = Engine(failures=9), threading.Event()
    stopping.set()
    thread = warm_up_in_background(engine, stopping, retry_s=60)
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert engine.tries == 1
