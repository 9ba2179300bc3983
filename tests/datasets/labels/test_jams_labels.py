import io
import json
import zipfile
from datetime import UTC, datetime

import jams
import pytest

from datasets.errors import DatasetError
from datasets.labels import files
from datasets.labels.jams_labels import read, write, write_zip
from datasets.labels.record import LabelRecord
from datasets.readers.jams_files import read_jams

FADO = LabelRecord(
    path="música/a.mp3",
    track="01J",
    duration_s=2.5,
    annotator="ana",
    genres=("fado", "morna"),
    at=datetime(2026, 5, 1, tzinfo=UTC),
)


def jam(*annotations, **metadata) -> str:
    """A JAMS file of another producer; annotations are (namespace, {value: confidence})."""
    made = jams.JAMS()
    made.file_metadata.duration = 30.0
    made.file_metadata.update(**metadata)
    for namespace, values in annotations:
        annotation = jams.Annotation(namespace, annotation_metadata={"annotator": {"name": "bob"}})
        for value, confidence in values.items():
            annotation.append(time=0, duration=30, value=value, confidence=confidence)
        made.annotations.append(annotation)
    return made.dumps()


def test_the_library_reads_and_validates_what_was_written(tmp_path):
    unsure = LabelRecord(**vars(FADO) | {"annotator": "bob", "genres": ("fado",), "unsure": True})
    write([FADO, unsure, LabelRecord(filename="b.mp3")], tmp_path / "out", project="niche")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1-a.jams", "2-b.jams"]
    first, second = (jams.load(str(tmp_path / "out" / name), strict=True) for name in ("1-a.jams", "2-b.jams"))
    assert (first.file_metadata.duration, first.file_metadata.title) == (2.5, "a.mp3")
    assert first.file_metadata.identifiers.track == "01J"
    labels = first.search(namespace="tag_open")
    assert [label.annotation_metadata.annotator.name for label in labels] == ["ana", "bob"]
    assert {label.annotation_metadata.corpus for label in labels} == {"niche"}
    table = labels[0].to_dataframe()
    assert list(table["value"]) == ["fado", "morna"]
    assert list(table["duration"]) == [2.5, 2.5]
    assert list(table["confidence"]) == [1.0, 1.0]
    assert list(labels[1].to_dataframe()["confidence"]) == [0.5]
    assert not second.annotations
    assert second.validate(strict=True)


def test_the_reader_of_corpora_finds_the_recording_and_its_surest_genre(tmp_path):
    write([LabelRecord(path="music/a.wav", genres=("fado",))], tmp_path / "out")
    (tmp_path / "out/music").mkdir()
    (tmp_path / "out/music/a.wav").touch()
    (recording,) = read_jams(tmp_path / "out")
    assert (recording.path, recording.label) == (tmp_path / "out/music/a.wav", "fado")


def test_names_of_files_are_safe_and_unlike_each_other(tmp_path):
    names = ["../../etc/x.mp3", "A.mp3", "a.mp3", "a.wav", ".mp3", "x" * 300 + ".mp3", "a\nb:c.mp3"]
    write([LabelRecord(filename=name) for name in names], tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "1-x.jams",
        "2-A.jams",
        "3-a.jams",
        "4-a.jams",
        "5-.mp3.jams",
        f"6-{'x' * 80}.jams",
        "7-a_b_c.jams",
    ]
    assert [record.filename for record in read(tmp_path / "out")] == names


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "kept.jams").write_text("{}")
    with pytest.raises(DatasetError, match="not an empty folder"):
        write([FADO], tmp_path)
    with pytest.raises(DatasetError, match="not an empty folder"):
        write([FADO], tmp_path / "kept.jams")
    assert (tmp_path / "kept.jams").read_text() == "{}"


def test_the_archive_holds_the_same_files(tmp_path):
    write([FADO], tmp_path / "out")
    stream = io.BytesIO()
    write_zip([FADO], stream)
    with zipfile.ZipFile(stream) as archive:
        assert archive.namelist() == ["1-a.jams"]
        assert archive.read("1-a.jams") == (tmp_path / "out/1-a.jams").read_bytes()
    (tmp_path / "out.zip").write_bytes(stream.getvalue())
    assert read(tmp_path / "out.zip") == [FADO]
    assert read(tmp_path / "out/1-a.jams") == [FADO]


