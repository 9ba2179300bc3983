"""`genrelab render` with a renderer that plays silence."""

import json

import pytest
from typer.testing import CliRunner

from service.cli.app import app
from tests.support.silent_renderer import play_silence


@pytest.fixture
def genrelab(monkeypatch, tmp_path):
    font = play_silence(monkeypatch, tmp_path)

    def run(*arguments, hours="0.001"):
        given = ["render", "--out", tmp_path / "out", "--hours", hours, "--clip-seconds", "1", "--sample-rate", "8000"]
        words = [str(word) for word in (*given, "--sound-font", font, "--jobs", "1", *arguments)]
        return CliRunner().invoke(app, words, prog_name="genrelab")

    return run


def labels_in(folder) -> list[str]:
    lines = (folder / "manifest.jsonl").read_text().splitlines()
    return [json.loads(line)["label"] for line in lines[1:]]


def test_the_sums_and_the_place_of_the_manifest(genrelab, tmp_path):
    result = genrelab("--genre", "rock")
    assert result.exit_code == 0, result.stderr
    sums, manifest = result.stdout.splitlines()
    assert sums.startswith("4 clips, 0.00 h (")
    assert sums.endswith("× real time)")
    assert manifest == f"manifest: {tmp_path / 'out' / 'manifest.jsonl'}"
    assert labels_in(tmp_path / "out") == ["rock"] * 4


@pytest.mark.parametrize(
    "arguments",
    [("--genres", "rock, waltz"), ("--genre", "rock", "--genre", "waltz"), ("--genres", "rock", "--genre", "waltz")],
)
def test_genres_are_listed_or_given_one_by_one(genrelab, tmp_path, arguments):
    assert genrelab(*arguments).exit_code == 0
    assert labels_in(tmp_path / "out") == ["rock", "rock", "waltz", "waltz"]


def test_the_same_call_again_renders_nothing(genrelab):
    genrelab("--genre", "rock")
    assert genrelab("--genre", "rock").stdout.startswith("4 clips, 4 of them from earlier, 0.00 h\n")


def test_scores_on_demand(genrelab, tmp_path):
    genrelab("--genre", "rock", "--midi")
    assert len(list((tmp_path / "out" / "rock").glob("*.mid"))) == 4


def test_ctrl_c_says_how_to_go_on(genrelab, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("datasets.rendered_corpus.render_clip", stop)
        result = genrelab("--genre", "rock")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == (
        "genrelab: stopped after 0 of 4 clips; the same command goes on from there"
    )
    assert genrelab("--genre", "rock").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--genre", "punk"), "no composer for 'punk'"),
        (("--seed", "1000"), "seed=1000"),
        (("--clip-seconds", "0"), "clip_s=0.0"),
        (("--sound-font", "none.sf2"), "none.sf2: no sound font there"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(genrelab, tmp_path, arguments, message):
    result = genrelab(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_without_fluidsynth_the_way_to_get_it_is_said(genrelab, monkeypatch):
    monkeypatch.setattr("datasets.rendering.shutil.which", lambda program: None)
    result = genrelab()
    assert result.exit_code == 1
    assert result.stderr.startswith("genrelab: the program fluidsynth is not installed")
    assert len(result.stderr.splitlines()) == 1


def test_clips_of_other_settings_are_not_mixed(genrelab):
    genrelab("--genre", "rock")
    result = genrelab("--genre", "rock", "--seed", "1")
    assert result.exit_code == 1
    assert "seed=0, not 1" in result.stderr
