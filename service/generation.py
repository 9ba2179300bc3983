"""The generator of one process: nothing is loaded until the first clip is made, and one clip is made at a time."""

import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.generator import Generator


class Generation:
    """What makes clips.

    Parameters
    ----------
    load : callable, optional
        Gives the generator; the one that is shipped by default.
    load_card : callable, optional
        Gives its card, without loading the generator.

    Attributes
    ----------
    turn : threading.Lock
        Held by whoever makes a clip: two at a time would both take twice as long, and twice the memory.
    """

    def __init__(
        self,
        load: "Callable[[], Generator] | None" = None,
        load_card: Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        self.turn = threading.Lock()
        self._load = load or _load_shipped
        self._load_card = load_card or _load_shipped_card
        self._loading = threading.Lock()
        self._generator: Generator | None = None

    @property
    def generator(self) -> "Generator":
        """The generator; where it could not be loaded it is tried again at the next use.

        Raises
        ------
        ModelError
            If it is missing or damaged.
        """
        with self._loading:
            if self._generator is None:
                self._generator = self._load()
            return self._generator

    @cached_property
    def card(self) -> dict[str, Any]:
        """What the generator learned from and how good it is, checked against its weights.

        Raises
        ------
        ModelError
            If it is missing or damaged.
        """
        return self._load_card()

    @property
    def model_name(self) -> str:
        """Name and version of the generator."""
        return f"{self.card['name']}-{self.card['version']}"


def _load_shipped() -> "Generator":
    from models.generator import Generator

    return Generator.load()


def _load_shipped_card() -> dict[str, Any]:
    from models.generator import FOLDER
    from models.generator_folder import load_generator_card

    return load_generator_card(FOLDER)
