"""A model on disk: what was saved is what is loaded, and a file that is anything else is refused and never run."""

import io
import json
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.cache import sha256_of
from models import model_folder
from models.errors import IntegrityError, ModelError
from models.model_folder import CARD_FILE, WEIGHTS_FILE, check_weights, load_weights, read_card, save_model

CARD = {"name": "mine", "version": "1", "kind": "genre", "created": "2026-01-01"}
ARRAYS = {"a": np.arange(600, dtype=np.float32), "b/c": np.array(["jazz", "dub"]), "limit": np.array(0.5)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound model."""
    save_model(tmp_path / "mine", CARD, ARRAYS)
    return tmp_path / "mine"


def write_card(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / CARD_FILE).read_text()) | changes
    (folder / CARD_FILE).write_text(json.dumps({key: value for key, value in card.items() if value is not ...}))


def write_weights(folder: Path, data: bytes) -> None:
    """Other weights, and a card that fits them: as somebody would who means it."""
    (folder / WEIGHTS_FILE).write_bytes(data)
    write_card(folder, weights={"file": WEIGHTS_FILE, "sha256": sha256_of(folder / WEIGHTS_FILE)})


def test_what_was_saved_is_loaded(tmp_path):
    written = save_model(tmp_path / "a" / "mine", CARD | {"genres": ["čardáš"]}, ARRAYS)
    card, arrays = load_weights(tmp_path / "a" / "mine", kind="genre")
    assert card == written == CARD | {"genres": ["čardáš"], "weights": card["weights"]}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    assert {path.name for path in (tmp_path / "a" / "mine").iterdir()} == {CARD_FILE, WEIGHTS_FILE}


def test_the_same_arrays_give_the_same_bytes_whenever_they_are_saved(tmp_path, monkeypatch):
    first = save_model(tmp_path / "first", CARD, ARRAYS)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    again = save_model(tmp_path / "again", CARD, dict(reversed(ARRAYS.items())))
    other = save_model(tmp_path / "other", CARD, ARRAYS | {"limit": np.array(np.nextafter(0.5, 1))})
    assert (tmp_path / "first" / WEIGHTS_FILE).read_bytes() == (tmp_path / "again" / WEIGHTS_FILE).read_bytes()
    assert first["weights"] == again["weights"] != other["weights"]
    assert first["weights"]["sha256"] == sha256_of(tmp_path / "first" / WEIGHTS_FILE)


class Trap:
    """An object that, unpickled, leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (Path.touch, (self.trace,))


def test_a_pickled_object_among_the_arrays_is_refused_and_never_executed(folder, tmp_path):
    file = io.BytesIO()
    np.savez(file, **ARRAYS, trap=np.array([Trap(tmp_path / "trace")], dtype=object))
    write_weights(folder, file.getvalue())
    with pytest.raises(ModelError, match="holds no arrays that can be read"):
        load_weights(folder)
    assert not (tmp_path / "trace").exists()
    np.load(folder / WEIGHTS_FILE, allow_pickle=True)["trap"]
    assert (tmp_path / "trace").exists()  # what is refused is real: numpy itself would run it


def _of_a_million_gigabytes(whole: bytes) -> bytes:
    header, file = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**14,)})
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", header.getvalue())
    return file.getvalue()


def _garbage_inside(whole: bytes) -> bytes:
    """Bytes that are no deflate stream behind the header of the first array."""
    at = whole.index(b"a.npy") + 40
    return whole[:at] + b"\xff" * 30 + whole[at + 30 :]


def _in_compression_99(whole: bytes) -> bytes:
    at = whole.index(b"PK\x01\x02") + 10  # the central directory's word for the first array
    return whole[:at] + b"\x63\x00" + whole[at + 2 :]


def _encrypted(whole: bytes) -> bytes:
    at = whole.index(b"PK\x01\x02") + 8
    return whole[:at] + b"\x01\x00" + whole[at + 2 :]


