"""Requests that another web site makes through a visitor's browser are refused.

Against DNS rebinding the Host header must be a name of this server's own. Against forged requests, whatever
changes something must come from a page of this server, and must repeat the session's secret where a cookie says
whose it is. An address written as a number is always accepted as Host: rebinding needs a name.
"""

import hmac
import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, request, session
from werkzeug.exceptions import HTTPException

from service.errors import Forbidden
from service.security.access import Role, is_loopback, principal, role_of
from service.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_KEY = "csrf"  # of the session cookie
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"


class MisdirectedRequest(HTTPException):
    """The Host header names a server that this one is not."""

    code = 421


def register(app: Flask, settings: Settings) -> None:
    """Check the Host header of every request, and give templates `csrf_token()`."""

    @app.before_request
    def check_host() -> None:
        if not _is_own_host(request.host, settings):
            raise MisdirectedRequest(
                f"This server does not go by the name {request.host!r}. If it should, add the name "
                "to GENRELAB_TRUSTED_HOSTS and start it again."
            )

    app.jinja_env.globals["csrf_token"] = csrf_token


def check_origin() -> None:
    """Refuse a request in hand that changes something and was made by another site.

    Raises
    ------
    Forbidden
        If the browser says that the request comes from elsewhere, or a cookie vouches for it and the session's
        secret is missing.
    """
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        raise Forbidden("This request was made by another web site.")
    origin = request.headers.get("Origin")
    if origin is not None and _netloc(origin) != request.host.lower():
        raise Forbidden(f"This request was made by another web site ({origin!r}).")
    is_free = role_of(request.endpoint) is Role.ANYONE  # logging in and out is nothing that one gains by forging
    if principal().via == "session" and not is_free and not _repeats_secret():
        raise Forbidden(f"The page is out of date: reload it. (A session's requests carry {CSRF_HEADER}.)")


def csrf_token() -> str:
    """Secret that requests made with the session's cookie repeat in `X-CSRF-Token` or the field `csrf_token`."""
    if principal().via != "session":
        return ""  # without a cookie there is nothing that another site could misuse
    return session.setdefault(CSRF_KEY, secrets.token_urlsafe(32))


def _repeats_secret() -> bool:
    sent = request.headers.get(CSRF_HEADER, "")
    if not sent and request.mimetype == "application/x-www-form-urlencoded":
        sent = request.form.get(CSRF_FIELD, "")
    kept = session.get(CSRF_KEY, "")
    return bool(kept) and hmac.compare_digest(sent.encode(), kept.encode())


def _is_own_host(host: str, settings: Settings) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if is_loopback(name) or name.endswith(".localhost") or name == settings.host.lower():
        return True
    if any(
        name == own or (own.startswith(".") and name.endswith(own)) for own in map(str.lower, settings.trusted_hosts)
    ):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
