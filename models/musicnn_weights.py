"""The pretrained weights of the backbones: taken out of the musicnn wheel once, hash-checked at every load.

The wheel (musicnn 0.1.0, ISC licence) holds four TensorFlow 1 checkpoints. Its code runs on no current TensorFlow
and is never imported: the checkpoints are read as data and written to one npz file per backbone, with the
variables under their original names (``conv2d/kernel``) and shapes, without the optimiser's.

    python -m models.musicnn_weights --wheel musicnn-0.1.0-py3-none-any.whl
"""

import argparse
import hashlib
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from features.npz import DamagedArchive, read_npz
from models.errors import BackboneMissing, IntegrityError, ModelError, UnknownModel
from models.paths import backbone_dir

WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
CONTENT_SHA256 = {  # of the variables, see `content_hash`
    "MSD_musicnn": "33a7eb5030bba9a5401660a5c87acd379bc26d16635c2f4fd876f4596fa4f9d3",
    "MTT_musicnn": "ed94a9910e829a6efe52cf6f3a29a4596d02dbda138c692fa7485d18d081fa3e",
    "MSD_vgg": "54022f38f395e6aac804c30e91f8ea82fe62023de1df4c86a30d59c37e62fda1",
    "MTT_vgg": "55d25af488dfcc740067f6ac8801ab2c657e4041bc904f8151ccd991a870ddb2",
}
BACKBONES = ("MSD_musicnn", "MTT_musicnn", "MSD_vgg", "MTT_vgg")
_CHECKPOINT_FILES = (".index", ".data-00000-of-00001")  # the prefix of these checkpoints is the empty name


def load_weights(name: str) -> dict[str, np.ndarray]:
    """Variables of one pretrained backbone, by their name in the original checkpoint.

    Parameters
    ----------
    name : str
        One of `BACKBONES`.

    Returns
    -------
    dict[str, np.ndarray]
        float32 arrays. Kernels are (time, mel band, in, out) for convolutions and (in, out) for dense layers.

    Raises
    ------
    UnknownModel
        If there is no backbone of that name.
    BackboneMissing
        If set-up has not converted the weights yet.
    IntegrityError
        If the file does not hold the published weights.
    """
    if name not in BACKBONES:
        raise UnknownModel(f"no backbone {name!r}, there are {', '.join(BACKBONES)}")
    path = backbone_dir() / f"{name}.npz"
    if not path.is_file():
        raise BackboneMissing(f"no backbone weights at {path}: run `make setup`")
    weights = _read(path)
    if content_hash(weights) != CONTENT_SHA256[name]:
        raise IntegrityError(f"{path} does not hold the published weights of {name}: delete it, run `make setup`")
    return weights


def convert(wheel: Path, folder: Path) -> list[Path]:
    """Write the weights of each backbone in `wheel` to an npz file in `folder`, where it is not there already.

    Parameters
    ----------
    wheel : Path
        ``musicnn-0.1.0-py3-none-any.whl`` as published.
    folder : Path
        Created if need be. Files that already hold the right weights are left alone, others are replaced.

    Returns
    -------
    list[Path]
        The files that were written.

    Raises
    ------
    IntegrityError
        If the wheel is not the published one.
    """
    missing = [name for name in BACKBONES if not _is_converted(folder / f"{name}.npz", name)]
    if not missing:
        return []
    if not wheel.is_file():
        raise BackboneMissing(f"no wheel at {wheel}: fetch it with `pip download --no-deps musicnn==0.1.0`")
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WHEEL_SHA256:
        raise IntegrityError(f"{wheel} has SHA-256 {found}, the published musicnn 0.1.0 has {WHEEL_SHA256}")
    folder.mkdir(parents=True, exist_ok=True)
    return [_convert_one(wheel, name, folder / f"{name}.npz") for name in missing]


def content_hash(weights: dict[str, np.ndarray]) -> str:
    """SHA-256 over names, shapes and little-endian float32 values, independent of how a file stores them."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(f"{name}{weights[name].shape}\n".encode())
        digest.update(np.ascontiguousarray(weights[name], dtype="<f4").tobytes())
    return digest.hexdigest()


def _convert_one(wheel: Path, name: str, path: Path) -> Path:
    weights = _read_checkpoint(wheel, name)
    if content_hash(weights) != CONTENT_SHA256[name]:
        raise IntegrityError(f"{name} read from {wheel} differs from the weights that this version knows")
    # Written beside its place and moved there, so that a reader never sees half a file.
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        try:
            np.savez(part, allow_pickle=False, **weights)
            part.close()
            os.replace(part.name, path)
        except BaseException:
            os.unlink(part.name)
            raise
    return path


def _read_checkpoint(wheel: Path, name: str) -> dict[str, np.ndarray]:
    from models.tensorflow_runtime import tf

    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        for file in _CHECKPOINT_FILES:
            archive.extract(f"musicnn/{name}/{file}", folder)
        reader = tf.compat.v1.train.NewCheckpointReader(f"{folder}/musicnn/{name}/")
        names = [n for n in reader.get_variable_to_shape_map() if "Adam" not in n and not n.endswith("_power")]
        return {n: reader.get_tensor(n) for n in names}


def _is_converted(path: Path, name: str) -> bool:
    return content_hash(_read(path)) == CONTENT_SHA256[name]


def _read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an archive; none where it is missing or damaged."""
    try:
        return read_npz(path)
    except (OSError, DamagedArchive):
        return {}


def main() -> None:
    """Convert the wheel's weights into this user's data folder; at once where that is done already."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--wheel", type=Path, required=True, help="musicnn-0.1.0-py3-none-any.whl")
    parser.add_argument("--folder", type=Path, default=None, help="default: this user's data folder")
    arguments = parser.parse_args()
    folder = arguments.folder or backbone_dir()
    try:
        written = convert(arguments.wheel, folder)
    except ModelError as error:
        parser.exit(1, f"{error}\n")
    print(f"{folder}: {len(written)} backbones converted, {len(BACKBONES) - len(written)} there already")


if __name__ == "__main__":
    main()
