"""Tokens, roles, and the one table of what each role may do.

A request is somebody's by its bearer token (or by the token as the password of basic authentication), by the session
that the page's login made from a token, or, as long as no token exists at all, by coming from this very machine. Once
a token exists, one is needed everywhere.
A route that is missing from the table is an administrator's.
"""

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal

from flask import Flask, g, request, session

from service.errors import Forbidden, Unauthorized

if TYPE_CHECKING:
    from service.services import Services
    from service.storage.tokens import Token

CREATE_TOKEN = "genrelab tokens create NAME --role admin"
SESSION_TOKEN = "token"  # key of the session cookie: id of the token that logged in


class Role(IntEnum):
    """Each may do what the ones before it may."""

    ANYONE = 0
    LISTENER = 1
    ANNOTATOR = 2
    ADMIN = 3


ACCESS: dict[str, Role] = {
    # Whoever asks: no more than that the server is there, and how to use it.
    "health.healthz": Role.ANYONE,
    "health.readyz": Role.ANYONE,
    "docs.docs": Role.ANYONE,
    "docs.static": Role.ANYONE,
    "openapi.spec": Role.ANYONE,
    "sessions.log_in": Role.ANYONE,
    "sessions.log_out": Role.ANYONE,
    "web.login": Role.ANYONE,
    "web.static": Role.ANYONE,
    # A listener hears, asks and reads, and may stop work that is no longer wanted.
    "index.index": Role.LISTENER,
    "metrics.metrics": Role.LISTENER,
    "classifications.create_classification": Role.LISTENER,
    "tracks.list_tracks": Role.LISTENER,
    "tracks.get_track": Role.LISTENER,
    "tracks.get_audio": Role.LISTENER,
    "tracks.get_waveform": Role.LISTENER,
    "tracks.get_spectrogram": Role.LISTENER,
    "tracks.get_scalogram": Role.LISTENER,
    "tracks.classify_again": Role.LISTENER,
    "clips.list_clips": Role.LISTENER,
    "clips.create_clip": Role.LISTENER,
    "clips.get_clip": Role.LISTENER,
    "clips.delete_clip": Role.LISTENER,  # one's own; those of others an administrator
    "clips.get_best_audio": Role.LISTENER,
    "clips.get_audio": Role.LISTENER,
    "clips.get_waveform": Role.LISTENER,
    "clips.get_spectrogram": Role.LISTENER,
    "clips.rate_take": Role.LISTENER,
    "generator.get_generator": Role.LISTENER,
    "listening_tests.list_tests": Role.LISTENER,
    "listening_tests.get_test": Role.LISTENER,
    "listening_tests.get_next": Role.LISTENER,
    "listening_tests.get_sound": Role.LISTENER,
    "listening_tests.create_answer": Role.LISTENER,
    "jobs.list_jobs": Role.LISTENER,
    "jobs.get_job": Role.LISTENER,
    "jobs.get_events": Role.LISTENER,
    "jobs.cancel_job": Role.LISTENER,
    "models.list_models": Role.LISTENER,
    "web.index": Role.LISTENER,
    "web.track": Role.LISTENER,
    "web.generate": Role.LISTENER,
    "web.clip": Role.LISTENER,
    "web.listening_tests": Role.LISTENER,
    "web.listen": Role.LISTENER,
    # An annotator sees the labelling projects and answers in them.
    "web.projects": Role.ANNOTATOR,
    "web.project": Role.ANNOTATOR,
    "web.label": Role.ANNOTATOR,
    "projects.list_projects": Role.ANNOTATOR,
    "projects.get_project": Role.ANNOTATOR,
    "projects.get_dashboard": Role.ANNOTATOR,
    "projects.list_items": Role.ANNOTATOR,
    "projects.list_events": Role.ANNOTATOR,
    "projects.export_labels": Role.ANNOTATOR,
    "queue.lease_item": Role.ANNOTATOR,
    "queue.renew_lease": Role.ANNOTATOR,
    "queue.skip_item": Role.ANNOTATOR,
    "queue.flag_item": Role.ANNOTATOR,
    "queue.get_stats": Role.ANNOTATOR,
    "labels.list_labels": Role.ANNOTATOR,
    "labels.create_label": Role.ANNOTATOR,
    "labels.undo_act": Role.ANNOTATOR,
    "label_studio.get_health": Role.ANNOTATOR,
    "label_studio.get_root": Role.ANNOTATOR,
    "label_studio.set_up": Role.ANNOTATOR,
    "label_studio.predict": Role.ANNOTATOR,
    "label_studio.take_note": Role.ANNOTATOR,
    # The library and the models are everybody's: only an administrator takes a track away or changes the answers.
    "tracks.delete_track": Role.ADMIN,
    "models.activate_model": Role.ADMIN,
    "models.roll_back": Role.ADMIN,
    # Of a listening test an organiser knows which system is heard; listeners do not.
    "listening_tests.create_test": Role.ADMIN,
    "listening_tests.change_test": Role.ADMIN,
    "listening_tests.delete_test": Role.ADMIN,
    "listening_tests.get_results": Role.ADMIN,
    "listening_tests.export_answers": Role.ADMIN,
    # So are the projects: what is asked in them, of whom, and which model they learn.
    "projects.create_project": Role.ADMIN,
    "projects.change_project": Role.ADMIN,
    "projects.add_genre": Role.ADMIN,
    "projects.rename_genre": Role.ADMIN,
    "projects.merge_genres": Role.ADMIN,
    "projects.add_items": Role.ADMIN,
    "projects.import_labels": Role.ADMIN,
    "trainings.create_training": Role.ADMIN,
    "trainings.activate_version": Role.ADMIN,
    "trainings.roll_back_version": Role.ADMIN,
    "trainings.publish_version": Role.ADMIN,
}


