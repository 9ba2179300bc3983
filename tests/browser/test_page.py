"""What people do on the page, in Chromium: add a recording, read the answer, listen, look, delete."""

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from service.web.vendor import has_player
from tests.browser.conftest import Live
from tests.support.pitch_engine import PitchEngine

pytestmark = pytest.mark.browser
needs_player = pytest.mark.skipif(not has_player(), reason="no wavesurfer here (run `make assets` where npm is)")

SR = 22050


def wav(seconds: float = 12.0, *, seed: int = 0) -> bytes:
    """A recording: a tone that wavers, with some noise."""
    t = np.arange(int(seconds * SR)) / SR
    noise = np.random.default_rng(seed).normal(0, 0.05, t.size)
    y = 0.3 * np.sin(2 * np.pi * (220 + 40 * seed) * t) * (0.6 + 0.4 * np.sin(2 * np.pi * 2 * t)) + noise
    buffer = io.BytesIO()
    soundfile.write(buffer, y.astype(np.float32), SR, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def tones(*frequencies_hz: float, seconds: float = 6.0) -> bytes:
    """One tone after the other; 0 Hz is silence."""
    t = np.arange(int(seconds * SR)) / SR
    buffer = io.BytesIO()
    y = np.concatenate([0.3 * np.sin(2 * np.pi * frequency * t) for frequency in frequencies_hz])
    soundfile.write(buffer, y.astype(np.float32), SR, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def sound(name: str = "Morning Song.wav", **kwargs: Any) -> dict[str, Any]:
    return {"name": name, "mimeType": "audio/wav", "buffer": wav(**kwargs)}


def add(page: Any, *files: dict[str, Any]) -> None:
    page.locator("#file-input").set_input_files(list(files))
    page.locator(".upload.done").nth(len(files) - 1).wait_for()


def open_added(page: Any, *files: dict[str, Any]) -> None:
    add(page, *(files or (sound(),)))
    page.locator(".upload.done a").first.click()
    page.locator("#verdict").wait_for()


def drawn(page: Any) -> None:
    """Wait for the player, whichever the page has here."""
    page.locator("#wave canvas" if has_player() else "#audio[controls]").first.wait_for()


def until(page: Any, expression: str, *, seconds: float = 10.0) -> None:
    """Wait until an expression holds; Playwright's own way evaluates strings in the page, which its policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"{seconds} s have passed: {expression}"
        page.wait_for_timeout(25)


def has_no_sideways_scroll(page: Any) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def position(page: Any) -> float:
    return page.evaluate("document.getElementById('audio').currentTime")


def answer_of(live: Live) -> dict[str, Any]:
    newest = live.services.tracks.list(limit=1).items[0]
    return live.services.tracks.get(newest.id).to_dict()["classification"]


def test_upload_result_seek_spectrogram(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(live.url)
    page.get_by_role("heading", name="Drop a song, see its genre").wait_for()
    page.locator("#model-chip", has_text=live.services.models.active("genre").name).wait_for()
    open_added(page, {"name": "Morning Song.wav", "mimeType": "audio/wav", "buffer": tones(220, 880)})
    answer = answer_of(live)
    assert page.get_by_role("heading", level=1).inner_text() == "Morning Song"
    assert page.locator("#genres li[data-genre]").count() == len(answer["probabilities"])
    assert page.locator("#genres .in-set").count() == len(answer["set"])
    drawn(page)

    last = page.locator(".run").last
    last.click()
    until(page, "!document.getElementById('audio').paused")
    assert answer["runs"][-1]["start_s"] == pytest.approx(6.0, abs=1.5)
    assert position(page) >= answer["runs"][-1]["start_s"] - 0.05
    assert page.locator("#now").inner_text().startswith("Now:")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("Space")
    until(page, "document.getElementById('audio').paused")

    for kind in ("spectrogram", "scalogram"):
        figure = page.locator(f".picture[data-kind={kind}]")
        figure.scroll_into_view_if_needed()
        image = figure.locator("img")
        image.wait_for()
        assert image.evaluate("image => image.complete && image.naturalWidth > 100")
        assert "Hz" in image.get_attribute("alt")
        left = figure.locator(".playhead").evaluate("head => head.style.left")
        assert left == page.locator("#lanes .playhead").evaluate("head => head.style.left") != "0%"
    box = page.locator(".picture[data-kind=spectrogram] .canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    until(page, f"Math.abs(document.getElementById('audio').currentTime - {answer['duration_s'] / 4}) < 1")


@needs_player
def test_the_waveform_is_a_slider(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(live.url)
    open_added(page)
    drawn(page)
    wave = page.get_by_role("slider", name="Position in the recording")
    wave.focus()
    for key, position_s in (("End", 11.99), ("ArrowLeft", 6.99), ("Home", 0.0), ("ArrowRight", 5.0)):
        page.keyboard.press(key)
        until(page, f"Math.abs(document.getElementById('audio').currentTime - {position_s}) < 0.05")
    page.keyboard.press("Tab")
    assert "run" in page.evaluate("document.activeElement.className"), "the timeline comes next"


@needs_player
def test_the_waveform_seeks_and_the_playhead_follows(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(live.url)
    open_added(page)
    wave = page.locator("#wave")
    drawn(page)
    box = wave.bounding_box()
    wave.click(position={"x": box["width"] * 0.75, "y": 20})
    until(page, "Math.abs(document.getElementById('audio').currentTime - 9) < 0.2")
    until(page, "Math.abs(parseFloat(document.querySelector('#lanes .playhead').style.left) - 75) < 2")
    page.locator("#play").click()
    until(page, "!document.getElementById('audio').paused")
    page.get_by_role("button", name="Pause").first.click()
    until(page, "document.getElementById('audio').paused")
    assert re.fullmatch("([89]|1[01]) seconds of 12 seconds", wave.get_attribute("aria-valuetext"))


def test_a_track_page_shows_progress_and_then_the_answer(
    serve: Callable[..., Live], open_page: Callable[..., Any]
) -> None:
    live = serve(engine=PitchEngine(pause_s=4.0))
    page = open_page(live.url)
    page.locator("#file-input").set_input_files([sound()])
    page.locator("#rows .title a").click()
    page.get_by_text("Listening, ").wait_for()
    bar = page.get_by_role("progressbar", name="Analysis")
    shares = set()
    while page.locator("#verdict").is_hidden():
        shares.add(page.evaluate("document.getElementById('working-bar').getAttribute('aria-valuenow')"))
        page.wait_for_timeout(100)
    assert len(shares) > 2, "the bar moves"
    assert bar.is_hidden()
    assert page.locator("#sentence").inner_text().startswith("Reggae, 91")


def test_work_can_be_stopped_and_begun_again(serve: Callable[..., Live], open_page: Callable[..., Any]) -> None:
    page = open_page(serve(engine=PitchEngine(pause_s=3.0)).url)
    page.locator("#file-input").set_input_files([sound(seconds=4)])
    page.locator("#rows .title a").click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped before it was heard").wait_for()
    page.get_by_role("button", name="Try again").click()
    page.locator("#verdict").wait_for()


def test_the_timeline_follows_the_music(live: Live, open_page: Callable[..., Any]) -> None:
    """6 s below the border and 6 s above it are one run of each genre, in words and in the table."""
    page = open_page(live.url)
    open_added(page, {"name": "two.wav", "mimeType": "audio/wav", "buffer": tones(220, 880)})
    runs = page.locator(".run")
    assert [runs.nth(i).inner_text() for i in range(runs.count())] == ["Reggae", "Jazz"]
    assert re.match(r"0 seconds to \d seconds: Reggae, 91", runs.first.get_attribute("aria-label"))
    assert page.locator("#sentence").inner_text() in ("Reggae or jazz", "Jazz or reggae")
    page.get_by_text("Timeline as a table").click()
    assert page.locator("#run-rows tr").count() == 2
    with page.expect_download() as download:
        page.get_by_role("button", name="Labels for Audacity").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert [line.split("\t")[2] for line in lines] == ["Reggae", "Jazz"]


@pytest.mark.parametrize(
    ("buffer", "sentence"), [("silence", "This recording is silent"), ("short", "Reggae, 91\u00a0% sure")]
)
def test_silence_and_short_clips(live: Live, open_page: Callable[..., Any], buffer: str, sentence: str) -> None:
    recording = tones(0, 0) if buffer == "silence" else wav(seconds=1.2)
    page = open_page(live.url)
    add(page, {"name": f"{buffer}.wav", "mimeType": "audio/wav", "buffer": recording})
    assert sentence.removesuffix(" sure") in page.locator(".upload.done").inner_text()
    page.locator(".upload.done a").click()
    page.locator("#verdict").wait_for()
    assert page.locator("#sentence").inner_text() == sentence
    assert page.locator("#short-note").is_visible() == (buffer == "short")
    assert page.locator("#genres-side").is_hidden() == (buffer == "silence")
    assert page.locator("#why").is_hidden() == (buffer == "silence")


def test_audio_is_streamed_and_never_decoded_whole(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(live.url)
    add(page, sound())
    page.evaluate("window.fetched = 0")
    with page.expect_request(lambda request: request.url.endswith("/audio")) as asked:
        page.locator(".upload.done a").click()
    assert asked.value.resource_type == "media"
    assert "range" in asked.value.headers


def test_evidence_plays_and_stops(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(live.url)
    open_added(page)
    stretches = sorted(answer_of(live)["evidence"], key=lambda stretch: -abs(stretch["effect"]))
    assert stretches
    button = page.locator("#evidence button").first
    button.click()
    until(page, "!document.getElementById('audio').paused")
    assert position(page) >= stretches[0]["start_s"] - 0.05
    until(page, "document.getElementById('audio').paused")
    assert position(page) == pytest.approx(stretches[0]["end_s"], abs=0.4)


def test_everything_by_keyboard(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(live.url)
    choosers: list[Any] = []
    page.on(
        "filechooser", lambda chooser: choosers.append(chooser)
    )  # from the start: the browser must have been told before the key comes
    page.get_by_role("heading", name="Drop a song").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "choose-files"
    page.keyboard.press("Enter")
    for _ in range(100):
        if not choosers:
            page.wait_for_timeout(50)
    choosers[0].set_files([sound()])
    page.locator(".upload.done a").focus()
    page.keyboard.press("Enter")
    drawn(page)

    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("5")
    until(page, "Math.abs(document.getElementById('audio').currentTime - 6) < 0.1")
    page.keyboard.press("ArrowRight")
    until(page, "document.getElementById('audio').currentTime > 10.9")
    page.keyboard.press("ArrowLeft")
    until(page, "document.getElementById('audio').currentTime < 6.1")
    page.keyboard.press("Space")
    until(page, "!document.getElementById('audio').paused")
    page.keyboard.press("Space")
    until(page, "document.getElementById('audio').paused")

    page.keyboard.press("0")
    until(page, "document.getElementById('audio').currentTime === 0")
    page.locator(".run").first.focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    until(page, "!document.getElementById('audio').paused")
    assert position(page) >= answer_of(live)["runs"][-1]["start_s"] - 0.05


def test_single_keys_can_be_switched_off(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(live.url)
    open_added(page)
    page.keyboard.press("?")
    page.get_by_label("Use single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.locator("#verdict").wait_for()
    page.keyboard.press("5")
    page.wait_for_timeout(200)
    assert position(page) == 0


def test_text_named_mp3_gets_a_clear_error_and_a_way_out(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(live.url)
    text = {"name": "notes.mp3", "mimeType": "audio/mpeg", "buffer": b"these are words, not music\n" * 50}
    page.locator("#file-input").set_input_files([text, sound()])
    page.locator(".upload.done").wait_for()
    failed = page.locator(".upload.failed")
    failed.wait_for()
    words = failed.inner_text()
    assert "notes.mp3" in words
    assert not re.search(r"undefined|null|Error:|Traceback|\b4\d\d\b", words)
    assert len(failed.locator(".way-out").inner_text()) > 20
    failed.get_by_role("button", name="Retry").click()
    failed.wait_for()
    failed.get_by_role("button", name="Dismiss").click()
    assert page.locator(".upload.failed").count() == 0
    assert page.locator("#rows tr").count() == 1, "what cannot be heard is not in the library"


def test_empty_and_too_large_files(serve: Callable[..., Live], open_page: Callable[..., Any]) -> None:
    page = open_page(serve(max_upload_mb=1).url)
    empty = {"name": "empty.wav", "mimeType": "audio/wav", "buffer": b""}
    large = {"name": "large.wav", "mimeType": "audio/wav", "buffer": bytes(2 << 20)}
    page.locator("#file-input").set_input_files([empty, large])
    page.locator(".upload.failed").nth(1).wait_for()
    assert "too large" in page.locator(".upload", has_text="large.wav").inner_text()
    assert page.locator(".upload", has_text="empty.wav").locator(".way-out").inner_text()


def test_many_at_once_then_search_filter_and_delete(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(live.url)
    add(page, *(sound(f"Song {number}.wav", seed=number, seconds=4) for number in range(5)))
    until(page, "document.querySelectorAll('#rows tr').length === 5")
    page.get_by_label("Search recordings by name").fill("song 3")
    until(page, "document.querySelectorAll('#rows tr').length === 1")
    page.get_by_label("Search recordings by name").fill("nowhere")
    page.get_by_text("No recording matches this search.").wait_for()
    page.get_by_role("button", name="Show all recordings").click()
    until(page, "document.querySelectorAll('#rows tr').length === 5")
    genre = answer_of(live)["genre"]
    page.get_by_label("Show only one genre").select_option(genre)
    until(page, "document.querySelectorAll('#rows tr').length > 0")

    page.get_by_label("Show only one genre").select_option("")
    until(page, "document.querySelectorAll('#rows tr').length === 5")
    page.get_by_role("button", name="Delete Song 2.wav").click()
    page.get_by_role("button", name="Keep it").click()
    assert page.locator("#rows tr").count() == 5
    page.get_by_role("button", name="Delete Song 2.wav").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("Deleted Song 2.wav").wait_for()
    assert page.locator("#rows tr").count() == 4
    assert len(live.services.tracks.list(limit=10).items) == 4


def test_drag_and_drop(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(live.url)
    page.locator("#dropzone").wait_for()
    transfer = page.evaluate_handle(
        """bytes => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "dropped.wav", { type: "audio/wav" }));
            return transfer;
        }""",
        list(wav(seconds=3)),
    )
    page.dispatch_event("#dropzone", "dragenter", {"dataTransfer": transfer})
    assert "over" in page.locator("#dropzone").get_attribute("class")
    page.dispatch_event("#dropzone", "drop", {"dataTransfer": transfer})
    page.locator(".upload.done", has_text="dropped.wav").wait_for()
    assert "over" not in page.locator("#dropzone").get_attribute("class")


def test_dark_is_the_systems_or_the_visitors_choice(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(live.url, color_scheme="dark")
    background = "getComputedStyle(document.body.parentElement).backgroundColor"
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert max(map(int, re.findall(r"\d+", page.evaluate(background))[:3])) < 60
    page.get_by_role("button", name="Dark theme").click()
    assert min(map(int, re.findall(r"\d+", page.evaluate(background))[:3])) > 200
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "light", "the choice is remembered"


@pytest.mark.parametrize("width", [360, 390])
def test_a_phone_never_scrolls_sideways(live: Live, open_page: Callable[..., Any], width: int) -> None:
    page = open_page(live.url, viewport={"width": width, "height": 780}, is_mobile=True, has_touch=True)
    page.get_by_role("heading", name="Drop a song").wait_for()
    assert has_no_sideways_scroll(page)
    add(page, sound("A name so long that it has to end somewhere " * 4 + ".wav", seconds=4))
    assert has_no_sideways_scroll(page)
    page.locator(".upload.done a").click()
    drawn(page)
    assert has_no_sideways_scroll(page)


def test_without_wavesurfer_the_browsers_player_is_used(
    live: Live, open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.web.pages.has_player", lambda: False)
    page = open_page(live.url)
    open_added(page)
    audio = page.locator("#audio")
    audio.wait_for(state="visible")
    assert audio.evaluate("audio => audio.controls")
    assert page.locator("#wave").is_hidden()
    page.locator(".run").last.click()
    until(page, "!document.getElementById('audio').paused")
    assert position(page) >= answer_of(live)["runs"][-1]["start_s"] - 0.05


def test_names_and_tags_are_only_ever_text(live: Live, open_page: Callable[..., Any]) -> None:
    """Whatever the API answers: a name that came by another door, or tags of a model that somebody else made."""
    hostile = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"

    def poison(route: Any) -> None:
        answer = route.fetch()
        text = answer.text().replace("Plain Name", json.dumps(hostile)[1:-1]).replace("synthesizer", hostile)
        route.fulfill(response=answer, body=text)

    page = open_page(live.url)
    page.route("**/v1/tracks**", poison)
    page.route("**/v1/tracks/*", poison)
    add(page, sound("Plain Name.wav", seconds=4), sound(f"{hostile}.wav", seconds=3))
    assert page.locator(".upload .name", has_text=hostile).count() == 1
    page.locator("#rows .title a", has_text=hostile).first.click()
    page.locator("#verdict").wait_for()
    assert page.get_by_role("heading", level=1).inner_text() == hostile
    assert hostile in page.locator("#tags").inner_text()
    assert page.locator("[onerror]").count() == 0
    assert page.evaluate("window.hacked") is None


def test_below_a_sub_path(serve: Callable[..., Live], open_page: Callable[..., Any]) -> None:
    live = serve(prefix="/music/genrelab")
    page = open_page(live.url)
    outside: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(live.url) else outside.append(request.url))
    open_added(page)
    drawn(page)
    page.locator(".picture[data-kind=spectrogram]").scroll_into_view_if_needed()
    page.locator(".picture[data-kind=spectrogram] img").wait_for()
    page.locator(".crumb").click()
    page.locator("#rows tr").wait_for()
    assert [url for url in outside if not url.startswith("blob:")] == []


def test_pages_that_are_not_there(live: Live, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{live.url}tracks/01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert page.locator(".code").inner_text() == "404"
    page.get_by_role("link", name="Go to the library").click()
    page.get_by_role("heading", name="Drop a song").wait_for()


def test_signing_in_with_a_token(live: Live, open_page: Callable[..., Any]) -> None:
    _, secret = live.services.tokens.create("ada", role="listener")
    page = open_page(live.url)
    page.get_by_role("heading", name="Sign in").wait_for()
    page.get_by_label("Access token").fill("no such token")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    page.get_by_label("Access token").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Drop a song").wait_for()
    add(page, sound(seconds=4))
    page.locator("#rows tr").wait_for()
    assert page.get_by_role("button", name=re.compile("^Delete")).count() == 0, "a listener may not delete"
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
