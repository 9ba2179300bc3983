"""A listening test on the page, in Chromium: made, taken by keys alone, and told in intervals."""

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Live
from tests.browser.test_page import has_no_sideways_scroll, until
from tests.support.listening import add_tone, items_of

pytestmark = pytest.mark.browser

NUMBERS = {"aspect": "quality", "pairs": 2, "ratings": 2, "repeats": 1, "seconds": 5.0, "seed": 1}


def begin(live: Live, **changes: Any) -> str:
    """Id of a new test of two systems."""
    from service.usecases.listening_tests import create_listening_test

    items = [item | {"start_s": 0.0} for item in items_of(live.services)]
    request = {"name": "Jazz, October", "items": items, **NUMBERS, **changes}
    return create_listening_test(request, services=live.services).id


def press_until_heard(page: Any, *sides: str) -> None:
    for side in sides:
        page.keyboard.press(side)
        page.locator(f"#sound-{side}[data-heard]").wait_for()


def asked(page: Any, number: int) -> str:
    """Wait for a question; its words."""
    until(page, f"document.getElementById('far').textContent.startsWith('{number} of')")
    return page.locator("#asked").inner_text()


def test_a_test_is_taken_by_keys_alone_and_hides_its_systems(live: Live, open_page: Any) -> None:
    test = begin(live)
    answers = []
    page = open_page(f"{live.url}listening-tests/{test}")
    page.on("request", lambda request: answers.append(request.url))
    page.locator("#listener").focus()
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    for number, key in ((1, "1"), (2, "2"), (3, "3")):
        assert asked(page, number) == "Which sounds better?"
        page.keyboard.press(key)  # nothing was heard yet: nothing is answered
        assert page.locator("#answers button:disabled").count() == 3
        press_until_heard(page, "a", "b")
        assert page.locator("#sound-a audio").evaluate("audio => audio.paused")  # one at a time
        page.keyboard.press(key)
    for number, key in ((4, "5"), (5, "2")):
        assert asked(page, number) == "How good does this sound?"
        page.keyboard.press(" ")
        page.locator("#sound-a[data-heard]").wait_for()
        page.keyboard.press(key)
    page.get_by_text("Thank you, that was all").wait_for()
    said = [str(given.answer) for given in live.services.listening_tests.given(test)]
    assert said == ["a", "same", "b", "5", "2"]
    told = " ".join([page.content(), *answers])
    assert not any(word in told for word in ("gru", "prior"))


def test_results_are_shown_with_their_intervals(live: Live, open_page: Any) -> None:
    test = begin(live)
    store = live.services.listening_tests
    for listener in ("ann", "bob"):
        question = store.next(test, listener)
        while question:
            said: int | str = "a" if question.kind == "pair" else 3
            _, question = store.answer(test, question.id, said, listener=listener, plays=None)
    page = open_page(f"{live.url}listening-tests")
    page.get_by_role("button", name="Results").click()
    page.get_by_text("2 listeners began, 2 finished").wait_for()
    assert "3.00" in page.get_by_role("row", name="prior").first.inner_text()
    assert page.locator(".interval i").count() >= 3
    assert page.get_by_role("link", name="Answers as CSV").get_attribute("href").endswith("/export?format=csv")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Open again").wait_for()
    assert page.get_by_role("link", name="Listen: Jazz, October").count() == 0


def test_a_test_is_made_of_recordings_of_the_library(live: Live, open_page: Any) -> None:
    for name in ("gru one", "gru two", "prior one"):
        add_tone(live.services, name)
    page = open_page(f"{live.url}listening-tests")
    page.locator("#new-name").fill("Blues")
    page.locator("#pick-system").fill("gru")
    page.locator("#pick-query").fill("gru")
    until(page, "document.querySelectorAll('#found .name').length === 2")
    page.locator("#add-shown").click()
    page.locator("#pick-query").fill("")
    page.get_by_role("button", name="Add prior one").wait_for()
    page.locator("#pick-system").fill("prior")
    page.get_by_role("button", name="Add prior one").click()
    chosen = [text.split() for text in page.locator("#chosen summary").all_inner_texts()]
    assert chosen == [["gru", "2", "sounds"], ["prior", "1", "sound"]]
    page.locator("#new-submit").click()
    page.get_by_role("link", name="Listen: Blues").wait_for()
    (test,) = live.services.listening_tests.list().items
    assert sorted(sound.system for sound in live.services.listening_tests.sounds(test.id)) == ["gru", "gru", "prior"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_small_screen(live: Live, open_page: Any, theme: Any, tmp_path: Path) -> None:
    test = begin(live, name="A name that is quite long for a telephone", pairs=0)
    page = open_page(f"{live.url}listening-tests", viewport={"width": 360, "height": 740}, color_scheme=theme)
    page.get_by_role("button", name="Results").wait_for()
    assert has_no_sideways_scroll(page)
    page.locator("#new-test").click()
    assert has_no_sideways_scroll(page)
    page.goto(f"{live.url}listening-tests/{test}")
    page.locator("#listener").fill("Ann")
    page.locator("#start").click()
    asked(page, 1)
    assert has_no_sideways_scroll(page)
    page.locator("#sound-a button").click()
    page.get_by_role("button", name="Good", exact=False).click()
    asked(page, 2)
