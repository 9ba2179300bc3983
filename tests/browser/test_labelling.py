"""Labelling on the page, in Chromium: by keys alone, with others at the same time, when the server is away."""

import io
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sqlalchemy import update

from service import job_runner
from service.project_settings import ProjectSettings
from service.storage.label_queue import Answer
from service.storage.labelling_tables import LeaseRow
from service.storage.pages import utc_now
from service.storage.projects import Project
from service.usecases import tracks as usecases
from service.usecases.labelling import due, training
from service.usecases.labelling.pool import add_tracks
from tests.browser.conftest import Live
from tests.browser.test_page import has_no_sideways_scroll, until

pytestmark = pytest.mark.browser

SR = 16000
LOW_HZ, HIGH_HZ = 220.0, 1760.0
GENRES = ("fado", "morna")
MANY = (*GENRES, *(f"genre {number}" for number in range(3, 13)))


def tone(frequency_hz: float, *, seconds: float = 4.0) -> io.BytesIO:
    t = np.arange(int(seconds * SR)) / SR
    file = io.BytesIO()
    soundfile.write(file, (0.3 * np.sin(2 * np.pi * frequency_hz * t)).astype(np.float32), SR, format="WAV")
    file.seek(0)
    return file


@dataclass(frozen=True)
class Work:
    """A project whose recordings are called after their genre: low ones are fado, high ones are morna."""

    live: Live
    project: Project

    @property
    def url(self) -> str:
        return f"{self.live.url}projects/{self.project.id}"

    def labels(self) -> list[tuple[str, tuple[str, ...]]]:
        """(annotator, names of genres) of each label that counts, in the order in which they were given."""
        names = {genre.id: genre.name for genre in self.live.services.projects.get(self.project.id).genres}
        found = self.live.services.labels.in_force(self.project.id)
        return [(label.annotator, tuple(names[genre] for genre in label.genres)) for label in found]

    def acts(self) -> list[dict[str, Any]]:
        """The answers that count, newest first."""
        return [act.to_dict() for act in self.live.services.label_queue.acts(self.project.id)]


def begin(
    live: Live, n: int = 4, *, genres: Sequence[str] = GENRES, names: Sequence[str] = (), **settings: Any
) -> Work:
    """A project of `n` recordings, fado and morna in turn; their classification is not needed."""
    services = live.services
    project = services.projects.create("Lisbon", genres=genres, settings=ProjectSettings(**settings), actor="test")
    ids = []
    for number in range(n):
        low = number % 2 == 0
        name = names[number] if names else f"{GENRES[0] if low else GENRES[1]} {number}.wav"
        sound = tone((LOW_HZ if low else HIGH_HZ) * (1 + 0.01 * number))
        track = usecases.receive_upload(sound, name, services=services)
        usecases.classify_track(track.id, services=services)
        ids.append(track.id)
    add_tracks(project, ids, actor="test", services=services)
    return Work(live, project)


@pytest.fixture
def label(open_page: Callable[..., Any]) -> Callable[..., Any]:
    """A function that opens the labelling page of a project in a browser of its own and says who one is, by keys."""

    def go(work: Work, name: str = "Ana", **options: Any) -> Any:
        page = open_page(f"{work.url}/label", **options)
        page.get_by_role("dialog", name="Who is labelling?").wait_for()
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        shown(page)
        return page

    return go


def shown(page: Any) -> str:
    """Wait for a recording; its name."""
    page.locator(".deck.shown").wait_for()
    return page.locator("#title").inner_text()


def right_key(page: Any) -> str:
    """The digit of the genre that the recording is called after."""
    return str(GENRES.index(shown(page).split()[0]) + 1)


def has_recording(page: Any) -> bool:
    """Whether there is one to label, once that is clear."""
    until(page, "document.querySelector('.deck.shown') !== null || !document.getElementById('state').hidden")
    return page.locator(".deck.shown").count() == 1


def press_and_go_on(page: Any, key: str) -> None:
    """Answer, and wait until another recording is shown, or none is left."""
    lease = page.locator(".deck.shown").get_attribute("data-lease")
    page.keyboard.press(key)
    until(page, f"document.querySelector('.deck.shown')?.dataset.lease !== '{lease}'")


