"""What the page says about a classification, tested in the browser that runs it."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

BASE = {"coverage": 0.9, "abstained": False, "reason": None}
VERDICTS = [
    ({"genre": "reggae", "set": ["reggae"], "probabilities": {"reggae": 0.814}}, "sure", "Reggae, 81 % sure"),
    ({"genre": "hiphop", "set": ["hiphop"], "probabilities": {"hiphop": 0.999}}, "sure", "Hip\u2011hop, >99 % sure"),
    ({"genre": "jazz", "set": ["jazz", "blues"], "probabilities": {"jazz": 0.52}}, "between", "Jazz or blues"),
    (
        {"genre": "pop", "set": ["pop", "rock", "disco", "metal"], "probabilities": {"pop": 0.3}, "abstained": True},
        "unsure",
        "I can’t tell",
    ),
    ({"genre": None, "set": ["a", "b"], "reason": "digital silence"}, "not-music", "This recording is silent"),
    (
        {"genre": None, "set": [], "reason": "does not sound like music: speech"},
        "not-music",
        "This does not sound like music",
    ),
]
WORDS = [
    ("percent(0)", "0 %"),
    ("percent(0.002)", "<1 %"),
    ("percent(0.5)", "50 %"),
    ("percent(0.9999)", ">99 %"),
    ("percent(1)", "100 %"),
    ("clock(0)", "0:00"),
    ("clock(83.9)", "1:23"),
    ("clock(3723)", "1:02:03"),
    ("spokenTime(83)", "1 minute 23 seconds"),
    ("spokenTime(1)", "1 second"),
    ("duration(1.24)", "1.2 s"),
    ("duration(31.995)", "0:32"),
    ("keyName('Eb major')", "E♭ major"),
    ("keyName('F# minor')", "F♯ minor"),
    ("hertz(440)", "440 Hz"),
    ("hertz(1500)", "1.5 kHz"),
    ("bytes(1_500_000)", "1.5 MB"),
    ("either(['jazz', 'hiphop', 'rock'])", "jazz, hip\u2011hop or rock"),
    ("odds(0.9)", "9 of 10"),
    ("odds(0.95)", "19 of 20"),
    ("title('a.b.mp3')", "a.b"),
    ("title('.mp3')", ".mp3"),
    ("sentence('plain text: expected sound')", "Plain text: expected sound."),
    ("sound(2)", "stereo"),
    ("sound(6)", "6 channels"),
]


@pytest.fixture(scope="module")
def words(chromium: Any) -> Any:
    """A page that holds the module and nothing else."""
    page = chromium.new_page()
    source = Path("service/web/static/js/format.js").read_text(encoding="utf-8")
    page.evaluate(
        """async source => {
            const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
            window.words = await import(url);
        }""",
        source,
    )
    yield page
    page.close()


@pytest.mark.parametrize(("answer", "kind", "sentence"), VERDICTS)
def test_verdicts(words: Any, answer: dict[str, Any], kind: str, sentence: str) -> None:
    said = words.evaluate("answer => words.verdict(answer)", BASE | answer)
    assert (said["kind"], said["sentence"].replace("\u00a0", " ")) == (kind, sentence)
    assert said["because"].endswith(".")


@pytest.mark.parametrize(("call", "expected"), WORDS)
def test_numbers(words: Any, call: str, expected: str) -> None:
    assert words.evaluate(f"words.{call}").replace("\u00a0", " ") == expected
