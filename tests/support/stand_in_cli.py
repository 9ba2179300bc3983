"""`genrelab` with the engine that needs no weights: `python -m tests.support.stand_in_cli classify …`.

STAND_IN_LOG names a file that gets the name of each recording that is computed, STAND_IN_PAUSE_S slows it down.
"""

import os
from pathlib import Path

import service.cli.listening
import service.engine
from service.cli import main
from tests.support.text_engine import TextEngine


def _engine(settings, *, model=None):
    log = os.environ.get("STAND_IN_LOG")
    return TextEngine(log=Path(log) if log else None, pause_s=float(os.environ.get("STAND_IN_PAUSE_S", "0")))


if __name__ == "__main__":
    service.engine.Engine = _engine
    service.cli.listening.answering_models = lambda name: TextEngine.model_name
    main()