def saved(page: Any, work: Work, n: int) -> None:
    """Wait until the server has so many labels."""
    for _ in range(400):
        if len(work.labels()) == n:
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"{len(work.labels())} labels, expected {n}")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("accuracyWithin({ accuracy: 0.71, low: 0.64, high: 0.77 })", "71 % ± 7"),
        ("accuracyWithin({ accuracy: 1, low: 0.995, high: 1 })", "100 % ± 1"),
        ("accuracyWithin({ accuracy: null, low: null, high: null })", "not measured yet"),
        ("strengthOfAgreement(-0.1)", "none"),
        ("strengthOfAgreement(0.61)", "substantial"),
        ("strengthOfAgreement(1)", "almost perfect"),
        ("counted(1, 'label')", "1 label"),
        ("counted(1234, 'label')", "1,234 labels"),
    ],
)
def test_numbers_of_a_project_in_words(project_words: Any, call: str, words: str) -> None:
    assert project_words.evaluate(f"words.{call}").replace("\u00a0", " ") == words


@pytest.fixture(scope="module")
def project_words(chromium: Any) -> Iterator[Any]:
    """A page that holds the module, with what it takes from the other one put in."""
    page = chromium.new_page()
    scripts = Path("service/web/static/js")
    format_js, words_js = (scripts.joinpath(name).read_text() for name in ("format.js", "project-words.js"))
    page.evaluate(
        """async ([format, words]) => {
            const address = source => URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
            window.words = await import(address(words.replace("./format.js", address(format))));
        }""",
        [format_js, words_js],
    )
    yield page
    page.close()


def test_two_annotators_label_side_by_side_with_keys_only(live: Live, label: Callable[..., Any]) -> None:
    work = begin(live, 8)
    pages = [label(work, "Ana"), label(work, "Ben")]
    assert shown(pages[0]) != shown(pages[1])
    answered = []
    for turn in range(8):
        page = pages[turn % 2]
        if not has_recording(page):
            continue
        answered.append(shown(page))
        press_and_go_on(page, right_key(page))
    for page in pages:
        while has_recording(page):
            answered.append(shown(page))
            press_and_go_on(page, right_key(page))
    saved(pages[0], work, 8)
    assert sorted(answered) == sorted(set(answered)), "nobody gets what another one hears"
    assert {name for name, _ in work.labels()} == {"Ana", "Ben"}
    assert sorted(genre for _, (genre,) in work.labels()) == ["fado"] * 4 + ["morna"] * 4
    for page in pages:
        page.get_by_text("Everything is labelled").wait_for()
        counts = [int(page.locator("#today").inner_text()) for page in pages]
    assert sum(counts) == 8


def test_it_plays_by_itself_and_the_next_one_is_ready(live: Live, label: Callable[..., Any]) -> None:
    page = label(begin(live))
    until(page, "document.querySelectorAll('.deck').length === 2")
    until(page, "[...document.querySelectorAll('.deck img')].every(image => image.complete && image.naturalWidth)")
    until(page, "[...document.querySelectorAll('.peaks path')].every(path => path.hasAttribute('d'))")
    page.get_by_role("button", name="Pause").wait_for()
    following = page.locator(".deck:not(.shown)").get_attribute("data-lease")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    press_and_go_on(page, "1")
    assert page.locator(".deck.shown").get_attribute("data-lease") == following
    track = page.locator(".deck.shown img").get_attribute("src").split("/spectrogram")[0]
    assert [url for url in asked if url.startswith(f"{track}/") and "/audio" not in url] == []
    page.get_by_role("button", name="Pause").wait_for()


def test_undo_brings_the_recording_back_and_its_label_is_gone(live: Live, label: Callable[..., Any]) -> None:
    work = begin(live)
    page = label(work)
    first = shown(page)
    press_and_go_on(page, "2")
    second = shown(page)
    saved(page, work, 1)
    page.keyboard.press("z")
    until(page, f"document.getElementById('title').textContent === {json.dumps(first)}")
    assert work.labels() == []
    assert page.locator(".choice.before").inner_text().split("\n")[-2:] == ["Morna", "before"]
    press_and_go_on(page, "1")
    assert shown(page) == second, "the one that was heard meanwhile waited"
    saved(page, work, 1)
    assert work.labels() == [("Ana", ("fado",))]
    until(page, "document.getElementById('today').textContent === '1'")
    press_and_go_on(page, "s")
    until(page, "document.getElementById('last').textContent.endsWith('skipped')")
    page.keyboard.press("z")
    until(page, f"document.getElementById('title').textContent === {json.dumps(second)}")
    assert [act["kind"] for act in work.acts()] == ["label"]