@dataclass(frozen=True)
class Principal:
    """Whom a request counts as; `id` keeps the rate limits and idempotency keys of two people apart."""

    id: str
    name: str
    role: Role
    via: Literal["token", "session", "local", "nobody"]


def principal() -> Principal:
    """Whom the request in hand counts as."""
    return g.principal


def role_of(endpoint: str | None) -> Role:
    """Role that an endpoint needs; what is not there is refused as such, not for want of a role."""
    return Role.ANYONE if endpoint is None else ACCESS.get(endpoint, Role.ADMIN)


def is_loopback(address: str | None) -> bool:
    """Whether a host name or an address is this machine's own."""
    if address is None or address == "localhost":
        return address is not None
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def register(app: Flask, services: "Services") -> None:
    """Find out whom each request counts as; refusing is left to `enforce`, after the rate limits."""

    @app.before_request
    def identify() -> None:
        g.principal = _identify(services)


def enforce() -> None:
    """Refuse the request in hand where its principal's role is not enough.

    Raises
    ------
    Unauthorized
        If it is nobody's and the route is not for anyone.
    Forbidden
        If its role is too low.
    """
    needed = role_of(request.endpoint)
    who = principal()
    if who.role >= needed:
        return
    if who.via == "nobody":
        raise Unauthorized(
            "This needs a token: send it as `Authorization: Bearer TOKEN`, or log in on the page. "
            f"An administrator makes one on the server with `{CREATE_TOKEN}`."
        )
    raise Forbidden(f"{who.name} is {who.role.name.lower()} here; this needs the role {needed.name.lower()}.")


def _identify(services: "Services") -> Principal:
    header = request.headers.get("Authorization")
    if header is not None:
        return _of_token(services.tokens.verify(_secret(header)), "token")
    if SESSION_TOKEN in session:
        return _of_token(services.tokens.get(session[SESSION_TOKEN]), "session")
    if is_loopback(request.remote_addr) and is_loopback(services.settings.host) and not services.tokens.any():
        return Principal(id="local", name="this machine", role=Role.ADMIN, via="local")
    return NOBODY


def _secret(header: str) -> str:
    """The token in the header `Authorization`; "" where there is none. Label Studio knows only basic authentication."""
    scheme, _, secret = header.partition(" ")
    match scheme.lower():
        case "bearer":
            return secret.strip()
        case "basic" if request.authorization is not None:
            return request.authorization.password or ""
    return ""


def _of_token(token: "Token | None", via: Literal["token", "session"]) -> Principal:
    if token is None:
        return NOBODY
    return Principal(id=token.id, name=token.name, role=Role[token.role.upper()], via=via)


NOBODY = Principal(id="nobody", name="nobody", role=Role.ANYONE, via="nobody")
