"""The pages of the web interface: they hold the frame and the limits, the scripts fetch the rest from the API.

Every address is built by `url_for`, so that the pages work under a sub-path. No page has inline scripts or
styles; the one style element there is, wavesurfer's in its shadow tree, carries the nonce of the answer.
"""

import secrets
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request, url_for

from service.api.context import services
from service.security.access import Role, principal
from service.security.headers import CONTENT_SECURITY_POLICY
from service.web.vendor import WAVESURFER, has_player

bp = Blueprint("web", __name__, template_folder="templates", static_folder="static", static_url_path="/assets")

LIBRARY_KEYS = [
    (["/"], "search the library"),
    (["u"], "choose files to add"),
    (["?"], "this list"),
]
TRACK_KEYS = [
    (["Space"], "play or pause"),
    (["←", "→"], "5 seconds back or forward (with Shift: 15)"),
    (["0", "–", "9"], "jump to 0 to 90 % of the recording"),
    (["p", "n"], "previous or next stretch of the timeline"),
    (["e"], "play the stretch that decided most; again for the next one"),
    (["m"], "sound on or off"),
    (["?"], "this list"),
]


@bp.get("/")
def index() -> Response:
    """The library: where recordings are dropped, and what became of them."""
    return _page("web/library.html", shortcuts=LIBRARY_KEYS, max_upload_mb=services().settings.max_upload_mb)


@bp.get("/tracks/<track_id>")
def track(track_id: str) -> Response:
    """One recording: its genre, why, and a player on its waveform."""
    found = services().tracks.get(track_id)
    return _page(
        "web/track.html",
        shortcuts=TRACK_KEYS,
        track=found,
        wavesurfer_url=url_for("web.static", filename=f"vendor/{WAVESURFER}") if has_player() else None,
    )


@bp.get("/login")
def login() -> Response:
    """The form that turns a token into a session."""
    failed = "This token is not valid here, or it has been revoked." if "error" in request.args else None
    return _page("web/login.html", failed=failed, next=request.args.get("next", url_for("web.index")))


def _page(template: str, **values: Any) -> Response:
    nonce = secrets.token_urlsafe(16)
    who = principal()
    response = make_response(
        render_template(
            template,
            csp_nonce=nonce,
            api_root=url_for("web.index") + "v1/",
            signed_in=who.via == "session",
            may_delete=who.role >= Role.ADMIN,
            **values,
        )
    )
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; style-src 'self' 'nonce-{nonce}'"
    return response
