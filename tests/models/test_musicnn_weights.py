"""Weights are read only when they are the published ones, and conversion leaves no half-written file."""

import zipfile

import numpy as np
import pytest

from models import musicnn_weights
from models.errors import BackboneMissing, IntegrityError, UnknownModel
from models.musicnn_weights import BACKBONES, content_hash, convert, load_weights, main


@pytest.fixture
def backbone_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GENRELAB_BACKBONE_DIR", str(tmp_path))
    return tmp_path


def test_unknown_backbone():
    with pytest.raises(UnknownModel, match="MSD_musicnn, MTT_musicnn"):
        load_weights("MSD_resnet")


def test_missing_weights_say_what_to_run(backbone_folder):
    with pytest.raises(BackboneMissing, match="make setup"):
        load_weights("MSD_musicnn")


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_damaged_weights(content, backbone_folder):
    (backbone_folder / "MSD_musicnn.npz").write_bytes(content)
    with pytest.raises(IntegrityError, match="delete it"):
        load_weights("MSD_musicnn")


def test_other_weights_are_refused(backbone_folder, rng):
    np.savez(backbone_folder / "MSD_musicnn.npz", **{"dense/kernel": rng.random((2, 2), dtype=np.float32)})
    with pytest.raises(IntegrityError, match="published"):
        load_weights("MSD_musicnn")


def test_pickled_weights_are_refused(backbone_folder):
    np.savez(backbone_folder / "MSD_musicnn.npz", weights=np.array([{"a": 1}], dtype=object))
    with pytest.raises(IntegrityError):
        load_weights("MSD_musicnn")


def test_one_changed_bit_changes_the_hash(rng):
    weights = {"a": rng.random(3, dtype=np.float32), "b": rng.random((2, 2), dtype=np.float32)}
    changed = weights | {"a": np.nextafter(weights["a"], np.float32(2))}
    assert content_hash(weights) == content_hash(dict(reversed(weights.items())))
    assert len({content_hash(weights), content_hash(changed), content_hash(weights | {"c": weights["a"]})}) == 3


def test_another_wheel_is_refused(tmp_path):
    wheel = tmp_path / "musicnn-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("musicnn/__init__.py", "")
    with pytest.raises(IntegrityError, match="SHA-256"):
        convert(wheel, tmp_path / "backbone")
    assert not (tmp_path / "backbone").exists()


def test_no_wheel_says_how_to_get_it(tmp_path):
    with pytest.raises(BackboneMissing, match="pip download"):
        convert(tmp_path / "absent.whl", tmp_path / "backbone")


def test_converted_weights_are_left_alone(backbone_weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["musicnn_weights", "--wheel", str(tmp_path / "absent.whl")])
    main()
    assert "0 backbones converted, 4 there already" in capsys.readouterr().out


def test_a_missing_wheel_is_one_line_of_complaint(tmp_path, monkeypatch, capsys):
    arguments = ["--wheel", str(tmp_path / "absent.whl"), "--folder", str(tmp_path / "backbone")]
    monkeypatch.setattr("sys.argv", ["musicnn_weights", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 1
    assert capsys.readouterr().err.splitlines()[0].startswith("no wheel at")


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch, rng):
    weights = {"a": rng.random(3, dtype=np.float32)}
    monkeypatch.setattr(musicnn_weights, "_read_checkpoint", lambda wheel, name: weights)
    monkeypatch.setattr(musicnn_weights, "CONTENT_SHA256", dict.fromkeys(BACKBONES, content_hash(weights)))

    def disk_full(file, **arrays):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", disk_full)
    with pytest.raises(OSError, match="No space"):
        musicnn_weights._convert_one(tmp_path / "wheel", "MSD_musicnn", tmp_path / "MSD_musicnn.npz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", BACKBONES)
def test_published_weights_load(name, backbone_weights):
    weights = load_weights(name)
    assert weights["batch_normalization/gamma"].shape == (1,)
    assert not [key for key in weights if "Adam" in key]
