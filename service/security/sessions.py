"""Logging in on the page: a token becomes a signed cookie that names it, and dies with it.

The cookie is HttpOnly and SameSite=Strict, and Secure under https. It holds the token's id, not the token, so that
revoking the token ends the session. The signing key is a file in the data folder that only its owner reads.
"""

import os
import secrets
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Flask, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue

from service.api.context import services
from service.security.access import SESSION_TOKEN
from service.security.sites import CSRF_KEY
from service.settings import Settings

COOKIE = "genrelab_session"
LIFETIME = timedelta(days=14)
KEY_BYTES = 32

bp = Blueprint("sessions", __name__)


@bp.post("/login")
def log_in() -> ResponseReturnValue:
    """Start a session with a token (form fields `token` and `next`); back to the form with `error=1` if it is none."""
    target = _local(request.form.get("next", ""))
    token = services().tokens.verify(request.form.get("token", "").strip())
    session.clear()  # never carry a session over from whoever was here before
    if token is None:
        return redirect(url_for("web.login", error=1, next=target), code=303)
    session.permanent = True
    session[SESSION_TOKEN] = token.id
    session[CSRF_KEY] = secrets.token_urlsafe(32)
    return redirect(target, code=303)


@bp.post("/logout")
def log_out() -> ResponseReturnValue:
    """End the session."""
    session.clear()
    return redirect(url_for("web.login"), code=303)


class _SessionInterface(SecureCookieSessionInterface):
    def get_cookie_secure(self, _app: Flask) -> bool:
        return request.is_secure


def register(app: Flask, settings: Settings) -> None:
    """Sign the cookies of `app` with this installation's key."""
    app.secret_key = secret_key(settings.data_dir / "secret.key")
    app.session_interface = _SessionInterface()
    app.config.update(
        SESSION_COOKIE_NAME=COOKIE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_PATH=settings.prefix or "/",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=LIFETIME,
    )
    app.register_blueprint(bp)


def secret_key(path: Path) -> bytes:
    """The installation's key, made at the first call; of several processes that make it at once, one wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()


def _local(target: str) -> str:
    """`target` where it is a path of this server, else the start page: a login link must not lead to another site."""
    parts = urlsplit(target)
    ours = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return target if ours and target.isprintable() and "\\" not in target else url_for("web.index")
