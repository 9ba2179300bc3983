"""The page in a real browser, on a server of its own with an engine that needs no weights."""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from service.app import create_app
from service.job_runner import JobRunner
from service.services import Services
from service.settings import Settings
from tests.support.pitch_engine import PitchEngine
from tests.support.stand_in_generation import stand_in_generation

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
PATIENCE_MS = 15_000
LOOK_S = 0.02  # how soon a server hears that it should stop: its own half a second would be waited for in every test


@dataclass(frozen=True)
class Live:
    """A server that runs: where it is, and what is in it."""

    url: str
    services: Services


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, or a skip where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium here (on Debian and Ubuntu: apt install chromium)")
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def fresh_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an empty database that is up to date: copying it is faster than migrating in every test."""
    folder = tmp_path_factory.mktemp("fresh") / "data"
    settings = Settings(data_dir=folder)
    Services.from_settings(settings, engine=PitchEngine(), generation=stand_in_generation()).close()
    return folder


@pytest.fixture
def serve(tmp_path: Path, fresh_data: Path) -> Iterator[Callable[..., Live]]:
    """A function that starts a server with the settings, the engine and the generator that it is given."""
    running: list[Callable[[], None]] = []

    def start(*, engine: Any = None, generator: Any = None, **settings: Any) -> Live:
        chosen = Settings(data_dir=tmp_path / "data", **settings)
        if not chosen.data_dir.exists():
            shutil.copytree(fresh_data, chosen.data_dir)
        services = Services.from_settings(
            chosen, engine=engine or PitchEngine(), generation=stand_in_generation(generator)
        )
        app = create_app(services=services)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        stopping = app.extensions["stopping"]
        threads = [
            threading.Thread(target=server.serve_forever, args=(LOOK_S,), daemon=True),
            threading.Thread(target=do_jobs, args=(services, stopping), daemon=True),
        ]
        for thread in threads:
            thread.start()

        def stop() -> None:
            stopping.set()
            server.shutdown()
            for thread in threads:
                thread.join()
            services.close()

        running.append(stop)
        return Live(url=f"http://127.0.0.1:{server.server_port}{chosen.prefix}/", services=services)

    yield start
    for stop in running:
        stop()


def do_jobs(services: Services, stopping: threading.Event) -> None:
    """What the job process does, one job after the other, as a thread of this process."""
    with JobRunner(services) as runner:
        while not stopping.wait(0.05):
            for waiting in services.jobs.list(state="queued").items:
                runner.run(waiting.id)


@pytest.fixture
def live(serve: Callable[..., Live]) -> Live:
    """A server as one gets it without any settings."""
    return serve()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """A function that opens a page in a fresh browser profile; what the page complains of fails the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_one(url: str, **options: Any) -> Any:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def _is_complaint(message: Any) -> bool:
    """Errors of the page's own; an answer of 4xx, which tests provoke, is logged by the browser as one too."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")
