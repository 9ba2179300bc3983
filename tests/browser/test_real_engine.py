"""From a file on the disk to a genre on the screen, with the model that people get."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings
from tests.browser.conftest import Live
from tests.browser.test_page import add, answer_of, drawn, has_no_sideways_scroll

pytestmark = [pytest.mark.browser, pytest.mark.shared]


@pytest.mark.timeout(240)
def test_a_song_gets_its_genre(
    backbone_weights: Path,
    shared_data: Path,
    serve: Callable[..., Live],
    open_page: Callable[..., Any],
    tmp_path: Path,
) -> None:
    from service.engine import Engine

    engine = Engine(Settings(data_dir=tmp_path / "data"))
    engine.warm_up()
    live = serve(engine=engine)
    page = open_page(live.url)
    page.set_default_timeout(60_000)
    song = shared_data / "audio" / "traveling_minstrels.ogg"
    add(page, {"name": song.name, "mimeType": "audio/ogg", "buffer": song.read_bytes()})
    page.locator(".upload.done a").click()
    drawn(page)
    answer = answer_of(live)
    assert page.locator("#genres li[data-genre]").count() == len(answer["probabilities"]) == 10
    assert page.locator("#verdict").get_attribute("data-kind") in {"sure", "between", "unsure"}
    assert page.locator(".run").count() == len(answer["runs"])
    assert page.locator("#facts .fact").count() >= 5
    for figure in page.locator(".picture").all():
        figure.scroll_into_view_if_needed()
        figure.locator("img").wait_for()
    assert has_no_sideways_scroll(page)