@pytest.mark.parametrize(
    ("text", "records"),
    [
        (jam(("tag_gtzan", {"rock": 1.0})), [LabelRecord("song", duration_s=30.0, annotator="bob", genres=("rock",))]),
        (
            jam(
                ("beat", {1: None}),
                ("tag_open", {"rock": None, "jazz": 0.0, "pop": 0.2}),
                ("tag_fma_genre", {"Rock": 1}),
            ),
            [
                LabelRecord("song", duration_s=30.0, annotator="bob", genres=("rock", "pop")),
                LabelRecord("song", duration_s=30.0, annotator="bob", genres=("Rock",)),
            ],
        ),
        (jam(("tag_cal500", {"Genre-Rock": 1.0})), [LabelRecord("song", duration_s=30.0)]),
        (jam(duration=None), [LabelRecord("song")]),
        (jam(identifiers={"filename": "x.mp3"}), [LabelRecord("x.mp3", duration_s=30.0)]),
        ('{"sandbox": {"audio_path": "a/x.mp3"}}', [LabelRecord("x.mp3", "a/x.mp3")]),
        ("{}", [LabelRecord("song")]),
    ],
)
def test_files_of_other_producers_are_read(tmp_path, text, records):
    (tmp_path / "song.jams").write_text(text)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("song.jams", text)
    for path in (tmp_path, tmp_path / "song.jams", tmp_path / "x.zip"):
        assert read(path) == records


HUGE = {"time": 10**400, "duration": 0, "value": "rock", "confidence": 1}


def bad(**change) -> str:
    return json.dumps(json.loads(jam(("tag_open", {"rock": 1.0}))) | change)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", r"a/song\.jams: no JAMS file"),
        ("[1]", "no JAMS file"),
        ("[" * 100_000, "no JAMS file"),
        ('{"strange": 1}', "no JAMS file"),
        ('{"annotations": [3]}', "no JAMS file"),
        ('{"self": 3}', "no JAMS file"),
        (bad(annotations=[{"namespace": "tag_open", "data": [{"time": 0}]}]), "no JAMS file"),
        (bad(annotations=[{"namespace": "tag_open", "data": [HUGE]}]), "no JAMS file"),
        (jam(("tag_open", {3: 1.0})), r"a/song\.jams, annotation 1: tag_open with 3, expected a text"),
        (jam(("beat", {}), ("tag_open", {"rock": "much"})), "annotation 2: tag_open with 'rock'"),
        (jam(("tag_open", {"a\x07": 1.0})), "annotation 1: genre .*control characters"),
        (jam(duration="long"), "duration_s 'long', expected seconds"),
        (jam(duration=-1), "duration_s -1, expected seconds"),
        (jam(identifiers={"sha256": "abc"}), "sha256 'abc', expected 64"),
        (bad(sandbox={"genrelab": {"predictions": [3]}}), r"predictions \[3\], expected a list of objects"),
        (bad(sandbox={"genrelab": {"predictions": [{"probabilities": {"a": 2}}]}}), "probability 2 of 'a'"),
    ],
)
def test_what_is_no_jams_file_of_labels_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/song.jams").write_text(text)
    with pytest.raises(DatasetError, match=words):
        read(tmp_path)


def test_a_folder_or_archive_without_such_files_is_told(tmp_path):
    (tmp_path / ".hidden.jams").write_text("{}")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    for path in (tmp_path, tmp_path / "x.zip"):
        with pytest.raises(DatasetError, match="no JAMS files, expected some"):
            read(path)


def test_archives_are_bounded_and_plain(tmp_path, monkeypatch):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jams", "{}")
        archive.writestr("b.jams", " " * 1_000_000)
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 100_000)
    with pytest.raises(DatasetError, match=r"x\.zip, b\.jams: the archive unpacks to more than 100000 bytes"):
        read(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.jams", "{}")
    with pytest.raises(DatasetError, match=r"a\.jams: encrypted or packed in a rare way"):
        read(path)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.jams", "{}")
    path.write_bytes(content.getvalue().replace(b"{}", b"[]", 1))  # its checksum is wrong now
    with pytest.raises(DatasetError, match=r"x\.zip: no ZIP archive that can be read"):
        read(path)
