import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

GENRELAB = (sys.executable, "-m", "service.cli")


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    y = np.random.default_rng(0).uniform(-0.3, 0.3, 16000 * 7)
    soundfile.write(folder / "seven.wav", y, 16000)
    soundfile.write(folder / "one.flac", y[:16000], 16000)
    (folder / "text.mp3").write_text("no music")
    return folder


def run(*arguments, **environment):
    return subprocess.run(
        [*GENRELAB, "embed", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=os.environ | environment,
    )


def test_arrays_of_what_succeeds_and_reasons_for_the_rest(music, tmp_path, backbone_weights):
    done = run(music, "--out", tmp_path / "out.npz")
    assert done.returncode == 3, done.stderr
    assert "one.flac" in done.stderr
    assert "3.0 s or more" in done.stderr
    assert "text.mp3" in done.stderr
    assert "3 recordings: 2 failed, 1 written" in done.stderr
    with np.load(tmp_path / "out.npz", allow_pickle=False) as arrays:
        shapes = {name: arrays[name].shape for name in arrays}
    assert shapes == {"seven.wav/taggram": (2, 50), "seven.wav/embedding": (2, 200), "seven.wav/times": (2,)}


def test_missing_weights_name_the_command(music, tmp_path):
    done = run(music, "--out", tmp_path / "out.npz", GENRELAB_BACKBONE_DIR=str(tmp_path / "none"))
    assert done.returncode == 1
    assert "make setup" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.npz").exists()


def test_a_folder_that_is_missing_is_said_plainly(music, tmp_path, backbone_weights):
    done = run(music, "--out", tmp_path / "none" / "out.npz")
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr
