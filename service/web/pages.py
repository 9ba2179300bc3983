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
PROJECTS_KEYS = [
    (["n"], "a new project"),
    (["?"], "this list"),
]
PROJECT_KEYS = [
    (["l"], "go on labelling"),
    (["Space"], "play or pause the recording that was played last"),
    (["?"], "this list"),
]
STRATEGIES = [
    ("mixed", "a mix: unsure ones that differ from each other"),
    ("margin", "two genres nearly as likely"),
    ("entropy", "many genres as likely"),
    ("least_confidence", "the likeliest genre unlikely"),
    ("badge", "unsure and far apart"),
    ("committee", "models disagree"),
    ("core_set", "unlike those labelled"),
    ("typicality", "typical of many others"),
    ("random", "at random"),
]
LABEL_KEYS = [
    (["1", "–", "9"], "the first nine genres: label, and on to the next recording"),
    (["0"], "the tenth genre; none of these where there are fewer"),
    (["N"], "none of these"),
    (["/"], "find a genre by its first letters; Enter takes it"),
    (["Enter"], "save and go on, where a recording may have several genres"),
    (["U"], "unsure: the next answer counts for less"),
    (["Z"], "take the last answer back"),
    (["S"], "skip: leave it to somebody else"),
    (["B"], "broken: noise, silence, cut off"),
    (["G"], "several genres, one after the other"),
    (["T"], "write a note"),
    (["Space"], "play or pause"),
    (["←", "→"], "5 seconds back or forward (with Shift: 15)"),
    (["L"], "repeat the most telling stretch"),
    (["[", "]"], "slower or faster"),
    (["M"], "sound on or off"),
    (["H"], "hide or show what the model suggests"),
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


@bp.get("/projects")
def projects() -> Response:
    """The labelling projects, and the form for a new one."""
    return _page("web/projects.html", shortcuts=PROJECTS_KEYS)


@bp.get("/projects/<project_id>")
def project(project_id: str) -> Response:
    """How far a project is: annotators, learning curve, versions of its model, genres, settings."""
    found = services().projects.get(project_id)
    return _page("web/project.html", shortcuts=PROJECT_KEYS, project=found, strategies=STRATEGIES)


@bp.get("/projects/<project_id>/label")
def label(project_id: str) -> Response:
    """Where recordings are heard and labelled, one after the other."""
    return _page("web/label.html", shortcuts=LABEL_KEYS, project=services().projects.get(project_id))


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
            may_manage=who.role >= Role.ADMIN,
            may_label=who.role >= Role.ANNOTATOR,
            annotator=None if who.via == "local" else who.name,
            **values,
        )
    )
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; style-src 'self' 'nonce-{nonce}'"
    return response
