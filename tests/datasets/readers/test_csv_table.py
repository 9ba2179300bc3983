import pytest

from datasets.errors import DatasetError
from datasets.readers.csv_table import read_csv_table

SHA256 = "ab" * 32


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_as_spreadsheets_write_it(put, delimiter, mark, end):
    rows = [
        ["Label", "path", "artist", "license", "split", "sha256", "tempo_bpm"],
        ["rock", "a/one.wav", f'"Ann{delimiter} Bob"', "CC0-1.0", "valid", SHA256.upper(), "120"],
        ["", "two.wav", "Zoë", "", "", "", ""],
    ]
    text = mark + end.join(delimiter.join(row) for row in rows) + end + end
    folder = put("a/one.wav", "two.wav", **{"table.csv": text})
    manifest = read_csv_table(folder / "table.csv")
    assert manifest.name == "table"
    one, two = manifest
    assert (one.path, one.label, one.artist) == (folder / "a/one.wav", "rock", f"Ann{delimiter} Bob")
    assert (one.licence, one.split, one.sha256, one.details) == ("CC0-1.0", "validation", SHA256, {"tempo_bpm": "120"})
    assert (two.path, two.label, two.artist, two.split, two.details) == (folder / "two.wav", "", "Zoë", "", {})


def test_a_folder_may_be_named_that_holds_one_table(put):
    folder = put("a.wav", **{"corpus.CSV": "path,label\na.wav,rock\n"})
    assert [each.label for each in read_csv_table(folder)] == ["rock"]
    put(**{"another.csv": "path,label\na.wav,jazz\n"})
    with pytest.raises(DatasetError, match=r"2 tables \(\.csv\), expected one"):
        read_csv_table(folder)


def test_an_absolute_path_may_lie_anywhere_and_a_relative_one_only_in_the_tables_folder(put):
    folder = put("corpus/in.wav", "out.wav")
    (folder / "corpus" / "link.wav").symlink_to(folder / "out.wav")
    table = folder / "corpus" / "t.csv"
    table.write_text(f"path,label\n{folder / 'out.wav'},rock\nx/../in.wav,jazz\n")
    assert [each.path for each in read_csv_table(table)] == [folder / "out.wav", folder / "corpus" / "in.wav"]
    for leaving in ("../out.wav", "link.wav", "x/../../out.wav"):
        table.write_text(f"path,label\nin.wav,jazz\n{leaving},rock\n")
        with pytest.raises(DatasetError, match=r"t\.csv, line 3, column path: (link|.*out)\.wav leaves"):
            read_csv_table(table)


def test_a_quoted_cell_may_run_over_lines_and_line_numbers_still_hold(put):
    folder = put("a.wav", "b.wav", **{"t.csv": 'path,label,notes\na.wav,rock,"two\nlines"\nb.wav,rock,x,y\n'})
    with pytest.raises(DatasetError, match=r"t\.csv, line 4: 4 cells, expected 3"):
        read_csv_table(folder)


def test_other_encodings_are_refused_by_name(put):
    folder = put("a.wav")
    (folder / "t.csv").write_bytes("path,label\na.wav,Música\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="not UTF-8"):
        read_csv_table(folder)
