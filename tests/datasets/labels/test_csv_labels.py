import csv
import io

import pandas as pd
import pytest

from datasets.errors import DatasetError
from datasets.labels import csv_labels, files
from datasets.labels.csv_labels import read, write
from datasets.labels.record import LabelRecord


def put(folder, text: str | bytes):
    path = folder / "labels.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def written(*records, **settings) -> str:
    stream = io.BytesIO()
    write(records, stream, **settings)
    return stream.getvalue().decode()


def test_a_data_frame_reads_what_was_written(tmp_path):
    records = [
        LabelRecord(path="música/a.mp3", duration_s=2.5, genres=("fado", "a;b"), unsure=True, version=3),
        LabelRecord(track="01J", none=True, probabilities={"fado": 0.25, "baião": 0.5}, model="m-1"),
    ]
    write(records, tmp_path / "labels.csv", project="niche", genres=["baião", "fado"])
    table = pd.read_csv(tmp_path / "labels.csv", keep_default_na=False)
    probabilities = ["probability:baião", "probability:fado"]
    assert list(table) == [*csv_labels.COLUMNS, *probabilities, "project"]
    assert list(table["filename"]) == ["a.mp3", ""]
    assert list(table["genres"]) == ['fado;"a;b"', ""]
    assert list(table["none"]) == [False, True]
    assert list(table.loc[1, probabilities]) == ["0.5", "0.25"]
    assert set(table["project"]) == {"niche"}


def test_a_data_frame_may_write_it_again(tmp_path):
    records = [LabelRecord(path="a.mp3", genres=("fado",), version=3), LabelRecord(track="01J", genres=("morna",))]
    write(records, tmp_path / "labels.csv")
    pd.read_csv(tmp_path / "labels.csv").to_csv(tmp_path / "again.csv", index=False)  # the version becomes 3.0
    assert read(tmp_path / "again.csv") == records


def test_rows_end_as_rfc_4180_says():
    assert written(LabelRecord(path="a.mp3")).count("\r\n") == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_tables_by_hand_need_a_recording_and_a_genre(tmp_path, delimiter, mark):
    rows = [["Filename", " Genre", "artist"], ["a.mp3", " rock", "x"], ["b c.mp3", "", ""], ["", "", ""]]
    text = mark + "\n".join(delimiter.join(row) for row in rows)
    assert read(put(tmp_path, text)) == [
        LabelRecord(filename="a.mp3", genres=("rock",)),
        LabelRecord(filename="b c.mp3"),
    ]


@pytest.mark.parametrize("column", ["filename", "path", "track"])
@pytest.mark.parametrize("label", ["genre", "genres", "label", "labels"])
def test_any_name_of_a_recording_and_of_genres_will_do(tmp_path, column, label):
    (record,) = read(put(tmp_path, f'{column},{label}\nx,"rock; pop"\n'))
    assert (getattr(record, column), record.genres) == ("x", ("rock", "pop"))


def test_upper_case_hashes_are_taken(tmp_path):
    assert read(put(tmp_path, f"sha256,label\n{'AB' * 32},rock\n"))[0].sha256 == "ab" * 32


@pytest.mark.parametrize(
    ("genres", "cell"),
    [
        (("rock",), "rock"),
        (("rock", "pop"), "rock;pop"),
        (("a;b", 'say "x"', '"q'), '"a;b";"say ""x""";"""q"'),
        (("=1+1", "-x", "a-b"), "'=1+1;'-x;a-b"),
        (("'=x", "'x"), "''=x;'x"),
        (("\uff1dx",), "'\uff1dx"),
    ],
)
def test_genres_share_a_cell_and_none_is_a_formula(tmp_path, genres, cell):
    text = written(LabelRecord(filename="a.mp3", genres=genres))
    assert next(csv.DictReader(io.StringIO(text)))["genres"] == cell
    assert read(put(tmp_path, text))[0].genres == genres


def test_no_cell_of_any_column_begins_as_a_formula_whatever_the_delimiter(tmp_path):
    attack = '=HYPERLINK("x")'
    record = LabelRecord(
        filename=attack,
        path="a;" + attack,
        track=attack,
        annotator=attack,
        genres=(attack,),
        note=f"x\n{attack}\t@y;  +z",
        probabilities={attack: 0.5, "a;-b": 0.1},
        model=attack,
    )
    text = written(record, project=attack)
    for delimiter in ",;\t":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            for line in "\n".join(row).splitlines():
                assert not line.lstrip().startswith(("=", "+", "-", "@"))
    assert read(put(tmp_path, text)) == [record]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column filename or path or sha256 or track"),
        (
            "artist,genre\n",
            r"labels\.csv, line 1: no column filename or path or sha256 or track; it has 'artist, genre'",
        ),
        ("filename,year\n", "line 1: no column genres or genre or label or labels"),
        ("filename,genre,Genre\n", "line 1: column 'genre' comes twice"),
        ("filename,genre\na.mp3\n", "line 2: 1 cells, expected 2"),
        ("filename,genre,label\na.mp3,x,y\n", "line 2: genres come more than once"),
        ('filename,genre\n"a.mp3,x\n', "line 2: .* expected cells with paired quotes"),
        ('filename,genre\n"a" b,x\n', "line 2: .* expected cells with paired quotes"),
        ('filename,genre\n"a\nb",x\nc,\x07\n', "line 4: genre .*control characters"),
        ("filename,genre\n,x\n", "line 2: no recording is named"),
        ("filename,genre,none\na,,maybe\n", "line 2: none 'maybe', expected true or false"),
        ("filename,genre,version\na,x,1.5\n", "line 2: version '1.5', expected a whole number"),
        ("filename,genre,version\na,x,inf\n", "line 2: version 'inf', expected a whole number"),
        ("filename,genre,duration_s\na,x,3 min\n", "line 2: duration_s '3 min', expected a number"),
        ("filename,genre,at\na,x,01.05.2026\n", "line 2: at '01.05.2026', expected a time such as"),
        ("filename,genre,probability:fado\na,x,2\n", "line 2: probability 2.0 of 'fado', expected 0 to 1"),
        ("sha256,genre\nabc,x\n", "line 2: sha256 'abc', expected 64"),
        (b"filename,genre\n\xff,x\n", "not UTF-8 .* export it as UTF-8"),
        ("filename,genre\na.mp3\n".encode("utf-16"), "not UTF-8"),
        ("filename,genre\na," + "x" * 200_000, "line 2: field larger than field limit"),
        ("filename,genre," + ",".join(map(str, range(20_000))), "20002 columns, expected at most 20000"),
    ],
)
def test_what_is_no_table_of_labels_is_refused(tmp_path, text, words):
    with pytest.raises(DatasetError, match=words):
        read(put(tmp_path, text))


def test_files_are_bounded(tmp_path, monkeypatch):
    path = put(tmp_path, "filename,genre\na,x\nb,x\n")
    monkeypatch.setattr(files, "MAX_RECORDS", 1)
    with pytest.raises(DatasetError, match=r"labels\.csv: more than 1 entries"):
        read(path)
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 10)
    with pytest.raises(DatasetError, match=r"labels\.csv: larger than 10 bytes"):
        read(path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DatasetError, match=r"gone\.csv: no such file"):
        read(tmp_path / "gone.csv")


def test_a_failed_export_leaves_what_was_there(tmp_path):
    path = put(tmp_path, "before")
    with pytest.raises(AttributeError):
        write([LabelRecord(track="t"), None], path)
    assert [each.name for each in tmp_path.iterdir()] == ["labels.csv"]
    assert path.read_text() == "before"
