"""The generation of the service with a generator that needs no weights."""

import hashlib
from typing import Any

from datasets.composers import GENRES
from service.generation import Generation
from tests.support.stand_in_generator import StandInGenerator

CARD = {
    "name": "stand-in-generator",
    "version": "1",
    "kind": "generator",
    "genres": list(GENRES),
    "licence": "none",
    "sha256": hashlib.sha256(b"stand-in-generator-1").hexdigest(),
}


def stand_in_generation(generator: Any = None) -> Generation:
    """Makes clips with a stand-in; another generator may be given."""
    made = StandInGenerator() if generator is None else generator
    return Generation(lambda: made, lambda: CARD)
