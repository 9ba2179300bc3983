"""The one table from errors to problem documents (RFC 9457).

It knows no web framework, so that a job that failed says the same words as a request that failed.
"""

from dataclasses import dataclass
from typing import Any

from datasets import errors as datasets
from features import errors as features
from models import errors as models
from service import errors as service

TYPE_BASE = "https://genrelab.invalid/problems/"
MODEL_RETRY_S = 60.0
ROOM_RETRY_S = 300.0


@dataclass(frozen=True)
class Kind:
    """What all problems of one type share: the status, and a title that a person understands."""

    status: int
    slug: str
    title: str

    @property
    def type(self) -> str:
        """URI of the problem type."""
        return TYPE_BASE + self.slug


INTERNAL = Kind(500, "internal-error", "Something went wrong here")

KINDS: dict[type[Exception], Kind] = {
    features.UnreadableFile: Kind(422, "unreadable-file", "This file cannot be read"),
    features.EmptyFile: Kind(422, "empty-file", "This file has no sound in it"),
    features.UnsupportedFormat: Kind(415, "unsupported-format", "This is no audio format known here"),
    features.CorruptAudio: Kind(422, "corrupt-audio", "This recording is damaged"),
    features.InvalidSamples: Kind(422, "invalid-samples", "This recording holds values that are no sound"),
    features.ClipTooShort: Kind(422, "clip-too-short", "This recording is too short"),
    features.AudioTooLong: Kind(413, "audio-too-long", "This recording is too long"),
    features.DecoderLimitExceeded: Kind(422, "decoder-limit-exceeded", "This recording takes too much to decode"),
    features.FeatureError: Kind(422, "unusable-audio", "This recording cannot be used"),
    datasets.DatasetError: Kind(422, "unusable-data", "This data cannot be used"),
    models.BackboneMissing: Kind(503, "model-missing", "The model is not installed yet"),
    models.UnknownModel: Kind(404, "unknown-model", "There is no such model"),
    models.IntegrityError: Kind(503, "model-damaged", "A model file is damaged"),
    models.BadWish: Kind(422, "bad-wish", "No such clip can be made"),
    models.CopiesTraining: Kind(422, "copies-training", "No original clip came of this wish"),
    models.ModelError: Kind(503, "model-unusable", "The model cannot be used"),
    service.NotFound: Kind(404, "not-found", "There is no such thing"),
    service.Invalid: Kind(422, "invalid", "Something that was sent is not valid"),
    service.Conflict: Kind(409, "conflict", "That contradicts the present state"),
    service.Unauthorized: Kind(401, "unauthorized", "Please log in"),
    service.Forbidden: Kind(403, "forbidden", "That is not allowed"),
    service.PayloadTooLarge: Kind(413, "too-large", "This upload is too large"),
    # RFC 9110: more than the server is able to take, and Retry-After where that may pass. The fault is in no request,
    # but neither in the program, and an upload never makes it answer 5xx.
    service.StorageFull: Kind(413, "storage-full", "There is no room left"),
    service.ConfigurationError: Kind(500, "misconfigured", "The server is not set up for this"),
    service.Cancelled: Kind(409, "cancelled", "The work was cancelled"),
    service.TooBusy: Kind(503, "too-busy", "The server is busy"),
}

STATUS_TITLES: dict[int, str] = {
    400: "The request cannot be understood",
    401: "Please log in",
    403: "That is not allowed",
    404: "There is nothing here",
    405: "That cannot be done here",
    406: "That form of answer is not given here",
    408: "The request took too long to arrive",
    409: "That contradicts the present state",
    412: "A condition of the request does not hold",
    413: "The request is too large",
    414: "The address is too long",
    415: "The content type is not understood here",
    416: "That part of the file does not exist",
    417: "That cannot be promised",
    421: "The request is for another host",
    422: "Something in the request is not valid",
    428: "A condition is missing",
    429: "Too many requests",
    431: "The request's headers are too large",
    500: INTERNAL.title,
    501: "That is not offered here",
    503: "Not available at the moment",
}


def kind_of(error: BaseException) -> Kind:
    """Entry of the table for an error: its own, or its nearest ancestor's; `INTERNAL` for what nobody foresaw."""
    for ancestor in type(error).__mro__:
        if issubclass(ancestor, Exception) and ancestor in KINDS:
            return KINDS[ancestor]
    return INTERNAL


def retry_after_s(error: BaseException) -> float | None:
    """Seconds after which the same request may succeed, or None when it will not by waiting."""
    if isinstance(error, service.TooBusy | service.InProgress):
        return error.retry_after_s
    if isinstance(error, service.StorageFull):
        return ROOM_RETRY_S
    return MODEL_RETRY_S if kind_of(error).status == 503 else None


def describe(error: BaseException) -> dict[str, Any]:
    """Problem document of an error; the words of an unforeseen one stay in the log.

    Returns
    -------
    dict
        `type`, `title`, `status`, `detail`: JSON-ready.
    """
    kind = kind_of(error)
    if kind is INTERNAL:
        detail = "The details are in the server's log, under the id that X-Request-ID names. Please try again."
    else:
        detail = str(error) or kind.title
    return {"type": kind.type, "title": kind.title, "status": kind.status, "detail": detail}


def generic(status: int, detail: str) -> dict[str, Any]:
    """Problem document of a status that says all there is to say."""
    return {
        "type": "about:blank",
        "title": STATUS_TITLES.get(status, f"Error {status}"),
        "status": status,
        "detail": detail,
    }
