"""Which models there are and which one answers: whatever happens in between, the old choice stands or the new one."""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models import registry as module
from models.errors import IntegrityError, ModelError, UnknownModel
from models.model_folder import CARD_FILE, WEIGHTS_FILE, check_weights, save_model
from models.paths import PRETRAINED_DIR
from models.registry import ACTIVE_FILE, SHIPPED_ACTIVE, ModelRegistry

SHIPPED = SHIPPED_ACTIVE["genre"]
Make = Callable[..., Path]


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "models")


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a model that is not registered; `value` tells its weights from others."""

    def one(name: str, *, kind: str = "genre", value: float = 0.0, inside: Path = tmp_path / "made") -> Path:
        card = {"name": name, "version": "1", "kind": kind, "created": "2026-01-01"}
        save_model(inside / name, card, {"a": np.full(3, value)})
        return inside / name

    return one


def active(registry: ModelRegistry, kind: str = "genre") -> str:
    return registry.active(kind).name


def change_a_byte(folder: Path) -> None:
    data = bytearray((folder / WEIGHTS_FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / WEIGHTS_FILE).write_bytes(data)


def test_the_shipped_models_answer_until_something_is_chosen(registry):
    assert {kind: active(registry, kind) for kind in SHIPPED_ACTIVE} == SHIPPED_ACTIVE
    assert [entry.name for entry in registry.list() if entry.active] == [SHIPPED_ACTIVE["gate"], SHIPPED]
    assert not registry.folder.exists()  # looking writes nothing


def test_the_shipped_weights_are_those_of_their_cards(registry):
    for entry in registry.list():
        check_weights(entry.path, entry.card)


def test_the_user_s_folder_is_below_the_data_folder():
    assert ModelRegistry().folder == Path(os.environ["GENRELAB_DATA_DIR"]) / "models"


def test_a_registered_model_answers_only_when_it_is_activated(registry, make):
    entry = registry.register(make("mine", value=1.0))
    assert (entry.name, entry.kind, entry.version, entry.active) == ("mine", "genre", "1", False)
    assert registry.path("mine") == registry.folder / "mine"
    assert active(registry) == SHIPPED
    assert registry.activate("mine").active
    assert [entry.name for entry in registry.list() if entry.active] == [SHIPPED_ACTIVE["gate"], "mine"]
    assert ModelRegistry(registry.folder).active("genre") == registry.get("mine")  # for others too, and later


def test_the_list_is_by_kind_and_name(registry, make):
    for name, kind in (("b", "genre"), ("a", "genre"), ("z", "aroma")):
        registry.register(make(name, kind=kind))
    assert [(entry.kind, entry.name) for entry in registry.list()] == [
        ("aroma", "z"),
        ("gate", SHIPPED_ACTIVE["gate"]),
        ("genre", "a"),
        ("genre", "b"),
        ("genre", SHIPPED),
    ]


def test_going_back_takes_one_choice_at_a_time(registry, make):
    for name in ("a", "b"):
        registry.register(make(name))
    for name in ("a", "b", "a"):
        registry.activate(name)
    assert [registry.rollback().name for _ in range(3)] == ["b", "a", SHIPPED]
    with pytest.raises(ModelError, match="nothing to go back to"):
        registry.rollback()
    assert active(registry) == SHIPPED


def test_activating_what_answers_already_is_nothing_to_go_back_from(registry, make):
    registry.register(make("a"))
    for name in (SHIPPED, "a", "a"):
        registry.activate(name)
    assert registry.rollback().name == SHIPPED
    with pytest.raises(ModelError, match="nothing to go back to"):
        registry.rollback()


def test_kinds_are_chosen_apart(registry, make):
    registry.register(make("other-gate", kind="gate"))
    registry.activate("other-gate")
    assert (active(registry, "gate"), active(registry)) == ("other-gate", SHIPPED)
    assert registry.rollback("gate").name == SHIPPED_ACTIVE["gate"]


def test_a_kind_that_is_not_shipped_has_no_answer_until_one_is_activated(registry, make):
    registry.register(make("rose", kind="aroma"))
    with pytest.raises(UnknownModel, match="no active model of kind 'aroma'"):
        registry.active("aroma")
    registry.activate("rose")
    assert active(registry, "aroma") == "rose"
    with pytest.raises(ModelError, match="nothing to go back to"):
        registry.rollback("aroma")


def test_going_back_passes_over_models_that_are_gone(registry, make):
    for name in ("a", "b", "c"):
        registry.register(make(name))
        registry.activate(name)
    (registry.folder / "b").rename(registry.folder / ".b")
    assert registry.rollback().name == "a"


def test_an_active_model_that_is_gone_is_named_and_can_be_left(registry, make):
    registry.register(make("a"))
    registry.activate("a")
    (registry.folder / "a").rename(registry.folder / ".a")
    with pytest.raises(UnknownModel, match="no model 'a'"):
        registry.active()
    assert registry.rollback().name == SHIPPED


def test_the_history_does_not_grow_for_ever(registry, make, monkeypatch):
    monkeypatch.setattr(module, "MAX_HISTORY", 4)
    for name in ("a", "b"):
        registry.register(make(name))
    for name in ("a", "b") * 5:
        registry.activate(name)
    assert json.loads((registry.folder / ACTIVE_FILE).read_text()) == {"genre": ["a", "b", "a", "b"]}


@pytest.mark.parametrize("name", ["none", "", ".", "..", "../models", "gtzan-musicnn-1/", "a\0b"])
def test_a_name_that_is_none_lists_those_that_there_are(registry, make, name):
    registry.register(make("mine"))
    for act in (registry.get, registry.path, registry.activate):
        with pytest.raises(UnknownModel, match=f"{SHIPPED_ACTIVE['gate']}, {SHIPPED}, mine"):
            act(name)
    assert not (registry.folder / ACTIVE_FILE).exists()


def test_a_shipped_model_is_never_hidden_by_a_user_s_of_the_same_name(registry, make):
    make(SHIPPED, value=9.0, inside=registry.folder)  # put there by hand
    assert registry.active().path == PRETRAINED_DIR / SHIPPED
    assert [entry.path.parent for entry in registry.list() if entry.name == SHIPPED] == [PRETRAINED_DIR]


def test_the_name_of_a_shipped_model_is_taken(registry, make):
    with pytest.raises(ModelError, match=f"'{SHIPPED}' exists already with other weights: give it a new name"):
        registry.register(make(SHIPPED, value=9.0))
    assert not (registry.folder / SHIPPED).exists()


def test_a_model_may_be_registered_twice_but_not_replaced(registry, make):
    first = registry.register(make("mine", value=1.0))
    assert registry.register(make("mine", value=1.0)) == first
    with pytest.raises(ModelError, match="exists already with other weights"):
        registry.register(make("mine", value=2.0))
    assert registry.get("mine") == first
    check_weights(first.path, first.card)


def test_only_the_files_of_a_model_are_copied(registry, make):
    folder = make("mine")
    (folder / "README.md").write_text("what it is")
    (folder / "train.py").write_text("raise SystemExit")
    (folder / "more").mkdir()
    registry.register(folder)
    assert {path.name for path in (registry.folder / "mine").iterdir()} == {CARD_FILE, WEIGHTS_FILE, "README.md"}
    assert (registry.folder / "mine" / "README.md").read_text() == "what it is"


def test_a_changed_byte_of_the_weights_is_told_with_both_hashes(registry, make):
    registry.register(make("a"))
    registry.register(make("b"))
    registry.activate("a")
    registry.activate("b")
    expected = registry.get("a").card["weights"]["sha256"]
    change_a_byte(registry.folder / "a")
    for act in (lambda: registry.activate("a"), registry.rollback):
        with pytest.raises(IntegrityError, match=rf"{WEIGHTS_FILE}: sha256 [0-9a-f]{{64}}, the card says {expected}"):
            act()
        assert active(registry) == "b"


def _without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _linked(name: str) -> Callable[[Path], None]:
    def link(folder: Path) -> None:
        elsewhere = folder.parent / "elsewhere"
        elsewhere.touch()
        if (folder / name).exists():
            (folder / name).replace(elsewhere)
        (folder / name).symlink_to(elsewhere)

    return link


def _renamed_on_its_card(folder: Path) -> None:
    card = json.loads((folder / CARD_FILE).read_text())
    (folder / CARD_FILE).write_text(json.dumps(card | {"name": "../mine"}))


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (_without(CARD_FILE), ModelError, "no model card can be read"),
        (_without(WEIGHTS_FILE), IntegrityError, "cannot be read"),
        (change_a_byte, IntegrityError, "the card says"),
        (_renamed_on_its_card, ModelError, r"'\.\./mine' is no name of a model"),
        (_linked(CARD_FILE), ModelError, "card.json: a link"),
        (_linked(WEIGHTS_FILE), ModelError, "weights.npz: a link"),
        (_linked("README.md"), ModelError, "README.md: a link"),
        (lambda folder: (folder / "README.md").write_bytes(bytes(5000)), ModelError, "README.md: larger than 4000"),
    ],
)
def test_what_is_no_sound_model_is_refused_and_nothing_stays(registry, make, monkeypatch, spoil, error, words):
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 4000)
    folder = make("mine")
    spoil(folder)
    with pytest.raises(error, match=words):
        registry.register(folder)
    assert not registry.folder.exists() or {path.name for path in registry.folder.iterdir()} <= {".lock"}


def test_a_link_to_a_model_is_refused(registry, make, tmp_path):
    (tmp_path / "link").symlink_to(make("mine"))
    with pytest.raises(ModelError, match="link: a link"):
        registry.register(tmp_path / "link")


def test_folders_of_the_user_that_are_no_models_are_passed_over(registry, make):
    registry.register(make("mine"))
    (registry.folder / "empty").mkdir()
    (registry.folder / "notes.txt").write_text("card.json")
    for name in (".hidden", "Upper", "a..b"):
        make("other", inside=registry.folder).rename(registry.folder / name)
    assert [entry.name for entry in registry.list()] == [SHIPPED_ACTIVE["gate"], SHIPPED, "mine"]


@pytest.mark.parametrize("card", ["", "{", "[]", '{"name": "mine"}'])
def test_a_card_that_cannot_be_read_costs_its_own_model_only(registry, make, card):
    registry.register(make("mine"))
    (registry.folder / "mine" / CARD_FILE).write_text(card)
    assert active(registry) == SHIPPED
    assert [entry.name for entry in registry.list()] == [SHIPPED_ACTIVE["gate"], SHIPPED]
    with pytest.raises(ModelError, match=CARD_FILE):
        registry.get("mine")


STOPPED = """
import os, shutil, sys
from pathlib import Path
from models.registry import ModelRegistry

