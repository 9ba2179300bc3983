"""Tokens: who may use the server. The secret is shown once; what is kept is its hash.

A secret has 256 random bits, so that its SHA-256 needs no salt and no slow hash.
"""

import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError

from service.errors import Conflict, NotFound, StorageFull, TooBusy
from service.storage.database import Database, affected
from service.storage.ids import is_id, new_id
from service.storage.pages import iso, utc_now
from service.storage.tables import TokenRow

PREFIX = "grl_"  # lets scanners for leaked secrets know it
SECRET_BYTES = 32
ROLES = ("listener", "annotator", "admin")  # each may do what the ones before it may
MAX_NAME = 100
USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Token:
    """Somebody's right to use the server, without the secret."""

    id: str
    name: str
    role: str
    created_at: datetime
    last_used_at: datetime | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "id": self.id,
            "name": self.name,
            "role": self.role,
            "created_at": iso(self.created_at),
            "last_used_at": iso(self.last_used_at),
        }


class TokenStore:
    """The tokens of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, role: str) -> tuple[Token, str]:
        """Make a token.

        Parameters
        ----------
        name : str
            Whose it is, 1 to 100 printable characters; one token in use per name.
        role : {"listener", "annotator", "admin"}
            What its owner may do.

        Returns
        -------
        tuple of Token and str
            The token and its secret, for which nobody can ask again.

        Raises
        ------
        Conflict
            If there is a token of that name, or the name or role is none.
        """
        name = name.strip()
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise Conflict(f"A token's name has 1 to {MAX_NAME} printable characters.")
        if role not in ROLES:
            raise Conflict(f"{role!r} is no role: expected one of {', '.join(ROLES)}.")
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        row = TokenRow(id=new_id(), name=name, role=role, secret_sha256=_digest(secret), created_at=utc_now())
        try:
            with self._database.writing() as session:
                session.add(row)
        except IntegrityError as error:
            raise Conflict(f"There is a token of {name!r} already: revoke it first, or take another name.") from error
        return _token(row), secret

    def verify(self, secret: str) -> Token | None:
        """The token with this secret, or None where there is none or it was revoked."""
        if not secret.startswith(PREFIX) or not secret.isascii():
            return None
        digest = _digest(secret)
        query = select(TokenRow).where(TokenRow.secret_sha256 == digest, TokenRow.revoked_at.is_(None))
        with self._database.reading() as session:
            row = session.scalars(query).one_or_none()
        if row is None or not hmac.compare_digest(row.secret_sha256, digest):
            return None
        self._note_use(row)
        return _token(row)

    def get(self, token_id: str) -> Token | None:
        """The token with this id, or None where there is none or it was revoked."""
        if not is_id(token_id):
            return None
        with self._database.reading() as session:
            row = session.get(TokenRow, token_id)
        if row is None or row.revoked_at is not None:
            return None
        self._note_use(row)
        return _token(row)

    def any(self) -> bool:
        """Whether there is a token that was not revoked."""
        with self._database.reading() as session:
            return session.scalar(select(TokenRow.id).where(TokenRow.revoked_at.is_(None)).limit(1)) is not None

    def list(self) -> list[Token]:
        """The tokens that were not revoked, oldest first."""
        query = select(TokenRow).where(TokenRow.revoked_at.is_(None)).order_by(TokenRow.id)
        with self._database.reading() as session:
            return [_token(row) for row in session.scalars(query)]

    def revoke(self, name: str) -> None:
        """End the token of this name, or with this id, at once.

        Raises
        ------
        NotFound
            If there is none.
        """
        with self._database.writing() as session:
            named = or_(TokenRow.name == name, TokenRow.id == name)
            revoke = update(TokenRow).where(named, TokenRow.revoked_at.is_(None)).values(revoked_at=utc_now())
            if not affected(session, revoke):
                raise NotFound(f"There is no token of {name!r}.")

    def _note_use(self, row: TokenRow) -> None:
        now = utc_now()
        if row.last_used_at is not None and now - row.last_used_at < USE_NOTED_EVERY:
            return
        # A full disk keeps nobody out.
        with suppress(StorageFull, TooBusy), self._database.writing() as session:
            session.execute(update(TokenRow).where(TokenRow.id == row.id).values(last_used_at=now))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: TokenRow) -> Token:
    return Token(id=row.id, name=row.name, role=row.role, created_at=row.created_at, last_used_at=row.last_used_at)
