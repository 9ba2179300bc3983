import pytest

from models.evaluation.generation import generation_report
from models.evaluation.generation_text import generation_text
from tests.support.heard_music import GENRES, small_judge, small_reference, takes_of


@pytest.fixture(scope="module")
def lines():
    takes = takes_of(n=4, wish={"tempo_bpm": 50.0, "key": "A minor"})
    report = generation_report(takes, source="somebody", reference=small_reference(), judge=small_judge())
    return generation_text(report).splitlines()


def test_every_part_has_its_figures(lines):
    assert lines[0] == "somebody: 12 clips of 10 s, seed 0"
    assert f"{'the ten of GTZAN':<42}100.0% (100.0% to 100.0%) of 12" in lines
    rows = [line.split() for line in lines if line.startswith(GENRES)]
    assert len(rows) == 3 * len(GENRES)  # accuracy, distances, statistics
    assert rows[0][:4] == ["blues", "4", "100%", "100%"]
    assert rows[3][:3] == ["blues", "12", "12"]
    assert (
        "tempo of clips: right 0.0% (0.0% to 0.0%) of 12; right or an octave off 100.0% (100.0% to 100.0%) of 12"
        in lines
    )
    assert "  double 12" in lines
    assert (
        "key of clips: right 100.0% (100.0% to 100.0%) of 12; right or related 100.0% (100.0% to 100.0%) of 12" in lines
    )
    assert "longest run 0.80 s of 12 clips" in "\n".join(lines)
    assert lines[-1] == "cost: median 2.00 s a clip, 5.0 × real time; 0.0% of the clips were made again"


def test_columns_stand_under_their_heads(lines):
    head = next(line for line in lines if line.startswith("genre") and "onsets/s" in line)
    row = lines[lines.index(head) + 1]
    assert len(row) == len(head)
    assert all(row[start] == " " for start in (15, 33, 51))