def test_what_else_one_can_say(live: Live, label: Callable[..., Any]) -> None:
    work = begin(live, 6)
    page = label(work)
    page.keyboard.press("u")
    page.keyboard.press("t")
    page.keyboard.type("live, 1962")
    page.keyboard.press("Enter")
    press_and_go_on(page, "1")
    press_and_go_on(page, "0")
    press_and_go_on(page, "n")
    press_and_go_on(page, "b")
    press_and_go_on(page, "g")
    for _ in range(400):
        if len(work.acts()) == 5:
            break
        page.wait_for_timeout(25)
    several, broken, none, zero, unsure = work.acts()
    assert (unsure["genres"], unsure["unsure"], unsure["note"]) == (["fado"], True, "live, 1962")
    assert [(act["genres"], act["none"], act["unsure"], act["note"]) for act in (zero, none)] == [
        ([], True, False, None)
    ] * 2
    assert [(act["kind"], act["flag"]) for act in (broken, several)] == [("flag", "broken"), ("flag", "several_genres")]


def test_a_key_that_is_held_down_answers_once(live: Live, label: Callable[..., Any]) -> None:
    work = begin(live)
    page = label(work)
    for _ in range(5):
        page.keyboard.down("1")
    page.keyboard.up("1")
    saved(page, work, 1)
    page.wait_for_timeout(200)
    assert len(work.labels()) == 1


def test_several_genres_are_chosen_then_saved(live: Live, label: Callable[..., Any]) -> None:
    work = begin(live, multi_label=True)
    page = label(work)
    page.get_by_role("heading", name="Which genres are they?").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("Choose at least one genre").wait_for()
    for key in "1121":
        page.keyboard.press(key)
    assert page.locator(".choice[aria-pressed=true]").count() == 2
    press_and_go_on(page, "Enter")
    page.keyboard.press("1")
    page.keyboard.press("n")
    assert page.locator(".choice[aria-pressed=true]").count() == 1, "none of these is none of these"
    press_and_go_on(page, "Enter")
    saved(page, work, 2)
    assert [genres for _, genres in work.labels()] == [("morna", "fado"), ()]


def test_one_of_many_genres_is_found_by_its_first_letters(live: Live, label: Callable[..., Any]) -> None:
    work = begin(live, genres=(*MANY[:11], "cante alentejano"))
    page = label(work)
    page.keyboard.press("/")
    page.keyboard.type("can")
    assert page.locator(".choices li:visible").count() == 2, "the one genre, and none of these"
    page.keyboard.press("Enter")
    saved(page, work, 1)
    shown(page)
    assert page.locator("#filter").input_value() == ""
    press_and_go_on(page, "0")
    saved(page, work, 2)
    assert [genres for _, genres in work.labels()] == [("cante alentejano",), ("genre 10",)]


def test_the_model_s_suggestion_is_shown_where_the_project_shows_it(live: Live, label: Callable[..., Any]) -> None:
    work = begin(live)

    def suggest(route: Any) -> None:
        answer = route.fetch()
        lease = answer.json() if answer.status == 200 else None
        if lease:
            lease["suggestion"] = {"version": 3, "genres": [{"genre": "morna", "probability": 0.7}]}
        route.fulfill(response=answer, json=lease) if lease else route.fulfill(response=answer)

    page = label(work)
    assert page.locator("#suggestion").is_hidden()
    page.route("**/v1/queue/lease", suggest)
    for _ in range(2):  # the one ahead was leased before
        press_and_go_on(page, "1")
    page.locator("#suggestion").wait_for()
    assert page.locator(".choice", has_text="Morna").inner_text().endswith("70\u00a0%")
    page.keyboard.press("h")
    assert "%" not in page.locator("#choices").inner_text()
    page.reload()
    shown(page)
    assert not page.locator("#suggestion-on").is_checked(), "the choice is remembered"


def test_the_player_obeys_keys(live: Live, label: Callable[..., Any]) -> None:
    page = label(begin(live))
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    for _ in range(3):
        page.keyboard.press("]")
    assert page.locator("#speed").inner_text() == "2×"
    for _ in range(9):
        page.keyboard.press("[")
    assert page.locator("#speed").inner_text() == "0.5×"
    page.keyboard.press("ArrowRight")
    until(page, "document.getElementById('position').textContent === '0:03'")
    page.keyboard.press("ArrowLeft")
    until(page, "document.getElementById('position').textContent === '0:00'")
    page.keyboard.press("l")
    assert page.locator("#loop").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press("m")
    assert page.locator("#mute").get_attribute("aria-pressed") == "true"


