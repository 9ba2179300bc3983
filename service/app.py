"""The application factory: one Flask application out of the service's parts."""

import threading
from importlib.metadata import version
from typing import TYPE_CHECKING

from apiflask import APIFlask
from flask import Flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.middleware.proxy_fix import ProxyFix

from service import logs
from service.api import (
    classifications,
    clips,
    docs,
    error_handlers,
    generator,
    health,
    index,
    jobs,
    label_studio,
    labels,
    listening_tests,
    metrics,
    models,
    openapi,
    projects,
    queue,
    tracks,
    trainings,
)
from service.api.admission import Admission
from service.api.requests import MAX_BODY_BYTES, MAX_FORM_FIELD_BYTES, MAX_FORM_PARTS, BoundedRequest
from service.prefix import SubPath
from service.security import access, headers, rates, sessions, sites
from service.settings import Settings

if TYPE_CHECKING:
    from service.services import Services


def create_app(settings: Settings | None = None, services: "Services | None" = None) -> Flask:
    """Build the application: the page, the API, health and metrics.

    Parameters
    ----------
    settings : Settings, optional
        From the environment by default.
    services : Services, optional
        Made from `settings` by default; whoever passes one closes it.

    Returns
    -------
    Flask
        A WSGI application. `extensions["services"]` holds its parts; setting `extensions["stopping"]` ends its event
        streams. The model loads with `services.engine.warm_up()`, or at the first recording.
    """
    if services is None:
        from service.services import Services

        services = Services.from_settings(settings or Settings())
    settings = services.settings
    app = APIFlask(
        "service",
        title="Genrelab",
        version=version("genrelab"),
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]
    )
    app.request_class = BoundedRequest
    app.config.update(
        INCOMING_DIR=settings.data_dir / "incoming",
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_FIELD_BYTES,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
    )
    app.json = _InOrder(app)
    app.extensions["services"] = services
    app.extensions["admission"] = Admission(settings)
    app.extensions["stopping"] = threading.Event()

    error_handlers.register(app)
    # In this order each request is: named and timed, checked for its host, given a principal, counted against the
    # principal's rate, and refused where its site or the principal's role is not enough.
    logs.register(app)
    metrics.register(app)
    sites.register(app, settings)
    access.register(app, services)
    rates.register(app, settings)
    app.before_request(sites.check_origin)
    app.before_request(access.enforce)
    headers.register(app)
    sessions.register(app, settings)
    labelling = (projects, queue, labels, trainings, label_studio)
    generation = (clips, generator, listening_tests)
    for resource in (index, classifications, tracks, *generation, jobs, models, *labelling, health, docs):
        app.register_blueprint(resource.bp)
    openapi.register(app)
    _register_pages(app)

    app.wsgi_app = SubPath(app.wsgi_app, settings.prefix)  # type: ignore[method-assign]
    if hops := settings.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops)  # type: ignore[method-assign]
    return app


class _InOrder(DefaultJSONProvider):
    sort_keys = False


def _register_pages(app: Flask) -> None:
    from service import web

    app.register_blueprint(web.bp)
