"""Requests with a large body: bounded before they are read, and only while there is a place among the uploads."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import request

from service.api.context import admission
from service.api.requests import FORM_OVERHEAD_BYTES
from service.errors import PayloadTooLarge


@contextmanager
def upload_place(limit_mb: int, *, refusal: str) -> Iterator[None]:
    """Let the body of the request in hand be read in here, up to a limit.

    Parameters
    ----------
    limit_mb : int
        Of the file in it.
    refusal : str
        What is said of a body that says itself that it is larger.

    Raises
    ------
    PayloadTooLarge
        If its Content-Length is over the limit.
    TooBusy
        If no place is left.
    """
    request.max_content_length = (limit_mb << 20) + FORM_OVERHEAD_BYTES
    if (request.content_length or 0) > request.max_content_length:
        raise PayloadTooLarge(refusal)
    with admission().uploads.place():
        yield
