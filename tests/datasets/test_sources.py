"""Sources of recordings: what lies where, and under which licence."""

from pathlib import Path

import pytest

from datasets.errors import DatasetError
from datasets.sources import LICENCE_FILE, Source, load_sources


def add_source(folder: Path, *recordings: str, licence: str | None = "CC0-1.0\n") -> None:
    folder.mkdir(parents=True)
    for name in recordings:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    if licence is not None:
        (folder / LICENCE_FILE).write_text(licence)


def test_sources_come_by_family_then_by_name_with_their_recordings_in_order(tmp_path):
    add_source(tmp_path / "speech" / "ann", "b.wav", "a.FLAC", "deeper/c.ogg", "notes.txt")
    add_source(tmp_path / "music" / "two", "x.mp3")
    add_source(tmp_path / "music" / "one", "x.opus", licence="GPL-2+, CC-BY-4.0")
    add_source(tmp_path / "pictures" / "cat", "cat.wav")
    (tmp_path / "music" / "list.txt").write_text("no folder")
    music, ann = tmp_path / "music", tmp_path / "speech" / "ann"
    assert load_sources(tmp_path, families=("music", "speech", "effect")) == [
        Source("one", "music", (music / "one" / "x.opus",), "GPL-2+, CC-BY-4.0"),
        Source("two", "music", (music / "two" / "x.mp3",), "CC0-1.0"),
        Source("ann", "speech", (ann / "a.FLAC", ann / "b.wav", ann / "deeper" / "c.ogg"), "CC0-1.0"),
    ]


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(DatasetError, match="expected folders <family>/<source>/ with a family of music, speech"):
        load_sources(tmp_path, families=("music", "speech"))
    add_source(tmp_path / "music" / "empty", "notes.txt")
    with pytest.raises(DatasetError, match="music/empty: no recordings"):
        load_sources(tmp_path, families=("music",))
    add_source(tmp_path / "speech" / "bob", "a.wav", licence=None)
    with pytest.raises(DatasetError, match="speech/bob/LICENCE: expected one line"):
        load_sources(tmp_path, families=("speech",))
