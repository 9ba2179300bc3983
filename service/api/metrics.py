"""`/metrics` for Prometheus, right with several web processes.

What processes count (requests) is added up through the folder that `PROMETHEUS_MULTIPROC_DIR` names; what the
database knows (jobs, recordings) is asked from there at each scrape.
"""

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from apiflask import APIBlueprint
from flask import Flask, Response, current_app, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.api.context import services

if TYPE_CHECKING:
    from service.services import Services

MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
UNMATCHED = "unmatched"  # one label for whatever addresses people make up
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

bp = APIBlueprint("metrics", __name__, enable_openapi=False)


@bp.get("/metrics")
def metrics() -> Response:
    """Everything that is counted, in Prometheus' text form."""
    registry = CollectorRegistry()
    if os.environ.get(MULTIPROCESS_DIR):
        MultiProcessCollector(registry)
    else:
        registry.register(_Same(current_app.extensions["metrics"].registry))
    registry.register(_Database(services()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Meters:
    """What one web process counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "genrelab_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.durations = Histogram(
            "genrelab_http_request_duration_seconds",
            "Time from a request's headers to its answer's",
            ["method", "route"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self.audio = Counter(
            "genrelab_audio_seconds", "Audio that requests had analysed while they waited", registry=self.registry
        )


def register(app: Flask) -> None:
    """Count every request of `app`."""
    meters = Meters()
    app.extensions["metrics"] = meters

    @app.before_request
    def begin() -> None:
        g.counted_from = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule is not None else UNMATCHED
        method = request.method if request.method in METHODS else "OTHER"
        meters.requests.labels(method, route, response.status_code).inc()
        if "counted_from" in g:
            meters.durations.labels(method, route).observe(time.perf_counter() - g.counted_from)
        return response

    app.register_blueprint(bp)


class _Same(Collector):
    """The metrics of another registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        return self._registry.collect()


class _Database(Collector):
    """What the database and the engine know at the time of the scrape."""

    def __init__(self, parts: "Services") -> None:
        self._services = parts

    def collect(self) -> Iterable[Metric]:
        jobs = GaugeMetricFamily("genrelab_jobs", "Jobs by kind and state", labels=["kind", "state"])
        for (kind, state), count in self._services.jobs.counts().items():
            jobs.add_metric([kind, state], count)
        yield jobs
        totals = self._services.tracks.totals()
        yield GaugeMetricFamily("genrelab_tracks", "Recordings in the library", value=totals.tracks)
        yield GaugeMetricFamily(
            "genrelab_library_audio_seconds", "Length of all recordings in the library", value=totals.audio_s
        )
        clips = GaugeMetricFamily("genrelab_clips", "Generated clips by state", labels=["state"])
        for state, count in self._services.clips.counts().items():
            clips.add_metric([state], count)
        yield clips
        yield GaugeMetricFamily(
            "genrelab_clip_audio_seconds", "Length of all takes of clips", value=self._services.clips.made_s()
        )
        if self._services.engine.ready:
            model = GaugeMetricFamily("genrelab_model_info", "The model that answers", labels=["model"])
            model.add_metric([self._services.engine.model_name], 1)
            yield model
