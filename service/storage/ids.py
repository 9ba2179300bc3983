"""Identifiers: ULIDs, so that the order of ids is the order of creation."""

from ulid import ULID

from service.errors import NotFound

LENGTH = 26
_ALPHABET = frozenset("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def new_id() -> str:
    """A new id, greater than every one that this process made before."""
    return str(ULID())


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id."""
    return len(text) == LENGTH and text[0] <= "7" and _ALPHABET.issuperset(text)


def check_cursor(cursor: str | None) -> str | None:
    """The cursor, which is the id of the last item of the page before.

    Raises
    ------
    NotFound
        If it is none that a list could have given.
    """
    if cursor is not None and not is_id(cursor):
        raise NotFound("This cursor is from no list here: take `next_cursor` of a page as it is, or none to start.")
    return cursor
