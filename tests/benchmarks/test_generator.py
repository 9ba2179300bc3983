"""The benchmark prints what was measured, and again what was kept of it."""

import json
from dataclasses import replace

import pytest

from benchmarks import generator
from models.evaluation import clip_sources
from models.evaluation.evaluate_generator import Court, evaluate_maker
from tests.support.heard_music import GENRES, small_ears, small_judge, small_reference
from tests.support.stand_in_generator import StandInGenerator


@pytest.fixture
def measured(monkeypatch, tmp_path):
    def evaluate(source, settings, *, court, **_):
        return evaluate_maker(StandInGenerator(name=source), replace(settings, genres=GENRES[:2]), court)

    monkeypatch.setattr(clip_sources, "evaluate_source", evaluate)
    monkeypatch.setattr(Court, "load", lambda: Court(small_ears(), small_judge(), small_reference()))
    monkeypatch.setattr(generator, "FIGURES", tmp_path / "figures" / "generator.json")
    return ["--per-genre", "2", "--controls", "0", "--per-blend", "0", "--seconds", "3"]


def test_figures_are_kept_and_printed_again(measured, capsys, tmp_path):
    generator.main(["--source", "prior", "--source", "composers", *measured, "--keep", "--json", str(tmp_path / "j")])
    printed = capsys.readouterr().out
    assert printed.startswith("## The generator\n")
    assert [line.split(" | ")[:2] for line in printed.splitlines() if " of 2 | " in line] == [
        ["| prior", "4"],
        ["| composers", "4"],
    ]
    generator.main([])
    assert capsys.readouterr().out == printed
    assert json.loads((tmp_path / "j").read_text()) == generator.kept_figures()


def test_what_is_measured_later_is_added(measured):
    generator.FIGURES.parent.mkdir()
    generator.FIGURES.write_text(json.dumps({"prior": {"kept": True}}))
    generator.main(["--source", "gru", *measured, "--keep"])
    assert list(generator.kept_figures()) == ["prior", "gru"]


def test_without_figures_it_says_what_to_do(measured, capsys):
    generator.main([])
    assert "`python -m benchmarks.generator --source prior --keep`" in capsys.readouterr().out
