"""The database: sessions that are safe to use from several threads and processes, and migrations at the start.

SQLite writes its log ahead (WAL) and waits for the disk at every commit (`synchronous = FULL`): with NORMAL a commit
survives the end of the process but not that of the power, and what was acknowledged must survive both. The service
commits a few times per upload, so that the price, some milliseconds each, is not felt.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import psycopg
from filelock import FileLock
from sqlalchemy import (
    URL,
    Connection,
    CursorResult,
    Delete,
    Engine,
    Update,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from service.errors import ConfigurationError, StorageFull, TooBusy

MIGRATIONS = Path(__file__).parent / "migrations"
REVISION = "0004"  # the last migration: a database that has it needs no alembic, whose import takes a third of a second
BUSY_TIMEOUT_S = 30.0
POOL_SIZE, POOL_OVERFLOW = 5, 20
RETRY_AFTER_S = 5.0
MIGRATION_LOCK = 0x67656E72656C6162  # any number that no other program locks
POSTGRESQL_NAMES = ("postgres", "postgresql")

SQLITE_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
SQLITE_WAIT = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
POSTGRESQL_FULL = "53100"
POSTGRESQL_WAIT = ("08", "40", "53", "57")  # classes: connection, rolled back, resources, operator's intervention


class Database:
    """A database by its URL.

    Parameters
    ----------
    url : str
        SQLAlchemy URL: `sqlite:////absolute/path.db` or `postgresql://user:password@host/name`.

    Raises
    ------
    ConfigurationError
        If the URL names no database that can be used.
    """

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self._engine = _engine(self.url)
        self._writing = self._engine.execution_options(genrelab_writes=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database, and changes nothing.

        Raises
        ------
        TooBusy
            If the database cannot be asked at the moment.
        """
        with _translated(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes all come true at its end, or none where the body raises.

        On SQLite it waits for its turn at its start, so that it cannot fail half-way for another writer's sake.

        Raises
        ------
        StorageFull
            If there is no room left.
        TooBusy
            If the database cannot be asked at the moment.
        """
        with _translated(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            session.connection()  # begins here, not at the first statement
            yield session

    def is_reachable(self) -> bool:
        """Whether the database answers."""
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def migrate(self) -> None:
        """Bring the tables up to date; of several processes that start at once, one does it and the others wait.

        Raises
        ------
        ConfigurationError
            If the database cannot be opened, or a later Genrelab made its tables.
        StorageFull
            If there is no room for the tables.
        """
        try:
            with _translated():
                if self.url.get_backend_name() == "sqlite":
                    self._migrate_sqlite()
                else:
                    with self._writing.begin() as connection:
                        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
                        _upgrade(connection)
        except (DBAPIError, TooBusy) as error:
            cause = error if isinstance(error, DBAPIError) else error.__cause__
            reason = str(getattr(cause, "orig", cause)).strip().splitlines()[0]
            where = self.url.render_as_string(hide_password=True)
            raise ConfigurationError(
                f"The database {where} cannot be used: {reason}. Check GENRELAB_DATABASE_URL and its permissions."
            ) from error

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _migrate_sqlite(self) -> None:
        """Only here the file may be new: switching to WAL does not wait for others, hence the lock."""
        file = Path(self.url.database or "")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(file.with_name(f"{file.name}.lock")):
                with self._engine.connect() as connection:
                    connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
                with self._writing.begin() as connection:
                    _upgrade(connection)
        except OSError as error:
            raise ConfigurationError(f"The database {file} cannot be made: {error.strerror}.") from error


def affected(session: Session, statement: Update | Delete) -> int:
    """Carry out a change; returns the number of rows that it found."""
    done = session.execute(statement, execution_options={"synchronize_session": False})
    return cast(CursorResult, done).rowcount


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError("GENRELAB_DATABASE_URL: expected postgresql://user:password@host/name") from error
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ConfigurationError("GENRELAB_DATABASE_URL: a database in memory would be another one for each process")
    if backend in POSTGRESQL_NAMES:
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise ConfigurationError(f"GENRELAB_DATABASE_URL: {backend!r} is neither sqlite nor postgresql")
    return parsed


def _engine(url: URL) -> Engine:
    options: dict[str, Any] = {
        "pool_size": POOL_SIZE,
        "max_overflow": POOL_OVERFLOW,
        "pool_timeout": BUSY_TIMEOUT_S,
        "hide_parameters": True,  # what people sent stays out of the log
        "json_serializer": partial(json.dumps, allow_nan=False, separators=(",", ":")),
    }
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10}, **options)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}, **options)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where SQLAlchemy says so, tables' changes included
        connection.execute("PRAGMA synchronous = FULL").close()
        connection.execute("PRAGMA foreign_keys = ON").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("genrelab_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _upgrade(connection: Connection) -> None:
    present = _revision(connection)
    if present == REVISION:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    if present is not None and present not in {script.revision for script in scripts.walk_revisions()}:
        raise ConfigurationError(
            f"A later Genrelab has changed this database (revision {present}). Install that version again, or name "
            "another database in GENRELAB_DATABASE_URL."
        )
    command.upgrade(config, REVISION)


def _revision(connection: Connection) -> str | None:
    """Of the tables; None where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


@contextmanager
def _translated() -> Iterator[None]:
    """What is wrong with the place and not with the statement, as errors of the service."""
    try:
        yield
    except PoolTimeout as error:
        raise TooBusy("The database has no connection left.", retry_after_s=RETRY_AFTER_S) from error
    except DBAPIError as error:
        match error.orig:
            case sqlite3.Error(sqlite_errorcode=code) if code in SQLITE_FULL:
                raise StorageFull("The disk of the database is full.") from error
            case sqlite3.Error(sqlite_errorcode=code) if code & 0xFF in SQLITE_WAIT:
                raise TooBusy("The database is busy.", retry_after_s=RETRY_AFTER_S) from error
            case psycopg.Error(sqlstate=str(state)) if state == POSTGRESQL_FULL:
                raise StorageFull("The disk of the database is full.") from error
            case psycopg.Error(sqlstate=str(state)) if state.startswith(POSTGRESQL_WAIT):
                raise TooBusy("The database is busy.", retry_after_s=RETRY_AFTER_S) from error
            case psycopg.OperationalError(sqlstate=None):
                raise TooBusy("The database cannot be reached.", retry_after_s=RETRY_AFTER_S) from error
        raise