def test_where_the_browser_refuses_to_begin_it_asks_for_a_key(live: Live, open_page: Callable[..., Any]) -> None:
    work = begin(live)
    page = open_page("about:blank")
    page.add_init_script(
        """let pressed = false; // what the browser itself counts as activation, a test's own look at the page is too
        addEventListener("keydown", () => { pressed = true; }, true);
        const play = HTMLMediaElement.prototype.play;
        HTMLMediaElement.prototype.play = function () {
            return pressed ? play.call(this) : Promise.reject(new DOMException("not yet", "NotAllowedError"));
        };
        localStorage.setItem("genrelab.annotator", "Ana");"""
    )
    page.goto(f"{work.url}/label")
    page.locator("#press-space").wait_for()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Pause").wait_for()
    assert page.locator("#press-space").is_hidden()
    press_and_go_on(page, "1")
    page.get_by_role("button", name="Pause").wait_for()
    assert page.locator("#press-space").is_hidden()


def test_an_answer_survives_a_server_that_is_away(live: Live, label: Callable[..., Any]) -> None:
    """It is kept over a reload, sent again until the server has it, and counted once."""
    work = begin(live, 6)
    page = label(work)
    page.route("**/v1/labels", lambda route: route.abort())
    press_and_go_on(page, "1")
    press_and_go_on(page, "2")
    page.get_by_text("2 answers not saved yet").wait_for()
    page.keyboard.press("z")
    page.get_by_text("still on its way").wait_for()
    page.on("dialog", lambda dialog: dialog.accept())  # "leave the page?", as something is not saved
    page.reload()
    shown(page)
    page.get_by_text("2 answers not saved yet").wait_for()
    page.unroute("**/v1/labels")
    page.get_by_role("button", name="Try now").click()
    saved(page, work, 2)
    until(page, "document.getElementById('unsent').hidden")
    assert [genres for _, genres in work.labels()] == [("fado",), ("morna",)]


def test_an_answer_whose_acknowledgement_was_lost_counts_once(live: Live, label: Callable[..., Any]) -> None:
    work = begin(live)
    page = label(work)
    lost: list[str] = []

    def lose_the_first(route: Any) -> None:
        if lost or route.request.method != "POST":
            return route.continue_()
        lost.append(route.fetch().text())
        return route.abort()

    page.route("**/v1/labels", lose_the_first)
    press_and_go_on(page, "1")
    page.get_by_text("1 answer not saved yet").wait_for()
    page.get_by_role("button", name="Try now").click()
    until(page, "document.getElementById('unsent').hidden")
    assert len(lost) == 1
    assert work.labels() == [("Ana", ("fado",))]


@pytest.mark.parametrize(("status", "headers"), [(503, {"Retry-After": "1"}), (429, {"Retry-After": "1"}), (500, {})])
def test_a_busy_server_is_asked_again(live: Live, label: Callable[..., Any], status: int, headers: Any) -> None:
    work = begin(live)
    page = label(work)
    refused: list[str] = []

    def refuse_once(route: Any) -> None:
        if refused or route.request.method != "POST":
            return route.continue_()
        refused.append(route.request.url)
        return route.fulfill(status=status, headers=headers, json={"title": "Not now", "detail": "", "status": status})

    page.route("**/v1/labels", refuse_once)
    press_and_go_on(page, "1")
    saved(page, work, 1)
    assert refused


def test_a_refused_answer_comes_back(live: Live, label: Callable[..., Any]) -> None:
    work = begin(live)
    page = label(work)
    first = shown(page)
    problem = {"title": "That is not valid", "detail": "the project has no such genre", "status": 422}
    page.route("**/v1/labels", lambda route: route.fulfill(status=422, json=problem))
    page.keyboard.press("1")
    page.get_by_text("was not saved: That is not valid. The project has no such genre. It is here again.").wait_for()
    assert shown(page) == first
    page.unroute("**/v1/labels")
    page.get_by_role("button", name="Dismiss").click()
    press_and_go_on(page, "2")
    saved(page, work, 1)
    assert work.labels() == [("Ana", ("morna",))]


def test_a_reload_goes_on_with_the_same_recording(live: Live, label: Callable[..., Any]) -> None:
    page = label(begin(live))
    first = shown(page)
    page.reload()
    assert shown(page) == first


