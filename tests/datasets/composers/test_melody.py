from datasets.composers.melody import tiled
from datasets.composers.song import Note


def test_a_tune_comes_back_until_its_section_ends():
    tune = [Note(0.0, 1.0, 60, 90), Note(3.0, 1.0, 64, 90)]
    notes = tiled(tune, 4, 8.0, 15.0)
    assert [(note.start, note.pitch) for note in notes] == [(8.0, 60), (11.0, 64), (12.0, 60)]
    assert tiled([], 4, 0.0, 8.0) == []
