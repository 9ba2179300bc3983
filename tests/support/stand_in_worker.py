"""The real process that does the jobs, with an engine that needs no weights."""

from service import logs, worker
from service.settings import Settings
from tests.support.stand_in import StandInEngine

if __name__ == "__main__":
    settings = Settings()
    logs.configure(settings.log_level)
    worker.run(settings, StandInEngine())