def test_what_somebody_hears_comes_to_others_when_they_are_gone(live: Live, label: Callable[..., Any]) -> None:
    work = begin(live, 2)
    ana = label(work, "Ana")
    until(ana, "document.querySelectorAll('.deck').length === 2")
    held = shown(ana)
    ben = ana.context.browser.new_context().new_page()
    ben.add_init_script("localStorage.setItem('genrelab.annotator', 'Ben')")
    ben.goto(f"{work.url}/label")
    ben.get_by_text("The others are on the last recordings").wait_for()
    ana.goto("about:blank")
    with live.services.database.writing() as session:  # what time does
        session.execute(update(LeaseRow).values(expires_at=utc_now() - timedelta(seconds=1)))
    titles = [shown(ben)]
    press_and_go_on(ben, "1")
    until(ben, "document.querySelector('.deck.shown') !== null")
    titles.append(shown(ben))
    assert held in titles
    ben.context.close()


def test_the_curve_moves_after_a_training(
    serve: Callable[..., Live],
    label: Callable[..., Any],
    open_page: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job_runner, "LEARN_S", 0.2)  # the board itself looks every three seconds all the same
    live = serve()
    first, then, last = due.FIRST_AFTER, 5, 3
    work = begin(live, first + then + last, random_share=1.0, retrain_every=then)
    page = label(work)
    board = open_page(work.url)
    board.get_by_role("heading", name="Lisbon").wait_for()
    assert board.locator(".curve-box").is_hidden()
    for _ in range(first):
        press_and_go_on(page, right_key(page))
    saved(page, work, first)
    board.locator("#versions [data-version='1']").wait_for(timeout=60_000)
    assert board.locator("#versions [data-version='1']").get_attribute("class") == "active"
    for _ in range(then):
        press_and_go_on(page, right_key(page))
    saved(page, work, first + then)
    board.locator("#versions [data-version='2']").wait_for(timeout=60_000)
    board.locator(".curve .point").nth(1).wait_for()
    before = board.locator(".curve .point").count()
    while has_recording(page):
        press_and_go_on(page, right_key(page))
    saved(page, work, first + then + last)
    board.get_by_role("button", name="Train now").click()
    board.locator("#job").wait_for()
    until(board, "document.getElementById('job').hidden", seconds=60)
    versions = live.services.versions
    points = versions.report(work.project.id, versions.list(work.project.id)[0].version)["curve"]["points"]
    assert board.locator(".curve .point").count() == len(points) >= before
    assert board.locator("#readout").inner_text().startswith(f"{points[-1]['labels']} labels: ")
    board.locator("#curve").focus()
    board.keyboard.press("Home")
    assert board.locator("#readout").inner_text().startswith(f"{points[0]['labels']} labels: ")
    board.get_by_text("The curve as a table").click()
    assert board.locator("#curve-rows tr").count() == len(points)
    until(page, "document.getElementById('accuracy').textContent.includes('%')")


def test_every_version_is_one_click_away(live: Live, open_page: Callable[..., Any]) -> None:
    work = begin(live, 8, retrain_every=1000)  # the first training of its own would come after 10 labels
    heard(work)
    for n in (5, 3):  # five cannot all be of one genre
        answer_rightly(work, n)
        training.learn(work.project.id, services=live.services)
    live.services.versions.activate(work.project.id, 2, actor="test")  # whether it measured better or not
    page = open_page(work.url)
    page.get_by_role("button", name="Roll back from version 2").click()
    page.get_by_text("The version before is active again").wait_for()
    page.locator("[data-version='1'].active").wait_for()
    page.get_by_role("button", name="Activate version 2").click()
    page.locator("[data-version='2'].active").wait_for()
    assert live.services.projects.get(work.project.id).version == 2
    page.get_by_label("Name of the model").fill("lisbon")
    page.get_by_role("button", name="Publish the active version").click()
    page.get_by_text("Version 2 is the model lisbon").wait_for()


def heard(work: Work) -> None:
    """Wait for the job that hears what has joined the pool."""
    jobs, end = work.live.services.jobs, time.monotonic() + 60
    while jobs.list(state="queued").items or jobs.list(state="running").items:
        assert time.monotonic() < end
        time.sleep(0.05)


