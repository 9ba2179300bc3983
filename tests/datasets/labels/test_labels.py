import io
import json
import subprocess
import sys

import pytest

from datasets.errors import DatasetError
from datasets.labels import FORMATS, WRITABLE, read_labels, write_labels
from datasets.labels.record import LabelRecord
from tests.support.audio_files import sound_file, tone

RECORDS = [LabelRecord(path="a.mp3", genres=("fado",)), LabelRecord(path="b.mp3")]


@pytest.mark.parametrize("format", WRITABLE)
def test_the_ending_tells_the_format(tmp_path, format):
    path = tmp_path / f"labels{FORMATS[format].suffix}"
    write_labels(RECORDS, path, format)
    assert path.is_file()
    assert read_labels(path) == RECORDS


@pytest.mark.parametrize("format", WRITABLE)
def test_the_content_tells_it_where_the_ending_does_not(tmp_path, format):
    with open(tmp_path / "upload", "wb") as stream:
        write_labels(RECORDS, stream, format)
    assert read_labels(tmp_path / "upload") == RECORDS


@pytest.mark.parametrize(
    ("text", "genres"),
    [
        (json.dumps({"file_metadata": {}, "annotations": []}, indent=1), ()),
        (json.dumps({"data": {"audio": "x.mp3"}}), ()),
        (json.dumps({"data": {"audio": "x.mp3"}}, indent=1), ()),
        ('{"track": "t", "genre": "fado"}\n{"track": "t", "genre": "fado"}', ("fado",)),
        ("track\tgenre\nt\tfado", ("fado",)),
    ],
)
def test_files_by_hand_are_told_by_their_content(tmp_path, text, genres):
    (tmp_path / "upload").write_text(text)
    assert read_labels(tmp_path / "upload")[0].genres == genres


def test_a_folder_holds_jams_files_or_tagged_recordings(tmp_path):
    (tmp_path / "a.wav").write_bytes(sound_file(tone(seconds=0.1), format="WAV"))
    assert [record.filename for record in read_labels(tmp_path)] == ["a.wav"]
    assert [record.filename for record in read_labels(tmp_path / "a.wav")] == ["a.wav"]
    write_labels(RECORDS, tmp_path / "jams", "jams")
    assert read_labels(tmp_path) == RECORDS


def test_formats_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="format 'xml': expected one of csv, jsonl, jams, label-studio, tags"):
        read_labels(tmp_path, "xml")
    with pytest.raises(DatasetError, match=r"format 'tags': expected one of csv, jsonl, jams, label-studio$"):
        write_labels(RECORDS, io.BytesIO(), "tags")
    with pytest.raises(DatasetError, match="gone: no such file"):
        read_labels(tmp_path / "gone")


def test_slow_libraries_load_when_they_are_needed():
    program = "import sys, datasets.labels; print({'jams', 'pandas', 'mutagen', 'librosa'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
