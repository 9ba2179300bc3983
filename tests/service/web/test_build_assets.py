"""Setting up the page's player, with a stand-in for npm."""

import os
import re
from pathlib import Path

import pytest

from service.web.build_assets import LICENCE, build
from service.web.vendor import WAVESURFER

NPM = """#!/bin/sh
echo "$@" >> calls
mkdir -p node_modules/wavesurfer.js/dist
echo player > node_modules/wavesurfer.js/dist/wavesurfer.esm.js
echo terms > node_modules/wavesurfer.js/LICENSE
"""
BROKEN_NPM = """#!/bin/sh
echo 'npm error network unreachable' >&2
exit 1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "package-lock.json").write_text('{"version": 1}')
    return folder


def use_npm(script: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = folder / "bin"
    programs.mkdir()
    if script is not None:
        (programs / "npm").write_text(script)
        (programs / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin:/bin" if script else str(programs))


def test_player_and_its_licence_are_copied_once(root, tmp_path, monkeypatch) -> None:
    use_npm(NPM, tmp_path, monkeypatch)
    vendor = tmp_path / "vendor"
    assert WAVESURFER in build(root=root, vendor=vendor)
    assert (vendor / WAVESURFER).read_text() == "player\n"
    assert (vendor / LICENCE).read_text() == "terms\n"
    assert build(root=root, vendor=vendor) == "page assets: up to date"
    assert len((root / "calls").read_text().splitlines()) == 1


def test_a_new_version_in_the_lock_file_is_fetched(root, tmp_path, monkeypatch) -> None:
    use_npm(NPM, tmp_path, monkeypatch)
    build(root=root, vendor=tmp_path / "vendor")
    (root / "package-lock.json").write_text('{"version": 2}')
    assert "up to date" not in build(root=root, vendor=tmp_path / "vendor")


@pytest.mark.parametrize(
    ("script", "said"), [(None, "npm is not installed"), (BROKEN_NPM, "npm error network unreachable")]
)
def test_without_npm_one_line_says_what_to_do(root, tmp_path, monkeypatch, script, said) -> None:
    use_npm(script, tmp_path, monkeypatch)
    line = build(root=root, vendor=tmp_path / "vendor")
    assert said in line
    assert "make assets" in line
    assert "\n" not in line
    assert not (tmp_path / "vendor").exists()


def test_lock_file_pins_by_hash_and_names_no_registry() -> None:
    text = Path("package-lock.json").read_text()
    assert "://" not in text
    assert re.search(r'"integrity": "sha512-', text)