def stopping(move):
    def moved(path, target):
        if Path(target).name == sys.argv[3]:
            os._exit(9)
        return move(path, target)
    return moved

Path.replace, Path.rename, shutil.copyfile = map(stopping, (Path.replace, Path.rename, shutil.copyfile))
registry = ModelRegistry(Path(sys.argv[1]))
registry.register(Path(sys.argv[2]))
registry.activate("mine")
"""


def _stop_at(file: str, registry: ModelRegistry, folder: Path) -> None:
    """Register and activate a model in a process that ends, as if killed, when `file` should come to its place."""
    done = subprocess.run([sys.executable, "-c", STOPPED, registry.folder, folder, file], check=False, timeout=60)
    assert done.returncode == 9


@pytest.mark.parametrize("file", [WEIGHTS_FILE, CARD_FILE, "mine"])
def test_a_process_that_is_killed_while_it_registers_leaves_no_half_model(registry, make, file):
    _stop_at(file, registry, make("mine"))
    assert [entry.name for entry in registry.list()] == [SHIPPED_ACTIVE["gate"], SHIPPED]
    assert registry.register(make("other")).name == "other"  # and the lock is free


@pytest.mark.parametrize("file", [WEIGHTS_FILE, CARD_FILE, "mine"])
def test_a_model_whose_registration_was_killed_can_be_registered_again(registry, make, file):
    _stop_at(file, registry, make("mine"))
    entry = registry.register(make("mine"))
    check_weights(entry.path, entry.card)
    assert sorted(path.name for path in registry.folder.iterdir()) == [".lock", "mine"]  # nothing is left behind


def test_what_is_in_the_way_is_named_and_stays(registry, make):
    (registry.folder / "mine").mkdir(parents=True)
    (registry.folder / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(ModelError, match=r"mine: is in the way .*; remove it and try again"):
        registry.register(make("mine"))
    assert (registry.folder / "mine" / "notes.txt").read_text() == "mine"


def test_a_process_that_is_killed_while_it_activates_leaves_the_old_choice(registry, make):
    registry.register(make("first"))
    registry.activate("first")
    _stop_at(ACTIVE_FILE, registry, make("mine"))
    assert active(registry) == "first"
    assert registry.activate("mine").active


def test_a_full_disk_leaves_the_old_choice_and_no_half_model(registry, make, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    registry.register(make("first"))
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            registry.activate("first")
        patch.setattr(module.shutil, "copyfile", full)
        with pytest.raises(OSError, match="No space"):
            registry.register(make("mine"))
    assert active(registry) == SHIPPED
    assert [path.name for path in registry.folder.iterdir() if path.is_dir()] == ["first"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b'["gtzan-musicnn-1"]',
        b'{"genre": "gtzan-musicnn-1"}',
        b'{"genre": [1]}',
        b'{"genre": ["\xff"]}',
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_a_broken_choice_names_the_way_out(registry, make, content):
    registry.register(make("mine"))
    (registry.folder / ACTIVE_FILE).write_bytes(content)
    for act in (registry.list, registry.active, registry.rollback, lambda: registry.activate("mine")):
        with pytest.raises(ModelError, match=rf"{ACTIVE_FILE}: .*; remove it to use the shipped models"):
            act()
    assert (registry.folder / ACTIVE_FILE).read_bytes() == content
    (registry.folder / ACTIVE_FILE).unlink()
    assert active(registry) == SHIPPED


def _activate_in_turn(folder: Path, names: tuple[str, str], times: int) -> None:
    for n in range(times):
        ModelRegistry(folder).activate(names[n % 2])


def test_processes_that_activate_at_once_lose_no_choice_and_leave_a_valid_file(registry, make):
    times = 15
    pairs = (("a", "b"), ("c", "d"))
    for name in "abcd":
        registry.register(make(name))
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_activate_in_turn, args=(registry.folder, pair, times)) for pair in pairs]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        assert active(registry) in {SHIPPED, *"abcd"}  # whoever looks meanwhile sees a whole file
    assert [process.exitcode for process in processes] == [0, 0]
    history = json.loads((registry.folder / ACTIVE_FILE).read_text())["genre"]
    assert history[0] == SHIPPED
    for pair in pairs:
        assert [name for name in history if name in pair] == [pair[n % 2] for n in range(times)]
    assert {path.name for path in registry.folder.iterdir()} == {"a", "b", "c", "d", ".lock", ACTIVE_FILE}
