"""Pop: a singer above everything, the pre-chorus before the chorus, and a chorus that has one tune."""

import numpy as np

from datasets.composers import compose, make_brief
from datasets.composers.pop import FORM

SONGS = [compose(make_brief("pop", seed, seconds=90)) for seed in range(10)]


def part(song, name):
    return next(part for part in song.parts if part.name == name)


def sung_in(song, section, n_bars=4):
    start, end = section.start_bar * 4, (section.start_bar + min(n_bars, section.n_bars)) * 4
    notes = [note for note in part(song, "singer").notes if start - 0.1 <= note.start < end - 0.1]
    return [(round((note.start - start) * 4), note.pitch) for note in sorted(notes, key=lambda note: note.start)]


def test_a_verse_leads_by_a_pre_chorus_to_the_chorus():
    assert set(FORM["verse"].leads_to) == {"pre-chorus"}
    assert set(FORM["pre-chorus"].leads_to) == {"chorus"}


def test_the_chorus_has_the_same_tune_every_time():
    checked = 0
    for song in SONGS:
        choruses = [s for s in song.sections if s.name == "chorus" and s.n_bars == 8]
        tunes = [sung_in(song, section) for section in choruses]
        assert all(tune == tunes[0] for tune in tunes)
        checked += len(tunes) > 1
    assert checked > 2


def test_the_chorus_lies_higher_than_the_verse():
    higher = []
    for song in SONGS:
        means = {
            section.name: np.mean([pitch for _, pitch in sung_in(song, section)])
            for section in song.sections
            if section.name in ("verse", "chorus") and section.n_bars >= 4
        }
        if len(means) == 2:
            higher.append(means["chorus"] - means["verse"])
    assert len(higher) > 5
    assert np.mean(higher) > 2


def test_four_chords_go_round():
    """In a chorus the bass has the same root in bars four apart."""
    for song in SONGS:
        chorus = next(s for s in song.sections if s.name == "chorus")
        roots = [
            next(n.pitch for n in sorted(part(song, "bass").notes, key=lambda n: n.start) if n.start >= bar * 4 - 0.1)
            for bar in range(chorus.start_bar, chorus.start_bar + chorus.n_bars)
        ]
        assert roots[:4] == (roots[4:] or roots[:4])[:4]
        assert len(set(roots)) >= 2


def test_the_singer_stays_in_her_register():
    for song in SONGS:
        singer = part(song, "singer")
        assert singer.voice.delivery == "sung"
        assert all(-12 <= note.pitch - singer.voice.centre <= 14 for note in singer.notes)