def answer_rightly(work: Work, n: int) -> None:
    """Label some recordings without a page."""
    queue = work.live.services.label_queue
    for _ in range(n):
        lease = queue.lease(work.project.id, "Ana")
        assert lease is not None
        queue.answer(lease.id, Answer("label", genres=(lease.filename.split()[0],)), "Ana")


def test_labels_that_are_hard_to_believe_can_be_heard(live: Live, open_page: Callable[..., Any]) -> None:
    """And what the model takes for what is a table, with the shares of its rows in words."""
    work = begin(live, 2)
    items = live.services.projects.items(work.project.id).items

    def doubt(route: Any) -> None:
        answer = route.fetch()
        told = answer.json()
        told["confusion"] = {"genres": list(GENRES), "matrix": [[9, 1], [0, 4]]}
        told["suspicious"] = [
            {"item": item.id, "track": item.track_id, "filename": item.filename, "label": "fado", "likely": "morna"}
            | {"quality": 0.1}
            for item in items
        ]
        route.fulfill(response=answer, json=told)

    page = open_page("about:blank")
    page.route("**/dashboard", doubt)
    page.goto(work.url)
    first, second = (page.locator("#suspicious button").nth(i) for i in (0, 1))
    first.click()
    page.get_by_role("button", name="Play").first.wait_for()
    until(page, "document.querySelectorAll('#suspicious .playing').length === 1")
    second.click()
    until(page, "document.querySelectorAll('#suspicious button')[1].classList.contains('playing')")
    assert page.locator("#suspicious .playing").count() == 1
    second.click()
    until(page, "document.getElementById('audio').paused")
    assert page.get_by_title("Fado, taken for Morna: 1 of 10, 10\u00a0%").inner_text() == "1"


def test_genres_are_added_renamed_and_merged(live: Live, open_page: Callable[..., Any]) -> None:
    work = begin(live, 1, genres=("fado", "morna", "chula"))
    page = open_page(work.url)
    page.get_by_label("Name of a new genre").fill("vira")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("#taxonomy [data-genre=vira]").wait_for()
    page.get_by_role("button", name="Rename Vira").click()
    page.get_by_label("New name of Vira").fill("corridinho")
    page.keyboard.press("Enter")
    page.locator("#taxonomy [data-genre=corridinho]").wait_for()
    page.get_by_label("Merge Chula into another genre").select_option(label="Fado")
    page.get_by_role("dialog", name="Merge Chula into Fado?").wait_for()
    page.get_by_role("button", name="Merge", exact=True).click()
    page.locator("#taxonomy [data-genre=chula]").wait_for(state="detached")
    names = [genre.name for genre in live.services.projects.get(work.project.id).genres]
    assert names == ["fado", "morna", "corridinho"]


def test_settings_are_changed_one_by_one(live: Live, open_page: Callable[..., Any]) -> None:
    work = begin(live, 1)
    page = open_page(work.url)
    page.get_by_label("Annotators for each recording").fill("2")
    page.get_by_label("Minutes until a recording goes back").fill("2.5")
    page.get_by_label("Show annotators what the model suggests").check()
    sent: list[Any] = []
    page.on("request", lambda request: sent.append(request.post_data_json) if request.method == "PATCH" else None)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert sent == [{"settings": {"overlap": 2, "lease_s": 150, "suggestions": "shown"}}]
    assert live.services.projects.get(work.project.id).settings.overlap == 2
    page.get_by_label("Annotators for each recording").fill("9")
    page.get_by_role("button", name="Save").click()
    assert page.evaluate("!document.getElementById('settings').checkValidity()")


def test_a_project_from_nothing(live: Live, open_page: Callable[..., Any]) -> None:
    for number in range(3):
        track = usecases.receive_upload(tone(LOW_HZ + number), f"song {number}.wav", services=live.services)
        usecases.classify_track(track.id, services=live.services)
    page = open_page(live.url)
    page.get_by_role("link", name="Labelling").click()
    page.get_by_role("heading", name="Teach it your own genres").wait_for()
    page.get_by_label("Name", exact=True).fill("Niche")
    page.get_by_label("Genres, one a line").fill("fado, morna\nchula\n\n")
    page.get_by_label("whole library").uncheck()
    page.get_by_role("button", name="Create").click()
    page.get_by_text("There is nothing to label yet").wait_for()
    assert page.locator("#go-label").is_hidden()
    page.get_by_label("Part of the file name").fill("song 1")
    page.get_by_role("button", name="Add these").click()
    page.get_by_text("1 recording added").wait_for()
    page.get_by_role("button", name="Add the whole library").click()
    page.get_by_text("2 recordings added").wait_for()
    page.locator("#go-label").wait_for()
    assert [genre.name for genre in live.services.projects.list()[0].genres] == ["fado", "morna", "chula"]
    page.get_by_role("link", name="Labelling").first.click()
    page.locator("#project-list h2", has_text="Niche").wait_for()


