import subprocess
import sys
from importlib import metadata

import pytest

from models.errors import BackboneMissing
from service.settings import Settings
from service.usecases import doctor
from service.usecases.doctor import examine


@pytest.fixture(autouse=True)
def _no_tensorflow(monkeypatch):
    """Starting TensorFlow takes seconds; one test does it."""
    monkeypatch.setattr(doctor, "_tensorflow", lambda: doctor.Check("tensorflow", "ok", ""))


def checks(settings: Settings) -> dict[str, doctor.Check]:
    return {check.name: check for check in examine(settings, player=settings.data_dir / "player.js")}


def test_what_is_well_says_so(tmp_settings):
    found = checks(tmp_settings)
    assert found["python"].detail.startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    for name in ("python", "processor", "data folder", "database", "decoders"):
        assert found[name].state == "ok", found[name]
    assert str(tmp_settings.data_dir) in found["data folder"].detail


def test_every_problem_names_a_way_out(tmp_settings):
    assert all(check.remedy for check in checks(tmp_settings).values() if check.state != "ok")


def test_a_package_out_of_range_is_named(tmp_settings, monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda name: ["numpy>=99", "no-such-package", "ray; extra == 'cluster'"])
    check = checks(tmp_settings)["packages"]
    assert check.state == "fail"
    assert check.detail == f"numpy {metadata.version('numpy')} is not >=99; no-such-package is missing"
    assert "make setup" in check.remedy


def test_a_data_folder_that_cannot_be_written_fails(tmp_path):
    (tmp_path / "file").write_text("")
    check = checks(Settings(data_dir=tmp_path / "file" / "data"))["data folder"]
    assert check.state == "fail"
    assert "GENRELAB_DATA_DIR" in check.remedy


@pytest.mark.parametrize(("free_gb", "state"), [(100, "ok"), (2, "warn"), (0.1, "fail")])
def test_little_space_is_told(tmp_settings, monkeypatch, free_gb, state):
    usage = type("Usage", (), {"free": int(free_gb * 2**30)})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage)
    assert checks(tmp_settings)["data folder"].state == state


@pytest.mark.parametrize("url", ["postgresql+psycopg://user:secret@127.0.0.1:1/none", "nonsense"])
def test_a_database_that_does_not_answer_fails_and_keeps_its_password(tmp_path, url):
    check = checks(Settings(data_dir=tmp_path, database_url=url))["database"]
    assert check.state == "fail"
    assert "secret" not in check.detail


def test_missing_weights_name_the_command(tmp_settings, monkeypatch):
    def missing(name):
        raise BackboneMissing(f"{name} is not here: run `make setup`")

    monkeypatch.setattr("models.musicnn_weights.load_weights", missing)
    check = checks(tmp_settings)["backbone"]
    assert check.state == "fail"
    assert "make setup" in check.detail + check.remedy


def test_without_the_player_the_page_works_all_the_same(tmp_settings):
    assert checks(tmp_settings)["page"].state == "warn"
    (tmp_settings.data_dir / "player.js").write_text("")
    assert checks(tmp_settings)["page"].state == "ok"


def test_a_missing_package_is_a_check_that_failed(tmp_settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    found = checks(tmp_settings)
    assert found["av"].state == "fail"
    assert found["page"]  # and the rest goes on


def test_little_memory_is_told(tmp_settings, monkeypatch):
    monkeypatch.setattr(doctor, "_first_line_of", lambda file, key: "1048576 kB" if key == "MemAvailable" else "")
    assert checks(tmp_settings)["memory"].state == "warn"


def test_a_processor_without_avx_cannot_run_the_network(tmp_settings, monkeypatch):
    lines = {"MemAvailable": "99999999 kB", "model name": "an old one", "flags": "fpu sse sse2"}
    monkeypatch.setattr(doctor, "_first_line_of", lambda file, key: lines[key])
    assert checks(tmp_settings)["processor"].state == "fail"


def test_kernels_that_somebody_chose_are_told(tmp_settings, monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    assert "OPENBLAS_CORETYPE" not in checks(tmp_settings)["processor"].detail
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert "computing as on Haswell (OPENBLAS_CORETYPE)" in checks(tmp_settings)["processor"].detail


@pytest.mark.parametrize(
    ("done", "state"),
    [
        (subprocess.CompletedProcess([], 0, "2.18.0\n", ""), "ok"),
        (subprocess.CompletedProcess([], -4, "", ""), "fail"),
        (subprocess.TimeoutExpired("python", 120), "fail"),
    ],
)
def test_tensorflow_is_tried_in_a_process_of_its_own(monkeypatch, done, state):
    monkeypatch.undo()

    def run(*_, **__):
        if isinstance(done, Exception):
            raise done
        return done

    monkeypatch.setattr(subprocess, "run", run)
    assert doctor._tensorflow().state == state
