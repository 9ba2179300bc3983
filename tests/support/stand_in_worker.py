"""The real process that does the jobs, with an engine and a generator that need no weights."""

from service import logs, worker
from service.settings import Settings
from tests.support.stand_in import StandInEngine
from tests.support.stand_in_generation import stand_in_generation

if __name__ == "__main__":
    settings = Settings()
    logs.configure(settings.log_level)
    worker.run(settings, StandInEngine(), stand_in_generation())
