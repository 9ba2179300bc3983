"""Takes the pictures of the page that the documentation shows: `make screenshots`.

It starts a server of its own on an empty data folder, classifies the recordings of a folder with the installed
model, and photographs the pages in Chromium. The recordings are those of `GENRELAB_SHARED_DATA`, or of the folder
given as the argument; every picture shows answers of the real model about real recordings.
"""

import argparse
import io
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from service.app import create_app
from service.services import Services
from service.settings import Settings
from service.usecases import tracks as usecases

IMAGES = Path(__file__).parent / "images"
MAX_BYTES = 400_000
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}, "device_scale_factor": 1.5}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


def main() -> None:
    """Classify, then photograph."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(os.environ.get("GENRELAB_SHARED_DATA", "../shared/data")) / "audio"
    parser.add_argument("music", type=Path, nargs="?", default=default, help="folder of recordings")
    parser.add_argument("--star", default="traveling_minstrels", help="part of the name of the track page's recording")
    options = parser.parse_args()
    recordings = sorted(path for path in options.music.glob("*") if path.is_file())
    program = shutil.which("chromium")
    if program is None or not recordings:
        sys.exit(f"Needs Chromium (found: {program}) and recordings in {options.music} (found: {len(recordings)}).")
    with running_server() as (url, services), sync_playwright() as playwright:
        ids = {path.name: add(path, services) for path in recordings}
        star = next(track for name, track in ids.items() if options.star in name)
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        photograph(browser, url, star)
        browser.close()


@contextmanager
def running_server() -> Iterator[tuple[str, Services]]:
    """A server on a free port whose data is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        services = Services.from_settings(Settings(data_dir=Path(folder)))
        services.engine.warm_up()
        server = make_server("127.0.0.1", 0, create_app(services=services), threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", services
        finally:
            server.shutdown()
            thread.join()
            services.close()


def add(path: Path, services: Services) -> str:
    """Put a recording into the library and hear it; its id."""
    with path.open("rb") as stream:
        track = usecases.receive_upload(stream, path.name, services=services)
    answer = usecases.classify_track(track.id, services=services)
    print(f"{path.name}: {answer['genre']} {answer['set']}")
    return track.id


def photograph(browser: Browser, url: str, star: str) -> None:
    """Every picture, each with the state that it shows."""
    for theme in ("light", "dark"):
        page = opened(browser, url, color_scheme=theme, **DESKTOP)
        page.locator("#rows tr").first.wait_for()
        keep(page, f"library-{theme}")
        page.goto(f"{url}tracks/{star}")
        listen_a_little(page)
        keep(page, f"track-{theme}")
        figures = page.locator("#pictures")
        figures.scroll_into_view_if_needed()
        page.locator(".picture[data-kind=scalogram] img").wait_for()
        page.locator("#attributes").evaluate("card => scrollTo(0, card.offsetTop - 84)")
        keep(page, f"track-{theme}-sound")
        page.context.close()
    page = opened(browser, url, color_scheme="light", **PHONE)
    page.locator("#rows tr").first.wait_for()
    keep(page, "library-phone")
    page.goto(f"{url}tracks/{star}")
    listen_a_little(page)
    keep(page, "track-phone")
    page.locator("#player").evaluate("card => scrollTo(0, card.offsetTop - 76)")
    keep(page, "track-phone-player")
    page.context.close()


def opened(browser: Browser, url: str, **options: Any) -> Page:
    """A page in a fresh profile, without motion."""
    page = browser.new_context(reduced_motion="reduce", **options).new_page()
    page.goto(url)
    page.locator("#model-chip .dot.good").wait_for()
    return page


def listen_a_little(page: Page) -> None:
    """Move to a third of the recording, so that the played part and the playhead show."""
    page.locator("#wave canvas").first.wait_for()
    page.keyboard.press("4")
    page.locator(".run.current").wait_for()
    page.wait_for_timeout(300)


def keep(page: Page, name: str) -> None:
    """Save what is in view as a PNG of few colours, small enough for a repository."""
    page.wait_for_timeout(400)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        IMAGES / f"{name}.png", optimize=True
    )
    size = (IMAGES / f"{name}.png").stat().st_size
    print(f"{name}.png: {size / 1000:.0f} kB")
    if size > MAX_BYTES:
        sys.exit(f"{name}.png has {size} bytes: more than {MAX_BYTES}.")


if __name__ == "__main__":
    main()
