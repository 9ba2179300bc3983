"""Making clips on the page, in Chromium: from a mix, a recording, what was made; when something goes wrong."""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from models.errors import ModelError
from service.storage.clips import Clip
from service.usecases import clips as usecases
from service.usecases.tracks import classify_track, receive_upload
from tests.browser.conftest import Live
from tests.browser.test_page import has_no_sideways_scroll, tones, until
from tests.support.stand_in_generator import StandInGenerator

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 360, "height": 780}, "is_mobile": True, "has_touch": True}
REFUSED = "{ detail: 'x', errors: { json: { source: { end_s: ['30 is out of range: expected 0 to 20'] } } } }"


@pytest.fixture(scope="module")
def words(chromium: Any) -> Iterator[Any]:
    """A page that holds the module, with what it takes from the other one put in."""
    page = chromium.new_page()
    scripts = Path("service/web/static/js")
    sources = [scripts.joinpath(name).read_text() for name in ("format.js", "generate-words.js")]
    page.evaluate(
        """async ([format, words]) => {
            const address = source => URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
            window.words = await import(address(words.replace("./format.js", address(format))));
        }""",
        sources,
    )
    yield page
    page.close()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("mixWords('drum_and_bass')", "Drum and bass"),
        ("mixWords({ blues: 1, jazz: 3 })", "Jazz 75 %, blues 25 %"),
        ("mixWords(null)", "As in the recording"),
        (
            "wishWords({ seconds: 12.5, tempo_bpm: 76, key: 'Eb major', energy: 0.4, loop: true, takes: 3 })",
            "12.5 s · 76 BPM · E♭ major · energy 40 % · loop · 3 takes",
        ),
        ("wishWords({ vary: { clip: 'x', strength: 0.2 }, takes: 1 })", "10 s · varies a take by 20 %"),
        ("wishWords({ seconds: 9, source: { track: 'x', use: 'inpaint' } })", "9 s · fills in a recording"),
        ("tempoWords(77.9, 76)", "78 BPM, as wished"),
        ("tempoWords(152, 76)", "152 BPM, twice the wish"),
        ("tempoWords(90, 76)", "90 BPM, wished 76"),
        ("tempoWords(null, 76)", "not clear"),
        ("keyWords('C major', 'A minor')", "C major, wished A minor"),
        (
            "originalityWords({ longest_run_s: 0.42, limit_s: 3 })",
            "Longest run shared with training material: 0.4 s of 3 s allowed",
        ),
        ("retryWords([])", ""),
        ("retryWords([{ reason: 'silent' }, { reason: 'silent' }])", "2 tries were given up before this one: silent."),
        ("waitWords(2)", "a few seconds"),
        ("waitWords(41)", "about 45 s"),
        ("waitWords(130)", "about 3 min"),
        ("remaining(4, { from: 0.25, to: 0.75 })", "2"),
        ("remaining(4, { from: 0.2, to: 0.21 })", "null"),
    ],
)
def test_what_is_said_of_a_clip(words: Any, call: str, said: str) -> None:
    assert words.evaluate(f"String(words.{call})").replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("problem", "fields"),
    [
        (REFUSED, {"end_s": "30 is out of range: expected 0 to 20."}),
        ("{ detail: 'tempo_bpm=5000: expected 30 to 300' }", {"tempo_bpm": "Expected 30 to 300."}),
        ("{ detail: 'The server is busy.' }", {}),
    ],
)
def test_what_was_refused_is_said_beside_its_field(words: Any, problem: str, fields: dict[str, str]) -> None:
    found = words.evaluate(f"words.refusedFields({problem})")
    assert {name: said.replace("\u00a0", " ") for name, said in found.items()} == fields


def newest(live: Live) -> Clip:
    return live.services.clips.list(limit=1).items[0]


def finished(page: Any, live: Live, n: int) -> Clip:
    """Wait until so many clips were asked for and the newest is shown; that one."""
    until(page, "document.getElementById('working').hidden && document.querySelector('.take') !== null", seconds=60)
    assert len(live.services.clips.list(limit=50).items) == n
    return newest(live)


def made(live: Live, **asked: Any) -> Clip:
    """A clip that was made before the page was opened."""
    clip = usecases.request_clip({"genre": "waltz", "seconds": 2.0, **asked}, owner="test", services=live.services)
    end = time.monotonic() + 60
    while live.services.clips.get(clip.id).state != "done":
        assert time.monotonic() < end
        time.sleep(0.05)
    return live.services.clips.get(clip.id)


