"""Errors of the service that no part below it knows.

One table in `service/api/problems.py` gives each its status; the command line prints the same words.
"""


class ServiceError(Exception):
    """Something that was asked for cannot be done; the message says why and what to do."""


class NotFound(ServiceError):
    """Nothing has that id."""


class Conflict(ServiceError):
    """The request contradicts the state of what it names."""


class Invalid(ServiceError):
    """A value that was sent means nothing here; the message names it and what was expected."""


class InProgress(Conflict):
    """The same request is being done at this moment; its answer will be there soon."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unauthorized(ServiceError):
    """No valid token came with the request."""


class Forbidden(ServiceError):
    """The token's role may not do this, or the request came from another site."""


class PayloadTooLarge(ServiceError):
    """An upload over the size limit."""


class StorageFull(ServiceError):
    """No room is left for the upload."""


class ConfigurationError(ServiceError):
    """The settings cannot work together."""


class Cancelled(ServiceError):
    """The work was cancelled while it ran."""


class TooBusy(ServiceError):
    """Too much is being done already."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
