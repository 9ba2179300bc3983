"""Settings from files, nested as their dataclasses are; what does not fit is named."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from models.errors import ModelError
from models.setting_ranges import check_ranges
from models.settings_file import read_fields, settings_of


@dataclass(frozen=True)
class Inner:
    size: int = 3
    steps: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        check_ranges(self, size=(1, 10))


@dataclass(frozen=True)
class Outer:
    name: str = "x"
    inner: Inner = field(default_factory=Inner)


def test_json_and_toml_say_the_same(tmp_path):
    (tmp_path / "a.json").write_text('{"name": "y", "inner": {"size": 4, "steps": [1, 2]}}')
    (tmp_path / "a.toml").write_text('name = "y"\n[inner]\nsize = 4\nsteps = [1, 2]\n')
    for path in (tmp_path / "a.json", tmp_path / "a.toml"):
        assert settings_of(Outer, read_fields(path), where="a") == Outer("y", Inner(4, (1, 2)))


def test_what_is_left_out_has_its_default():
    assert settings_of(Outer, {}, where="a") == Outer()
    assert settings_of(Outer, {"inner": {"size": 5}}, where="a").inner == Inner(5)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([], "a: expected an object with settings, got list"),
        ({"nam": 1}, "a: unknown settings nam, expected name, inner"),
        ({"inner": 3}, "a, inner: expected an object with settings, got int"),
        ({"inner": {"sise": 3}}, "a, inner: unknown settings sise"),
        ({"inner": {"size": 11}}, "a, inner: size=11: expected a whole number from 1 to 10"),
    ],
)
def test_what_does_not_fit_is_named(fields, words):
    with pytest.raises(ModelError, match=words):
        settings_of(Outer, fields, where="a")


def test_a_field_without_default_that_is_missing_is_named():
    @dataclass(frozen=True)
    class Needs:
        data: str

    with pytest.raises(ModelError, match=r"a: .*data"):
        settings_of(Needs, {}, where="a")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000], ids=["cut", "no text", "deep"])
def test_a_file_that_holds_no_settings_is_named(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"a\.json: no settings can be read"):
        read_fields(path)


def test_a_file_that_is_missing_is_named():
    with pytest.raises(ModelError, match="no settings can be read there"):
        read_fields(Path("missing.toml"))
