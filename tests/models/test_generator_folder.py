"""A generator on disk: parts that belong together are gathered, and what is none is refused by name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.cache import sha256_of
from models.code_source import name_of_codes
from models.errors import IntegrityError, ModelError
from models.generator_folder import PARTS, load_generator_card, save_generator
from models.model_folder import CARD_FILE, WEIGHTS_FILE, load_weights, save_model

CARD = {"name": "band", "version": "1", "created": "2026-01-01", "licence": "CC0", "genres": ["jazz", "čardáš"]}


def save_part(folder: Path, kind: str, value: float, **fields: Any) -> Path:
    card = {"name": kind, "version": "1", "kind": kind, "created": "2026-01-01"} | fields
    save_model(folder / kind, card, {"weight": np.array(value)})
    return folder / kind


@pytest.fixture
def parts(tmp_path) -> dict[str, Path]:
    autoencoder = save_part(tmp_path / "trained", "autoencoder", 1.0)
    source = name_of_codes(json.loads((autoencoder / CARD_FILE).read_text()))
    prior = save_part(tmp_path / "trained", "prior", 2.0, codes={"source": source})
    (prior / "checkpoint.npz").write_bytes(b"not for shipping")
    others = {kind: save_part(tmp_path / "trained", kind, 3.0) for kind in ("vocoder", "originality")}
    return {"autoencoder": autoencoder, "prior": prior, **others}


@pytest.fixture
def folder(parts, tmp_path) -> Path:
    save_generator(tmp_path / "generator", parts, CARD)
    return tmp_path / "generator"


def change_card(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / CARD_FILE).read_text()) | changes
    (folder / CARD_FILE).write_text(json.dumps({name: value for name, value in card.items() if value is not ...}))


def test_parts_are_gathered_with_their_hashes(parts, tmp_path):
    written = save_generator(tmp_path / "generator", parts, CARD | {"sources": ["ours"]})
    card = load_generator_card(tmp_path / "generator")
    assert card == written
    assert {name: card[name] for name in CARD} == CARD
    assert (card["kind"], card["sources"]) == ("generator", ["ours"])
    assert card["parts"]["vocoder"] == {
        "name": "vocoder",
        "version": "1",
        "kind": "vocoder",
        "sha256": sha256_of(parts["vocoder"] / WEIGHTS_FILE),
    }
    for name, source in parts.items():
        assert load_weights(tmp_path / "generator" / name, kind=name)[1] == load_weights(source)[1]
        assert {path.name for path in (tmp_path / "generator" / name).iterdir()} == {CARD_FILE, WEIGHTS_FILE}
    assert not list(tmp_path.glob(".generator*"))


def test_a_generator_takes_the_place_of_the_one_before(folder, parts):
    before = load_generator_card(folder)
    vocoder = save_part(folder.parent / "better", "vocoder", 4.0)
    assert save_generator(folder, parts, CARD)["sha256"] == before["sha256"]
    assert save_generator(folder, parts | {"vocoder": vocoder}, CARD)["sha256"] != before["sha256"]
    (folder / "notes.txt").write_text("of the one before")
    save_generator(folder, parts, CARD)
    assert {path.name for path in folder.iterdir()} == {CARD_FILE, *parts}


def test_what_is_no_generator_is_not_overwritten(parts, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"cat")
    with pytest.raises(ModelError, match="photos: holds something else than a generator"):
        save_generator(tmp_path / "photos", parts, CARD)
    assert (tmp_path / "photos" / "cat.png").read_bytes() == b"cat"


def test_parts_that_make_no_generator_are_refused(parts, tmp_path):
    def save(**changes: Path) -> None:
        save_generator(tmp_path / "generator", parts | changes, CARD)

    with pytest.raises(ModelError, match="parts autoencoder: a generator has autoencoder, prior, vocoder, originality"):
        save_generator(tmp_path / "generator", {"autoencoder": parts["autoencoder"]}, CARD)
    with pytest.raises(ModelError, match=r"parts .*drummer: a generator has autoencoder"):
        save(drummer=parts["vocoder"])
    with pytest.raises(ModelError, match=r"codes of 'autoencoder 1 \w+', expected those of 'autoencoder 1"):
        save(autoencoder=save_part(tmp_path / "other", "autoencoder", 7.0))
    with pytest.raises(ModelError, match="a prior of the codes of None"):
        save(prior=save_part(tmp_path / "other", "prior", 7.0))
    (parts["vocoder"] / WEIGHTS_FILE).write_bytes(b"damage")
    with pytest.raises(IntegrityError, match=r"vocoder/weights\.npz: sha256"):
        save()
    assert {path.name for path in tmp_path.iterdir()} == {"trained", "other"}


def test_other_weights_of_a_part_are_found_though_its_own_card_fits_them(folder):
    save_part(folder, "vocoder", 5.0)
    with pytest.raises(IntegrityError, match=r"vocoder/weights\.npz: sha256 \w+, the generator's card says \w+"):
        load_generator_card(folder)


def test_missing_and_damaged_weights_are_named(folder):
    (folder / "prior" / WEIGHTS_FILE).write_bytes(b"damage")
    with pytest.raises(IntegrityError, match=r"prior/weights\.npz: sha256"):
        load_generator_card(folder)
    (folder / "prior" / WEIGHTS_FILE).unlink()
    with pytest.raises(IntegrityError, match=r"prior/weights\.npz: cannot be read"):
        load_generator_card(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "genre"}, "of kind 'genre', expected 'generator'"),
        ({"parts": ...}, "field 'parts' is missing or no dict"),
        ({"parts": {}}, "parts none, expected objects for autoencoder"),
        ({"parts": dict.fromkeys(PARTS, 1)}, "expected objects for autoencoder"),
        ({"parts": {name: {} for name in PARTS}}, r"autoencoder/weights\.npz: sha256 .* says None"),
        ({"genres": []}, "'genres' must be names of genres"),
        ({"name": "The Band"}, "'The Band' is no name of a model"),
        ({"sha256": "0" * 64}, "card.json: sha256 0+, its parts make"),
    ],
)
def test_a_card_that_is_none_is_refused(folder, changes, message):
    change_card(folder, **changes)
    with pytest.raises(ModelError, match=message):
        load_generator_card(folder)


def test_a_part_outside_the_folder_is_refused(folder):
    card = json.loads((folder / CARD_FILE).read_text())
    change_card(folder, parts={"../x": {"sha256": ""}} | card["parts"])
    with pytest.raises(ModelError, match=r"parts \.\./x, autoencoder"):
        load_generator_card(folder)


def test_an_empty_folder_is_no_generator(tmp_path):
    with pytest.raises(ModelError, match=r"card\.json: no model card can be read there"):
        load_generator_card(tmp_path)
