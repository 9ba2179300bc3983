"""Takes the pictures of the page that the documentation shows: `make screenshots`.

It starts a server of its own on an empty data folder, classifies the recordings of a folder with the installed
model, and photographs the pages in Chromium: real answers about real recordings. The recordings are those of
`GENRELAB_SHARED_DATA`, or of the folders given as arguments. The pictures in docs/images show the six of the
development data (from the music of Battle for Wesnoth) and three of the game Frozen Bubble's (Debian's package
frozen-bubble-data):

    python docs/screenshots.py ../shared/data/audio /usr/share/games/frozen-bubble/snd --star introzik

The page where one labels shows clips of our own composers, rendered by this script. The page of a project shows a
replay over the development data's GTZAN tracks, which are known by their tag activations alone. In both, two annotators
that err now and then say what the genre is, and the project's model learns as it would for people.

The page that makes clips shows takes of the installed generator. `--only generation` takes these pictures alone.
"""

import argparse
import io
import os
import random
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

from datasets.rendered_corpus import render_corpus
from datasets.taggrams import load_taggrams
from models.label_pool import LabelPool
from models.track_summary import BACKBONE
from service.app import create_app
from service.job_runner import JobRunner
from service.project_settings import ProjectSettings
from service.services import Services
from service.settings import Settings
from service.storage.ids import new_id
from service.storage.label_queue import Answer
from service.storage.projects import Project
from service.usecases import tracks as usecases
from service.usecases.clips import request_clip
from service.usecases.labelling import training
from service.usecases.labelling.pool import add_tracks

IMAGES = Path(__file__).parent / "images"
SHARED_DATA = Path(os.environ.get("GENRELAB_SHARED_DATA", "../shared/data"))
MAX_BYTES = 400_000
MIN_BYTES = 100_000  # of a recording: a game's folder of music holds its noises too
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
TALL = {"width": 1280, "height": 1130}
PLAIN: dict[str, Any] = {"viewport": TALL}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
FORM_AND_TAKES: dict[str, Any] = {"viewport": {"width": 1280, "height": 1330}}
PARTS = ("library", "labelling", "generation")
WISHES: tuple[dict[str, Any], ...] = (
    {"genre": "bossa_nova", "seconds": 20.0, "seed": 3, "loop": True},
    {"genre": "drum_and_bass", "seconds": 10.0, "seed": 2, "tempo_bpm": 172.0, "energy": 0.9},
    {
        "genre": {"reggae": 0.7, "jazz": 0.3},
        "seconds": 10.0,
        "seed": 1,
        "tempo_bpm": 76.0,
        "key": "A minor",
        "takes": 3,
    },
)
CLIP_GENRES = ("blues", "bossa_nova", "cumbia", "drum_and_bass", "reggae", "waltz")
CLIP_S = 10.0
CLIPS_OF_A_GENRE = 8
CLIP_LABELS = (24,)  # labels after which the model learns
POOL_SIZE = 400  # tracks of the project whose page is shown
POOL_LABELS = (20, 40, 70, 110, 160, 220)
ERRORS = {"Ana": 0.04, "Ben": 0.1}  # share of an annotator's answers that are another genre


