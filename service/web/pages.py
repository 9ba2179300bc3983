"""The pages of the web interface: they hold the frame and the limits, the scripts fetch the rest from the API.

Every address is built by `url_for`, so that the pages work under a sub-path. No page has inline scripts or
styles; the one style element there is, wavesurfer's in its shadow tree, carries the nonce of the answer.
"""

import secrets
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request, url_for

from datasets.composers import GENRES
from models.clip_wish import RANGES, WHOLE_RANGES
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
TAKES_KEYS = [
    (["Space"], "play or pause the take that was chosen last"),
    (["n", "p"], "next or previous take"),
    (["1", "–", "5"], "stars for the take"),
    (["v"], "vary the take"),
    (["←", "→"], "1 second back or forward, on a waveform (with Shift: 5)"),
]
GENERATE_KEYS = [
    (["g"], "generate"),
    *TAKES_KEYS,
    (["?"], "this list"),
]
CLIP_KEYS = [
    *TAKES_KEYS,
    (["?"], "this list"),
]
LISTENING_KEYS = [
    (["n"], "a new test"),
    (["?"], "this list"),
]
LISTEN_KEYS = [
    (["a", "b"], "play or stop a sound"),
    (["Space"], "play or stop the last one"),
    (["1", "–", "5"], "the answers, from left to right; open once every sound was heard"),
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
        wavesurfer_url=_wavesurfer_url(),
    )


@bp.get("/generate")
def generate() -> Response:
    """Where clips are made: the form, the takes, and the clips made before."""
    settings = services().settings
    limits = {**RANGES, **WHOLE_RANGES, "takes": (1, settings.clip_max_takes)}
    limits["seconds"] = (limits["seconds"][0], settings.clip_max_duration_s)
    return _page(
        "web/generate.html",
        shortcuts=GENERATE_KEYS,
        genres=GENRES,
        limits={name: [f"{edge:.10g}" for edge in edges] for name, edges in limits.items()},
        wavesurfer_url=_wavesurfer_url(),
    )


@bp.get("/clips/<clip_id>")
def clip(clip_id: str) -> Response:
    """One clip that was made: its takes, and how each came about."""
    found = services().clips.get(clip_id)
    return _page("web/clip.html", shortcuts=CLIP_KEYS, clip=found, wavesurfer_url=_wavesurfer_url())


@bp.get("/listening-tests")
def listening_tests() -> Response:
    """The listening tests with their results, and the form for a new one."""
    return _page("web/listening.html", shortcuts=LISTENING_KEYS)


@bp.get("/listening-tests/<test_id>")
def listen(test_id: str) -> Response:
    """Where a listener takes a test, without knowing which system is heard."""
    return _page("web/listen.html", shortcuts=LISTEN_KEYS, test=services().listening_tests.get(test_id))


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


def _wavesurfer_url() -> str | None:
    """Where the waveform's script is, or None where set-up could not get it."""
    return url_for("web.static", filename=f"vendor/{WAVESURFER}") if has_player() else None


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
