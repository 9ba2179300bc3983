"""Clips of the shipped generator are compared with what it learned from, and the figures become a section."""

import numpy as np

from benchmarks import originality
from models.generator import FOLDER
from models.originality import OriginalityIndex


def test_clips_are_made_and_reported_one_by_one(monkeypatch):
    monkeypatch.setattr(originality, "CLIP_S", 1.0)
    made = originality._made(OriginalityIndex.load(FOLDER / "originality"), 3)
    assert len(made) == 3
    assert all(0 <= each["longest_run_s"] <= 1.0 for each in made)
    text = originality.markdown({"made": made})
    assert text.startswith("## Originality\n\n3 clips of 1 s, 3 genres")
    assert f"{np.max([each['longest_run_s'] for each in made]):.2f} s at most" in text