def main() -> None:
    """Classify, then photograph."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("music", type=Path, nargs="*", default=[SHARED_DATA / "audio"], help="folders of recordings")
    parser.add_argument("--star", default="traveling_minstrels", help="part of the name of the track page's recording")
    parser.add_argument("--only", choices=PARTS, help="take the pictures of this part alone")
    options = parser.parse_args()
    parts = PARTS if options.only is None else (options.only,)
    recordings = [
        path
        for folder in options.music
        for path in sorted(folder.glob("*"))
        if path.is_file() and path.stat().st_size > MIN_BYTES
    ]
    program = shutil.which("chromium")
    if program is None or ("library" in parts and not recordings):
        sys.exit(f"Needs Chromium (found: {program}) and recordings in {options.music} (found: {len(recordings)}).")
    with running_server() as (url, services), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        if "library" in parts:
            ids = {path.name: add(path, services) for path in recordings}
            photograph(browser, url, next(track for name, track in ids.items() if options.star in name))
        if "labelling" in parts:
            gtzan = replay_gtzan(SHARED_DATA / "gtzan_taggrams" / "train.npz", services)
            photograph_labelling(browser, url, clips=label_clips(services), gtzan=gtzan)
        if "generation" in parts:
            photograph_generation(browser, url, make_clips(services))
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
        page.set_viewport_size(TALL)
        page.goto(f"{url}tracks/{star}")
        listen_a_little(page)
        keep(page, f"track-{theme}")
        page.context.close()
        page = opened(browser, f"{url}tracks/{star}", color_scheme=theme, **PLAIN)
        listen_a_little(page)
        page.locator("#pictures").scroll_into_view_if_needed()
        page.locator(".picture[data-kind=scalogram] img").wait_for()
        page.locator("#pictures").evaluate("card => scrollTo(0, card.offsetTop - 460)")
        keep(page, f"track-{theme}-sound", kind="jpg")
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


def label_clips(services: Services) -> Project:
    """A project that has begun: clips of our own composers, some of them answered about."""
    genres = [genre.replace("_", " ") for genre in CLIP_GENRES]
    settings = ProjectSettings(suggestions="shown")
    project = services.projects.create("Rendered clips", genres=genres, settings=settings, actor="screenshots")
    truth: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        hours = len(CLIP_GENRES) * CLIPS_OF_A_GENRE * CLIP_S / 3600
        clips = list(render_corpus(Path(folder), hours=hours, genres=CLIP_GENRES, clip_s=CLIP_S).recordings)
        random.Random(0).shuffle(clips)
        for number, clip in enumerate(clips, start=1):
            with clip.path.open("rb") as stream:
                track = usecases.receive_upload(stream, f"clip {number:03}.flac", services=services)
            usecases.classify_track(track.id, services=services)
            truth[track.id] = clip.label.replace("_", " ")
    add_tracks(project, truth, actor="screenshots", services=services)
    return answer(project, truth, services, learn_at=CLIP_LABELS)


def replay_gtzan(file: Path, services: Services) -> Project:
    """A project that is far: GTZAN's tracks, by their tag activations."""
    known = load_taggrams(file)
    chosen = random.Random(0).sample(range(len(known)), POOL_SIZE)
    project = services.projects.create("GTZAN", genres=known.genres, settings=ProjectSettings(), actor="screenshots")
    vectors = LabelPool.of_taggrams([known.tracks[i] for i in chosen], [""] * POOL_SIZE).to_vectors()
    nothing = {"sha256": "0" * 64, "size_bytes": 0, "sample_rate": None, "channels": None, "format": None}
    truth: dict[str, str] = {}
    for i, vector in zip(chosen, vectors, strict=True):
        track = services.tracks.add(id=new_id(), filename=f"{known.ids[i]}.au", duration_s=30.0, **nothing)
        services.features.put(track.id, BACKBONE, vector, start_s=0.0)
        truth[track.id] = known.genres[known.labels[i]]
    add_tracks(project, truth, actor="screenshots", services=services)
    return answer(project, truth, services, learn_at=POOL_LABELS)


def answer(project: Project, truth: dict[str, str], services: Services, *, learn_at: tuple[int, ...]) -> Project:
    """Two annotators take turns; the model learns after so many labels."""
    dice = random.Random(0)
    genres = [genre.name for genre in project.genres]
    learn(project, services)
    for number in range(1, learn_at[-1] + 1):
        annotator = ("Ana", "Ben")[number % 2]
        lease = services.label_queue.lease(project.id, annotator)
        assert lease is not None
        said = dice.choice(genres) if dice.random() < ERRORS[annotator] else truth[lease.track_id]
        services.label_queue.answer(lease.id, Answer("label", genres=(said,)), annotator)
        if number in learn_at:
            print(f"{number} labels: {learn(project, services)}")
    return services.projects.get(project.id)


def learn(project: Project, services: Services) -> dict[str, Any]:
    """What the job process does for the project's waiting job, or for a new one."""
    job = services.jobs.claim(services.jobs.submit_for_project(training.LEARN, project_id=project.id).id)
    assert job is not None
    result = training.learn(project.id, services=services)
    services.jobs.finish(job, result)
    return result


def photograph_labelling(browser: Browser, url: str, *, clips: Project, gtzan: Project) -> None:
    """The place where one labels, and the page of the project."""
    for theme in ("light", "dark"):
        page = opened_labelling(browser, f"{url}projects/{clips.id}/label", color_scheme=theme, **DESKTOP)
        hear_a_little(page)
        keep(page, f"label-{theme}", kind="jpg")
        page.goto(f"{url}projects/{gtzan.id}")
        page.locator(".curve .point.chosen").wait_for()
        keep(page, f"dashboard-{theme}")
        page.context.close()
    page = opened_labelling(browser, f"{url}projects/{clips.id}/label", color_scheme="light", **PHONE)
    hear_a_little(page)
    keep(page, "label-phone", kind="jpg")
    page.context.close()