def test_labels_leave_and_come_back(live: Live, label: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    work = begin(live)
    page = label(work)
    for _ in range(3):
        press_and_go_on(page, right_key(page))
    saved(page, work, 3)
    board = open_page(work.url)
    with board.expect_download() as download:
        board.get_by_role("link", name="CSV").click()
    exported = Path(download.value.path()).read_text()
    assert len(exported.splitlines()) == 4
    board.locator("#import-file").set_input_files(
        {"name": "labels.csv", "mimeType": "text/csv", "buffer": exported.replace("Ana", "Eva").encode()}
    )
    board.get_by_role("button", name="Import").click()
    board.get_by_text("3 labels imported").wait_for()
    assert sorted(name for name, _ in work.labels()) == ["Ana"] * 3 + ["Eva"] * 3
    elsewhere = b"filename,genre\nelsewhere.wav,fado\n"
    board.locator("#import-file").set_input_files({"name": "labels.csv", "mimeType": "text/csv", "buffer": elsewhere})
    board.get_by_role("button", name="Import").click()
    board.get_by_text("1 recording of the file not in this project (elsewhere.wav)").wait_for()


def test_with_tokens_the_name_is_the_token_s(live: Live, open_page: Callable[..., Any]) -> None:
    work = begin(live)
    _, secret = live.services.tokens.create("ada", role="annotator")
    page = open_page(f"{work.url}/label")
    page.get_by_label("Access token").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    shown(page)
    assert page.locator(".label-head .chip").inner_text() == "ada"
    press_and_go_on(page, "1")
    saved(page, work, 1)
    assert work.labels() == [("ada", ("fado",))]
    page.locator(".crumb").click()
    page.locator("#versions").wait_for()
    assert page.locator("#settings").count() == 0, "an annotator does not change the project"


@pytest.mark.parametrize("width", [360, 390])
def test_a_phone_never_scrolls_sideways(
    live: Live, label: Callable[..., Any], open_page: Callable[..., Any], width: int
) -> None:
    work = begin(live, 2, names=["A name so long that it has to end somewhere " * 3 + ".wav", "b.wav"], genres=MANY)
    phone = {"viewport": {"width": width, "height": 780}, "is_mobile": True, "has_touch": True}
    page = label(work, **phone)
    assert has_no_sideways_scroll(page)
    page.locator(".choice").first.tap()
    saved(page, work, 1)
    for url in (work.url, f"{live.url}projects"):
        page.goto(url)
        page.locator("#versions, #project-list li").first.wait_for()
        assert has_no_sideways_scroll(page)


def test_below_a_sub_path(serve: Callable[..., Live], label: Callable[..., Any]) -> None:
    live = serve(prefix="/music/genrelab")
    work = begin(live)
    page = label(work)
    outside: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(live.url) else outside.append(request.url))
    press_and_go_on(page, "1")
    saved(page, work, 1)
    page.locator(".crumb").click()
    page.locator("#people-rows tr").wait_for()
    page.locator(".crumb").click()
    page.locator("#project-list li").wait_for()
    page.get_by_role("link", name="Label Lisbon").click()
    shown(page)
    assert outside == []


def test_names_are_only_ever_text(live: Live, label: Callable[..., Any]) -> None:
    hostile = "<img src=x onerror=window.hacked=1>"
    work = begin(live, 2, genres=(hostile, "morna"), names=[f"{hostile}{number}.wav" for number in range(2)])
    page = label(work, hostile)
    assert re.search(r"<img src=.x onerror|<img src=x onerror", shown(page))
    press_and_go_on(page, "1")
    saved(page, work, 1)
    page.goto(work.url)
    page.locator("#people-rows tr").wait_for()
    assert page.locator("[onerror]").count() == 0
    assert page.evaluate("window.hacked") is None


def test_pages_of_projects_that_are_not_there(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{live.url}projects/01ARZ3NDEKTSV4RRFFQ69G5FAV/label")
    assert page.locator(".code").inner_text() == "404"
