"""What commands need that hear many recordings: the model that answers, the journal, the engine of this machine."""

from typing import TYPE_CHECKING

from service.cli.exits import complain

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from contextlib import ExitStack
    from pathlib import Path

    from service.cli.progress import LibraryProgress
    from service.settings import Settings
    from service.usecases.journal import Journal
    from service.usecases.library import Outcome, Progress, Runner

HASH_DIGITS = 12


def answering_models(name: str | None = None) -> str:
    """The models that an answer depends on, for the journal: of genres, and of what tells music from other sound.

    Parameters
    ----------
    name : str, optional
        Of the model of genres; the active one by default.

    Raises
    ------
    UnknownModel
        If there is none of this name.
    ModelError
        If it is a model of something else.
    """
    from models.errors import ModelError
    from models.registry import ModelRegistry

    registry = ModelRegistry()
    genre = registry.active("genre") if name is None else registry.get(name)
    if genre.kind != "genre":
        raise ModelError(f"model {genre.name!r}: of kind {genre.kind!r}, expected one that names genres")
    both = (genre, registry.active("gate"))
    # With the hash: a model that was removed and trained again has other answers under the same name.
    return "+".join(f"{entry.name}:{entry.card['weights']['sha256'][:HASH_DIGITS]}" for entry in both)


def open_journal(settings: "Settings", stack: "ExitStack") -> "Journal | None":
    """The journal of this user, closed with the stack; None, and a word about it, where it cannot be used."""
    from service.usecases.journal import Journal, JournalUnusable

    try:
        return stack.enter_context(Journal(settings.data_dir / "journal.db"))
    except JournalUnusable as error:
        complain(f"answers are not kept, a stopped run would start again: {error}")
        return None


def runner_of_this_machine(
    settings: "Settings",
    bar: "LibraryProgress",
    *,
    name: str | None,
    model: str,
    journal: "Journal | None",
    fresh: bool = False,
) -> "Runner":
    """A runner whose engine is made, and its model loaded, when the first recording needs it.

    Parameters
    ----------
    settings, bar, journal, fresh
        Of the command.
    name : str, optional
        Of the model of genres; the active one by default.
    model : str
        As `answering_models` gives it.
    """
    from service.usecases.library import local_runner

    def run(todo: "Iterable[tuple[int, Path]]", progress: "Progress") -> "Generator[Outcome, None, None]":
        from contextlib import closing

        from service.engine import Engine

        with closing(Engine(settings, model=name)) as engine:
            bar.phase("loading the model")
            engine.warm_up()
            bar.phase("listening")
            # One more recording than decoding processes: the next one is ready when one of them is.
            threads = settings.decode_workers + 1
            runner = local_runner(engine, model=model, journal=journal, threads=threads, fresh=fresh)
            with closing(runner(todo, progress)) as outcomes:
                yield from outcomes

    return run