def test_a_mix_becomes_takes_that_are_heard_rated_and_followed(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{live.url}generate")
    page.get_by_role("button", name="Only Reggae").click()
    page.get_by_role("slider", name="Jazz").fill("50")
    assert page.locator("#mix-words").inner_text().replace("\u00a0", " ") == "Reggae 67 %, jazz 33 %"
    page.get_by_label("Length in seconds").fill("3")
    page.get_by_label("Takes").fill("2")
    page.get_by_label("Tempo in BPM").fill("76")
    page.get_by_label("Key", exact=True).select_option("A minor")
    address = page.url
    page.get_by_role("button", name="Generate", exact=True).click()
    clip = finished(page, live, 1)
    wish = clip.take(1).report["wish"]
    assert (wish["seconds"], wish["tempo_bpm"], wish["key"]) == (3, 76, "A minor")
    assert wish["genre"] == pytest.approx({"reggae": 2 / 3, "jazz": 1 / 3}, abs=1e-3)
    second = page.locator(".take").nth(1)
    said = second.inner_text()
    assert "76\u00a0BPM, as wished" in said
    assert "0.4\u00a0s of 3\u00a0s allowed" in said
    assert page.locator(".take .best:visible").count() == 1

    page.get_by_role("heading", level=1).click()
    page.keyboard.press("n")
    page.keyboard.press("n")
    until(page, "document.querySelectorAll('.take')[1].classList.contains('current')")
    page.keyboard.press("4")
    until(page, "document.querySelectorAll('.take .lit').length === 4")
    second.get_by_role("radio", name="5 of 5 stars").check(force=True)
    until(page, "!document.getElementById('follow-ratings').disabled")
    for format in ("WAV", "MP3"):
        link = second.get_by_role("link", name=format).get_attribute("href")
        assert page.evaluate("async url => (await fetch(url)).ok", link)
    page.get_by_role("button", name="More like the ones I rated").click()
    until(page, "document.getElementById('takes-text').textContent.includes('follows ratings')", seconds=60)
    assert finished(page, live, 2).request["follow"] == clip.id
    assert live.services.clips.get(clip.id).take(1).rating == 5

    again = open_page(address)  # what is asked for is in the address
    until(again, "document.getElementById('mix-words').textContent.startsWith('Reggae')")
    assert (again.get_by_label("Tempo in BPM").input_value(), again.get_by_label("Key", exact=True).input_value()) == (
        "76",
        "A minor",
    )


def test_a_take_is_varied_continued_and_made_again(live: Live, open_page: Callable[..., Any]) -> None:
    clip = made(live)
    page = open_page(f"{live.url}clips/{clip.id}")
    page.get_by_role("heading", level=1, name="Waltz").wait_for()
    assert clip.take(0).report["generator"] in page.locator("#details").inner_text()
    page.get_by_role("button", name="Regenerate").click()
    page.wait_for_url(lambda url: clip.id not in url)
    again = finished(page, live, 2)
    assert again.request["genre"] == {"waltz": 1}
    assert again.request["seed"] != clip.request["seed"]
    page.get_by_role("button", name="Vary this").click()
    page.wait_for_url(lambda url: again.id not in url)
    varied = finished(page, live, 3)
    assert varied.request["vary"] == {"clip": again.id, "take": 0, "strength": 0.5}

    page.get_by_role("button", name="Continue this").click()
    until(page, "document.querySelector('[name=use]:checked')?.value === 'continue'")
    assert page.get_by_label("Length in seconds").input_value() == "12"
    page.get_by_role("button", name="Generate", exact=True).click()
    source = finished(page, live, 4).request["source"]
    assert source == {"clip": varied.id, "take": 0, "use": "continue", "start_s": 0, "end_s": 2}


def test_a_recording_sets_the_form_and_a_stretch_of_it_is_filled(live: Live, open_page: Callable[..., Any]) -> None:
    track = receive_upload(io.BytesIO(tones(220, seconds=12)), "Morning Song.wav", services=live.services)
    classify_track(track.id, services=live.services)
    page = open_page(f"{live.url}generate")
    page.get_by_text("Start from a recording").click()
    page.locator("#start-track option", has_text="Morning Song").wait_for(state="attached")
    page.get_by_label("Start from", exact=True).select_option("Morning Song")
    until(page, "document.getElementById('mix-words').textContent.startsWith('Reggae')")
    page.get_by_label("Fill a stretch").check(force=True)
    assert page.get_by_label("From, in seconds").input_value() == "4"
    box = page.locator("#span-lane").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 30)
    page.mouse.up()
    page.get_by_label("Only Jazz").click()
    page.get_by_role("button", name="Generate", exact=True).click()
    request = finished(page, live, 1).request
    assert request["genre"] == {"jazz": 1}
    assert request["source"] == {
        "track": track.id,
        "use": "inpaint",
        "start_s": pytest.approx(6, abs=0.2),
        "end_s": pytest.approx(9, abs=0.2),
    }


def test_a_recordings_own_page_asks_for_one_like_it(live: Live, open_page: Callable[..., Any]) -> None:
    track = receive_upload(io.BytesIO(tones(220, seconds=12)), "Morning Song.wav", services=live.services)
    classify_track(track.id, services=live.services)
    page = open_page(f"{live.url}tracks/{track.id}")
    page.get_by_role("link", name="Generate like this").click()
    page.locator("#mix-words").wait_for()
    until(page, "document.getElementById('mix-words').textContent.startsWith('Reggae')")
    assert page.locator("#start-said").inner_text() == "Morning Song: like"
    page.get_by_label("Length in seconds").fill("2")
    page.get_by_role("button", name="Generate", exact=True).click()
    assert finished(page, live, 1).request["like"] == track.id


