"""The style sheet's colours, measured: readable for everybody, and apart for people who see fewer hues."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

CSS = Path("service/web/static/css/genrelab.css")
AA_TEXT = 4.5  # WCAG 2.2, 1.4.3
AA_GRAPHICS = 3.0  # 1.4.11
APART = 0.05  # distance in OKLab; 0.02 is about what people just notice

# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency",
# IEEE TVCG 15(6), 2009: severity 1.0, on linear RGB.
VISION = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TEXTS = [
    ("--ink", "--bg"),
    ("--ink", "--surface"),
    ("--ink-2", "--surface"),
    ("--ink-2", "--sunken"),
    ("--ink-3", "--bg"),
    ("--ink-3", "--surface"),
    ("--ink-3", "--sunken"),
    ("--ink-3", "--accent-soft"),
    ("--on-action", "--action"),
    ("--on-action", "--action-hover"),
    ("--accent", "--surface"),
    ("--accent", "--bg"),
    ("--good", "--surface"),
    ("--bad", "--surface"),
    ("--bad", "--bad-soft"),
    ("--surface", "--bad"),
    ("--ink", "--warn-soft"),
]


def tokens(theme: str) -> dict[str, str]:
    text = CSS.read_text()
    blocks = [re.search(r":root \{(.*?)\n\}", text, re.S)]
    if theme == "dark":
        blocks.append(re.search(r':root\[data-theme="dark"\] \{(.*?)\n\}', text, re.S))
    found: dict[str, str] = {}
    for block in blocks:
        assert block is not None
        found |= dict(re.findall(r"(--[\w-]+):\s*(#[0-9a-f]{6});", block.group(1)))
    return found


def linear(colour: str) -> np.ndarray:
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Ottosson, "A perceptual color space for image processing", 2020."""
    cones = [
        [0.41222147, 0.53633254, 0.05144599],
        [0.2119035, 0.6806995, 0.10739696],
        [0.08830246, 0.28171884, 0.6299787],
    ]
    lab = [
        [0.21045426, 0.79361779, -0.00407205],
        [1.9779985, -2.42859221, 0.45059371],
        [0.0259040, 0.78277177, -0.80867577],
    ]
    return np.array(lab) @ np.cbrt(np.array(cones) @ np.clip(rgb, 0, 1))


def test_contrast_of_black_on_white_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXTS)
def test_text_can_be_read(theme: str, text: str, ground: str) -> None:
    colours = tokens(theme)
    assert contrast(colours[text], colours[ground]) >= AA_TEXT


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_genres_stand_out_from_the_card(theme: str) -> None:
    colours = tokens(theme)
    for slot in range(10):
        assert contrast(colours[f"--slot-{slot}"], colours["--surface"]) >= AA_GRAPHICS, slot


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_genres_stay_apart(theme: str, vision: str) -> None:
    colours = tokens(theme)
    seen = [oklab(VISION[vision] @ linear(colours[f"--slot-{slot}"])) for slot in range(10)]
    distances = {(a, b): np.linalg.norm(seen[a] - seen[b]) for a, b in itertools.combinations(range(10), 2)}
    closest = min(distances, key=distances.__getitem__)
    assert distances[closest] >= APART, closest


def test_nothing_is_fetched_from_elsewhere() -> None:
    """No address of another host in templates, scripts or style sheet, and no inline script or style."""
    web = Path("service/web")
    files = [*web.glob("templates/**/*.html"), *web.glob("static/js/*.js"), *CSS.parent.glob("*.css")]
    assert len(files) > 15
    for file in files:
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|(?:src|href)=[\"']//", text), file
        if file.suffix == ".html":
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", text), file
        if file.suffix == ".js":
            assert not re.search(r"\.(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(", text), file
