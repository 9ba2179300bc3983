"""A short run in the suite; `python -m tests.fuzz.run --files 2000` is the long one."""

import pytest

from service.app import create_app
from service.engine import Engine
from service.services import Services
from tests.fuzz.harness import send_all
from tests.fuzz.mutations import MUTATIONS, mutated_files
from tests.fuzz.originals import originals

N_FILES = 60


@pytest.fixture
def app(tmp_settings, stand_in_classifier):
    settings = tmp_settings.model_copy(update={"upload_rate_limit": "1000000/minute", "rate_limit": "1000000/minute"})
    engine = Engine(settings)
    engine.warm_up()
    services = Services.from_settings(settings, engine=engine)
    yield create_app(services=services)
    services.close()


def test_damaged_recordings_get_an_answer_and_leave_nothing(app):
    outcome = send_all(app, mutated_files(originals(), n_files=N_FILES, seed=1))
    assert outcome.faults == []
    assert sum(outcome.statuses.values()) == N_FILES
    # The damage is real, and harmless damage does not cost the answer.
    assert outcome.statuses[200] > 0
    assert outcome.statuses[422] + outcome.statuses[415] > 0


def test_the_same_seed_makes_the_same_files_with_every_kind_of_damage():
    files = originals()
    first, again = (list(mutated_files(files, n_files=40, seed=3)) for _ in range(2))
    assert first == again
    assert first != list(mutated_files(files, n_files=40, seed=4))
    assert len({name.split("-")[1] for name, _ in mutated_files(files, n_files=200, seed=3)}) == len(MUTATIONS)