def test_what_cannot_be_met_is_said_at_its_field(live: Live, open_page: Callable[..., Any]) -> None:
    clip = made(live)
    page = open_page(f"{live.url}generate?clip={clip.id}&use=continue&loop=1")
    until(page, "document.querySelector('[name=use]:checked')?.value === 'continue'")
    generate = page.get_by_role("button", name="Generate", exact=True)
    generate.click()
    page.locator("#loop-error", has_text="cannot be a loop").wait_for()
    page.get_by_role("button", name="Start from nothing").click()
    generate.click()
    assert "Choose a genre" in page.locator("#genre-error").inner_text()
    page.get_by_label("Only Blues").click()
    page.get_by_label("Length in seconds").fill("10000")
    generate.click()
    assert page.locator("#seconds-error").inner_text() == "Expected 1 to 300."
    assert page.evaluate("document.activeElement.id") == "seconds"
    assert newest(live).id == clip.id, "nothing was asked for"


def test_work_is_stopped_fails_or_finds_no_server(serve: Callable[..., Live], open_page: Callable[..., Any]) -> None:
    class Moody(StandInGenerator):
        def make(self, wish: Any, **options: Any) -> Any:
            if wish.genre == {"metal": 1.0}:
                raise ModelError("the drummer is missing: install another generator")
            return super().make(wish, **options)

    live = serve(generator=Moody(pause_s=0.2))
    page = open_page(f"{live.url}generate?genre=pop&seconds=60")
    generate = page.get_by_role("button", name="Generate", exact=True)
    generate.click()
    page.locator("#working-title", has_text="Making the take").wait_for()
    assert page.get_by_role("progressbar", name="Progress").is_visible()
    page.get_by_role("button", name="Stop").click()
    page.locator("#working-title", has_text="Stopped").wait_for()
    assert newest(live).state == "cancelled"

    page.get_by_label("Only Metal").click()
    generate.click()
    page.locator("#working-text", has_text="The drummer is missing").wait_for()
    page.get_by_label("Only Pop").click()
    page.get_by_label("Length in seconds").fill("2")
    page.route("**/v1/clips", lambda route: route.abort())
    generate.click()
    page.locator("#working-title", has_text="The server does not answer").wait_for()
    page.unroute("**/v1/clips")
    page.get_by_role("button", name="Try again").first.click()
    finished(page, live, 3)


def test_clips_made_before_lend_their_settings_and_go(live: Live, open_page: Callable[..., Any]) -> None:
    first = made(live, genre={"bossa_nova": 0.5, "cumbia": 0.5}, tempo_bpm=111.0, key="F# minor", seconds=1.0)
    for _ in range(10):
        usecases.request_clip({"genre": "rock", "seconds": 1.0}, owner="test", services=live.services)
    page = open_page(f"{live.url}generate")
    until(page, "document.querySelectorAll('#history-rows li').length === 10")
    page.get_by_role("button", name="Show more").click()
    row = page.locator("#history-rows li", has_text="Bossa nova")
    row.get_by_role("button", name="Use the settings").click()
    until(page, "document.getElementById('tempo_bpm').value === '111'")
    assert page.get_by_label("Key", exact=True).input_value() == "F# minor"
    assert page.get_by_label("Seed").input_value() == ""
    row.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete", exact=True).last.click()
    until(page, "document.querySelectorAll('#history-rows li').length === 10")
    assert first.id not in {clip.id for clip in live.services.clips.list(limit=50).items}


def test_on_a_phone_below_a_sub_path_without_wavesurfer(
    serve: Callable[..., Live], open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.web.pages.has_player", lambda: False)
    live = serve(prefix="/music", generator=StandInGenerator(n_rejected=2))
    clip = made(live, genre={"drum_and_bass": 0.5, "classical": 0.5}, key="Eb minor", takes=2)
    page = open_page(f"{live.url}generate?clip={clip.id}&take=1&use=inpaint", **PHONE)
    outside: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(live.url) else outside.append(request.url))
    page.locator("#span").wait_for()
    page.locator("#advanced summary").click()
    page.locator("#history-rows a").wait_for()
    assert has_no_sideways_scroll(page)
    page.locator("#history-rows a").click()
    page.locator(".take audio[controls]").nth(1).wait_for()
    assert "2 tries were given up" in page.locator(".take").first.inner_text()
    page.locator(".take img").first.evaluate("image => image.decode()")
    assert has_no_sideways_scroll(page)
    page.locator(".take-play").first.tap()
    until(page, "!document.querySelector('.take audio').paused")
    assert [url for url in outside if not url.startswith("blob:")] == []
