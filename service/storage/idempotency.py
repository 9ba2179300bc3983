"""Answers kept for requests that are sent again, for a day.

The client names a request with a key; a key belongs to its owner. A request that is under way holds its key, for at
most `LEASE`: then it counts as lost with its process, and the next one is done.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, or_, update
from sqlalchemy.exc import IntegrityError

from service.errors import Conflict, InProgress
from service.storage.database import Database, affected
from service.storage.pages import utc_now
from service.storage.tables import IdempotencyRow

KEPT_FOR = timedelta(hours=24)
LEASE = timedelta(minutes=30)
RETRY_AFTER_S = 2.0


@dataclass(frozen=True)
class Kept:
    """An answer as it was given."""

    status: int
    headers: dict[str, str]
    body: bytes


class IdempotencyStore:
    """The keys of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key: str, *, owner: str, fingerprint: str) -> Kept | None:
        """Take a key for a request.

        Parameters
        ----------
        key : str
            The client's name for the request.
        owner : str
            Whose key it is.
        fingerprint : str
            Hash of what is asked for.

        Returns
        -------
        Kept or None
            The answer that was given before; None: the request is the caller's to do, and then to `finish` or
            `abandon`.

        Raises
        ------
        Conflict
            If the key was used for another request.
        InProgress
            If the same request is being done at this moment.
        """
        now = utc_now()
        row = IdempotencyRow(owner=owner, key=key, fingerprint=fingerprint, created_at=now)
        over = or_(
            IdempotencyRow.created_at < now - KEPT_FOR,
            IdempotencyRow.status.is_(None) & (IdempotencyRow.created_at < now - LEASE),
        )
        try:
            with self._database.writing() as session:
                session.execute(delete(IdempotencyRow).where(*_named(owner, key), over))
                session.add(row)
        except IntegrityError:
            return self._kept(key, owner=owner, fingerprint=fingerprint)
        return None

    def finish(self, key: str, *, owner: str, status: int, headers: dict[str, str], body: bytes) -> None:
        """Keep the answer to the request that holds the key."""
        answer = {"status": status, "headers": headers, "body": body}
        with self._database.writing() as session:
            session.execute(update(IdempotencyRow).where(*_named(owner, key)).values(answer))

    def abandon(self, key: str, *, owner: str) -> None:
        """Give the key back: the request was not done."""
        with self._database.writing() as session:
            session.execute(delete(IdempotencyRow).where(*_named(owner, key), IdempotencyRow.status.is_(None)))

    def prune(self) -> int:
        """Forget answers that are older than a day; returns how many."""
        with self._database.writing() as session:
            old = delete(IdempotencyRow).where(IdempotencyRow.created_at < utc_now() - KEPT_FOR)
            return affected(session, old)

    def _kept(self, key: str, *, owner: str, fingerprint: str) -> Kept | None:
        with self._database.reading() as session:
            row = session.get(IdempotencyRow, (owner, key))
        if row is not None and row.fingerprint != fingerprint:
            raise Conflict("This idempotency key was used for another request: take a new one.")
        if row is None or row.status is None:
            raise InProgress("The same request is being done at this moment.", retry_after_s=RETRY_AFTER_S)
        return Kept(status=row.status, headers=row.headers or {}, body=row.body or b"")


def _named(owner: str, key: str) -> tuple[ColumnElement[bool], ...]:
    return IdempotencyRow.owner == owner, IdempotencyRow.key == key
