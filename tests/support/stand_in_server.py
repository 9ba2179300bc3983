"""The real server with an engine that needs no weights: `python -m tests.support.stand_in_server`."""

import sys
from typing import Any

import service.server as server
from service.generation import Generation
from service.services import Services
from service.settings import Settings
from tests.support.stand_in import StandInEngine
from tests.support.stand_in_generation import stand_in_generation


def main() -> None:
    build = Services.from_settings

    def with_stand_ins(
        _cls: type[Services], settings: Settings, engine: Any = None, generation: Generation | None = None
    ) -> Services:
        return build(settings, engine=engine or StandInEngine(), generation=generation or stand_in_generation())

    Services.from_settings = classmethod(with_stand_ins)  # type: ignore[assignment]
    server.JOB_PROCESS = (sys.executable, "-m", "tests.support.stand_in_worker")
    server.serve(Settings())


if __name__ == "__main__":
    main()