def make_clips(services: Services) -> str:
    """Make the clips of `WISHES`, and say what we think of one; id of the last."""
    with JobRunner(services) as runner:
        for wish in WISHES:
            clip = request_clip(wish, owner="screenshots", services=services)
            runner.run(clip.job_id)
            clip = services.clips.get(clip.id)
            print(f"{wish['genre']}: {clip.state}, {len(clip.takes)} takes {clip.problem or ''}")
    services.clips.rate(clip.id, clip.best.number, 5)
    services.clips.rate(clip.id, 0, 4)
    return clip.id


def photograph_generation(browser: Browser, url: str, clip: str) -> None:
    """The form with takes below it, and the takes on a phone."""
    for theme in ("light", "dark"):
        page = opened_generation(browser, url, clip, color_scheme=theme, **FORM_AND_TAKES)
        keep(page, f"generate-{theme}")
        page.context.close()
    page = opened_generation(browser, url, clip, color_scheme="light", **PHONE)
    page.locator("#takes-card").evaluate("card => scrollTo(0, card.offsetTop - 112)")
    keep(page, "generate-phone")
    page.context.close()


def opened_generation(browser: Browser, url: str, clip: str, **options: Any) -> Page:
    """The page that makes clips, as whoever has just made one sees it and has begun to listen."""
    context = browser.new_context(reduced_motion="reduce", **options)
    context.add_init_script(f"sessionStorage.setItem('genrelab.clip', JSON.stringify('{clip}'))")
    page = context.new_page()
    page.goto(f"{url}generate?of={clip}")
    page.locator("#model-chip .dot.good").wait_for()
    page.locator("#history-rows li").first.wait_for()
    for number in range(page.locator(".take").count()):
        take = page.locator(".take").nth(number)
        take.scroll_into_view_if_needed()
        take.locator(".wave canvas").first.wait_for(state="attached")
        take.locator("img").evaluate("image => image.decode()")
    page.keyboard.press("n")
    page.wait_for_timeout(2500)
    page.keyboard.press("Space")
    page.evaluate("scrollTo(0, 0)")
    return page


def opened_labelling(browser: Browser, url: str, **options: Any) -> Page:
    """A page for Ana, in a fresh profile and without motion."""
    context = browser.new_context(reduced_motion="reduce", **options)
    context.add_init_script("localStorage.setItem('genrelab.annotator', 'Ana')")
    page = context.new_page()
    page.goto(url)
    return page


def hear_a_little(page: Page) -> None:
    """Begin to play, so that the played part and the playhead show."""
    page.locator(".deck.shown .peaks path[d]").first.wait_for()
    page.locator(".deck.shown img").evaluate("image => image.decode()")
    page.keyboard.press("Space")
    page.wait_for_timeout(900)
    page.keyboard.press("Space")


def opened(browser: Browser, url: str, **options: Any) -> Page:
    """A page in a fresh profile, without motion."""
    page = browser.new_context(reduced_motion="reduce", **options).new_page()
    page.goto(url)
    page.locator("#model-chip .dot.good").wait_for()
    return page


def listen_a_little(page: Page) -> None:
    """Move to a third of the recording, so that the played part and the playhead show."""
    page.locator("#wave canvas").first.wait_for()
    page.locator("#model-chip .dot.good").wait_for()
    page.keyboard.press("4")
    page.locator(".run.current").wait_for()
    page.wait_for_timeout(300)


def keep(page: Page, name: str, *, kind: str = "png") -> None:
    """Save what is in view: as PNG, or as JPEG where spectrograms would make a PNG large."""
    page.wait_for_timeout(400)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    file = IMAGES / f"{name}.{kind}"
    image.save(file, **({"optimize": True} if kind == "png" else {"quality": 90, "subsampling": 0}))
    size = file.stat().st_size
    print(f"{file.name}: {size / 1000:.0f} kB")
    if size > MAX_BYTES:
        sys.exit(f"{file.name} has {size} bytes: more than {MAX_BYTES}.")


if __name__ == "__main__":
    main()
