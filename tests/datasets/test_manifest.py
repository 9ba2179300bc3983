"""A manifest comes back as it was written, moves with its corpus, and says where a line is wrong."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from datasets.errors import DatasetError
from datasets.manifest import MANIFEST_FILE, Manifest, Recording, read_manifest, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus" / "fado").mkdir(parents=True)
    for name in ("a", "b"):
        (tmp_path / "corpus" / "fado" / f"{name}.wav").write_bytes(name.encode())
    return tmp_path / "corpus"


@pytest.fixture
def manifest(folder: Path) -> Manifest:
    return Manifest(
        "Lisboa",
        (
            Recording(
                folder / "fado" / "a.wav",
                "fado",
                artist="Amália",
                licence="CC0",
                split="train",
                sha256="00",
                details={"tempo_bpm": 72.5, "faults": ["noise"], "seed": 3},
            ),
            Recording(folder / "fado" / "b.wav", "polka", split="test"),
            Recording(folder / "fado" / "c.wav", ""),
        ),
    )


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def test_what_is_written_is_read_again(manifest, folder):
    write_manifest(manifest, folder / MANIFEST_FILE)
    assert read_manifest(folder / MANIFEST_FILE) == manifest


def test_paths_are_relative_to_the_file_and_move_with_it(manifest, folder, tmp_path):
    write_manifest(manifest, folder / MANIFEST_FILE)
    assert [line.get("path") for line in lines(folder / MANIFEST_FILE)] == [
        None,
        "fado/a.wav",
        "fado/b.wav",
        "fado/c.wav",
    ]
    shutil.move(folder, tmp_path / "elsewhere")
    moved = read_manifest(tmp_path / "elsewhere" / MANIFEST_FILE)
    assert [recording.path.is_file() for recording in moved] == [True, True, False]
    assert moved.name == "Lisboa"


def test_a_recording_outside_the_folder_keeps_its_place(folder, tmp_path):
    outside = tmp_path / "outside.wav"
    write_manifest(Manifest("x", (Recording(outside, "fado"),)), folder / MANIFEST_FILE)
    shutil.move(folder, tmp_path / "elsewhere")
    (recording,) = read_manifest(tmp_path / "elsewhere" / MANIFEST_FILE)
    assert recording.path == outside


def test_a_relative_path_is_that_of_the_process_while_it_is_written(folder, monkeypatch):
    monkeypatch.chdir(folder)
    write_manifest(Manifest("x", (Recording(Path("fado/a.wav"), "fado"),)), Path(MANIFEST_FILE))
    (recording,) = read_manifest(folder / MANIFEST_FILE)
    assert recording.path == folder / "fado" / "a.wav"


def test_the_same_manifest_is_the_same_bytes(manifest, folder, tmp_path):
    write_manifest(manifest, folder / MANIFEST_FILE)
    first = (folder / MANIFEST_FILE).read_bytes()
    write_manifest(read_manifest(folder / MANIFEST_FILE), folder / MANIFEST_FILE)
    assert (folder / MANIFEST_FILE).read_bytes() == first
    assert sorted(path.name for path in folder.iterdir()) == ["fado", MANIFEST_FILE]


def test_what_is_unknown_is_not_written(manifest, folder):
    write_manifest(manifest, folder / MANIFEST_FILE)
    assert lines(folder / MANIFEST_FILE)[3] == {"path": "fado/c.wav"}


@pytest.mark.parametrize(
    "text", ["Björk", "a\nb", "a\rb", "a\u2028b", "a\x85b", "a\x1cb", '"\\', "\U0001f3b5"], ids=ascii
)
def test_every_text_comes_back(text, folder):
    recording = Recording(folder / f"{text}.wav", text, artist=text, details={text: text})
    write_manifest(Manifest(text, (recording,)), folder / MANIFEST_FILE)
    assert read_manifest(folder / MANIFEST_FILE) == Manifest(text, (recording,))


def test_a_file_name_that_is_no_text_comes_back(folder):
    name = b"caf\xe9.wav".decode("utf-8", "surrogateescape")  # an old Latin-1 name
    recording = Recording(folder / name, "fado")
    write_manifest(Manifest("x", (recording,)), folder / MANIFEST_FILE)
    assert read_manifest(folder / MANIFEST_FILE).recordings == (recording,)


def test_a_corpus_without_a_name_has_that_of_its_folder(folder):
    (folder / MANIFEST_FILE).write_text('{"path": "fado/a.wav", "label": "fado"}\n')
    assert read_manifest(folder / MANIFEST_FILE) == Manifest("corpus", (Recording(folder / "fado" / "a.wav", "fado"),))


def test_empty_lines_and_windows_line_ends_do_not_matter(folder):
    (folder / MANIFEST_FILE).write_bytes(b'{"corpus": "x"}\r\n\r\n{"path": "a.wav", "label": "fado"}\r\n   \r\n')
    assert read_manifest(folder / MANIFEST_FILE) == Manifest("x", (Recording(folder / "a.wav", "fado"),))


def test_a_manifest_of_nothing_is_empty(folder):
    write_manifest(Manifest("x", ()), folder / MANIFEST_FILE)
    assert len(read_manifest(folder / MANIFEST_FILE)) == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "Expecting"),
        ("[1]", "expected an object, got list"),
        ("7", "expected an object, got int"),
        ('"a.wav"', "expected an object, got str"),
        ("null", "expected an object, got NoneType"),
        ("[" * 100_000, "recursion"),
        ('{"label": "fado"}', "no path"),
        ('{"path": "", "label": "fado"}', "no path"),
        ('{"path": "a.wav", "genre": "fado", "bpm": 3}', "unknown fields bpm, genre"),
        ('{"path": 7}', "every other field a text"),
        ('{"path": "a.wav", "label": null}', "every other field a text"),
        ('{"path": "a.wav", "label": ["fado"]}', "every other field a text"),
        ('{"path": "a.wav", "details": "loud"}', "details must be an object"),
        ('{"path": "a.wav", "split": "dev"}', "split 'dev', expected one of train, validation, test or nothing"),
        ('{"path": "a\\u0000.wav"}', "no path of a file"),
        ('{"corpus": "again"}', "unknown fields corpus"),
    ],
    ids=lambda value: value[:30],
)
def test_a_damaged_line_is_named_with_what_was_expected(line, words, folder):
    path = folder / MANIFEST_FILE
    path.write_text('{"corpus": "x"}\n{"path": "good.wav", "label": "fado"}\n' + line + "\n")
    with pytest.raises(
        DatasetError, match=rf"manifest\.jsonl, line 3: .*{words}.*; expected an object with path, label"
    ):
        read_manifest(path)


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, lambda path: path.write_bytes(b"\xff\xfe\x00")])
def test_what_is_no_text_file_is_refused(make, folder):
    make(folder / MANIFEST_FILE)
    with pytest.raises(DatasetError, match=r"manifest\.jsonl: no manifest can be read there"):
        read_manifest(folder / MANIFEST_FILE)


def test_a_path_comes_once(folder):
    twice = (Recording(folder / "a.wav", "fado"), Recording(folder / "a.wav", "polka"))
    with pytest.raises(DatasetError, match=r"a\.wav: comes twice in Lisboa"):
        Manifest("Lisboa", twice)
    (folder / MANIFEST_FILE).write_text('{"path": "a.wav"}\n{"path": "./a.wav", "label": "fado"}\n')
    with pytest.raises(DatasetError, match=r"a\.wav: comes twice in corpus"):
        read_manifest(folder / MANIFEST_FILE)


def test_an_unknown_split_is_refused(folder):
    with pytest.raises(DatasetError, match="split 'dev'"):
        Recording(folder / "a.wav", "fado", split="dev")


def test_labels_are_those_that_occur(manifest):
    assert manifest.labels == ("fado", "polka")
    assert (len(manifest), [recording.label for recording in manifest]) == (3, ["fado", "polka", ""])


def test_a_split_is_the_recordings_that_are_in_it(manifest):
    assert manifest.of_split("train").recordings == manifest.recordings[:1]
    assert manifest.of_split("").recordings == manifest.recordings[2:]
    assert manifest.of_split("validation") == Manifest("Lisboa", ())


def test_hashes_are_those_of_the_bytes_where_none_is_known(manifest):
    hashed = manifest.select(manifest.recordings[:2]).with_hashes()
    assert [recording.sha256 for recording in hashed] == ["00", hashlib.sha256(b"b").hexdigest()]
    assert replace(hashed.recordings[1], sha256="") == manifest.recordings[1]


def test_a_file_that_cannot_be_hashed_is_named(manifest):
    with pytest.raises(DatasetError, match=r"c\.wav.* cannot be read"):
        manifest.with_hashes()