def _single_array(whole: bytes) -> bytes:
    file = io.BytesIO()
    np.save(file, ARRAYS["a"])
    return file.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda whole: b"", id="empty"),
        pytest.param(lambda whole: b"no archive " * 50, id="text"),
        pytest.param(lambda whole: whole[: len(whole) // 2], id="cut off"),
        pytest.param(lambda whole: whole[len(whole) // 2 :], id="without its beginning"),
        pytest.param(_single_array, id="one array"),
        pytest.param(_garbage_inside, id="garbage inside"),
        pytest.param(_in_compression_99, id="unknown compression"),
        pytest.param(_encrypted, id="encrypted"),
        pytest.param(_of_a_million_gigabytes, id="no such memory"),
    ],
)
def test_weights_that_are_no_arrays_are_told_though_the_hash_is_right(folder, damage):
    write_weights(folder, damage((folder / WEIGHTS_FILE).read_bytes()))
    with pytest.raises(ModelError, match=f"{WEIGHTS_FILE}: holds no arrays that can be read"):
        load_weights(folder)


def test_a_changed_byte_is_told_with_both_hashes(folder):
    expected = read_card(folder)["weights"]["sha256"]
    data = bytearray((folder / WEIGHTS_FILE).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS_FILE).write_bytes(data)
    found = sha256_of(folder / WEIGHTS_FILE)
    for act in (lambda: load_weights(folder), lambda: check_weights(folder, read_card(folder))):
        with pytest.raises(IntegrityError, match=f"{WEIGHTS_FILE}: sha256 {found}, the card says {expected}; fetch"):
            act()


def test_weights_that_are_missing_are_told_with_the_hash_that_is_wanted(folder):
    (folder / WEIGHTS_FILE).unlink()
    with pytest.raises(IntegrityError, match=f"cannot be read .*{read_card(folder)['weights']['sha256']}"):
        load_weights(folder)


def test_a_model_of_another_kind_is_refused(folder):
    with pytest.raises(ModelError, match="a model of kind 'genre', expected 'gate'"):
        load_weights(folder, kind="gate")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a JSON document"),
        (b"{", "not a JSON document"),
        (b'{"name": "\xff"}', "not a JSON document"),
        (b"[" * 100_000, "not a JSON document"),
        (b"1" * 10_000, "not a JSON document"),
        (b"[]", "expected a JSON object, got list"),
        (b'"mine"', "expected a JSON object, got str"),
        (b'{"name": "' + b"m" * model_folder.MAX_CARD_BYTES + b'"}', "larger than 4000000 bytes, no model card"),
    ],
    ids=["empty", "cut off", "latin-1", "deep", "a huge number", "list", "text", "too large"],
)
def test_a_card_that_is_none_is_told(folder, content, words):
    (folder / CARD_FILE).write_bytes(content)
    with pytest.raises(ModelError, match=f"{CARD_FILE}: {words}"):
        read_card(folder)


@pytest.mark.parametrize("spoil", [shutil.rmtree, lambda folder: (folder / CARD_FILE).unlink()])
def test_a_card_that_is_missing_is_told(folder, spoil):
    spoil(folder)
    with pytest.raises(ModelError, match=r"card\.json: no model card can be read there \(No such file"):
        load_weights(folder)


@pytest.mark.parametrize("value", [..., None, 1, ["x"]], ids=["missing", "null", "number", "list"])
@pytest.mark.parametrize("field", ["name", "version", "kind", "created", "weights"])
def test_a_card_without_a_field_names_it(folder, field, value):
    write_card(folder, **{field: value})
    with pytest.raises(ModelError, match=f"field '{field}' is missing or no"):
        read_card(folder)


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {"file": WEIGHTS_FILE},
        {"file": "../mine/weights.npz", "sha256": "ab"},
        {"file": "/etc/passwd", "sha256": "ab"},
        {"file": WEIGHTS_FILE, "sha256": None},
    ],
)
def test_the_card_says_no_other_place_for_the_weights(folder, weights):
    write_card(folder, weights=weights)
    with pytest.raises(ModelError, match=r"'weights' must name the file 'weights\.npz' and its sha256"):
        read_card(folder)


@pytest.mark.parametrize("name", ["a", "0", "gtzan-musicnn-1", "v1.2_b", "a" * 64])
def test_a_name_of_a_model(folder, name):
    write_card(folder, name=name)
    assert read_card(folder)["name"] == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../mine", "a/b", "a\\b", "/etc", "C:", ".hidden", "-rf", "a..b", "Mine", "a b", "mine\n"],
)
def test_a_name_that_could_lead_elsewhere_is_refused(folder, name):
    write_card(folder, name=name)
    with pytest.raises(ModelError, match="is no name of a model"):
        read_card(folder)


@pytest.mark.parametrize("name", ["a" * 65, "é", "a\0", "a\u202eb"])
def test_a_name_that_not_every_file_system_keeps_is_refused(folder, name):
    write_card(folder, name=name)
    with pytest.raises(ModelError, match="is no name of a model"):
        read_card(folder)


def test_a_save_that_is_stopped_half_way_is_noticed_and_can_be_repeated(folder, monkeypatch):
    newer = {"a": np.zeros(3)}

    def full(*_arguments, **_settings):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space"):
            save_model(folder, CARD, newer)
    with pytest.raises(IntegrityError, match="the card says"):  # new weights, old card
        load_weights(folder)
    save_model(folder, CARD, newer)
    np.testing.assert_array_equal(load_weights(folder)[1]["a"], np.zeros(3))
