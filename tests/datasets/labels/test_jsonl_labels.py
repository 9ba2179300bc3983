import json

import pandas as pd
import pytest

from datasets.errors import DatasetError
from datasets.labels.jsonl_labels import read, write
from datasets.labels.record import LabelRecord


def put(folder, text: str):
    path = folder / "labels.jsonl"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_a_data_frame_reads_what_was_written(tmp_path):
    records = [
        LabelRecord(path="música/a\u2028.mp3", genres=("fado", "morna")),
        LabelRecord(track="01J", probabilities={"fado": 0.25, "baião": 0.5}),
    ]
    write(records, tmp_path / "labels.jsonl", project="niche", genres=["baião"])
    table = pd.read_json(tmp_path / "labels.jsonl", lines=True)
    assert list(table["genres"]) == [["fado", "morna"], []]
    assert list(table["path"]) == ["música/a\u2028.mp3", ""]
    assert list(table["schema_version"]) == [1, 1]
    assert set(table["project"]) == {"niche"}
    assert list(json.loads((tmp_path / "labels.jsonl").read_text().splitlines()[1])["probabilities"]) == [
        "baião",
        "fado",
    ]


def test_lines_by_hand_need_a_recording_and_may_hold_more(tmp_path):
    text = '\ufeff{"path": "a/b.mp3", "genre": "rock", "bpm": 90}\r\n\n{"track": "t", "label": null}'
    assert read(put(tmp_path, text)) == [LabelRecord(path="a/b.mp3", genres=("rock",)), LabelRecord(track="t")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", r"labels\.jsonl, line 2: no JSON"),
        ("[" * 100_000, "line 2: no JSON"),
        ('["a"]', r"line 2: \['a'\], expected an object"),
        ("{}", "line 2: no recording is named"),
        ('{"schema_version": 2, "track": "t"}', "line 2: schema_version 2, expected 1"),
        ('{"track": "t", "genres": 3}', "line 2: genres 3, expected a text or a list"),
        ('{"track": 3}', "line 2: track 3, expected a text"),
        ('{"track": "\\ud800"}', "line 2: track .*half a character"),
        ('{"track": "t", "none": "yes"}', "line 2: none 'yes', expected true or false"),
        ('{"track": "t", "probabilities": {"rock": NaN}}', "line 2: probability nan of 'rock'"),
        ('{"track": "t", "duration_s": 1' + "0" * 5000 + "}", "line 2: no JSON"),
        ('{"track": "t", "duration_s": "9"}', "line 2: duration_s '9', expected seconds"),
    ],
)
def test_what_is_no_label_is_refused_by_line(tmp_path, line, words):
    with pytest.raises(DatasetError, match=words):
        read(put(tmp_path, '{"track": "t"}\n' + line))
