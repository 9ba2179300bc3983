"""Settings come from the environment, each from the variable of its name, and a bad one is told by that name."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.cli.options import load_settings
from service.errors import ConfigurationError
from service.settings import Settings

CHOSEN = {
    "data_dir": ("/srv/genrelab", Path("/srv/genrelab")),
    "host": ("::1", "::1"),
    "port": ("8080", 8080),
    "workers": ("3", 3),
    "threads": ("4", 4),
    "prefix": ("/a/b-c.d", "/a/b-c.d"),
    "proxy_hops": ("2", 2),
    "trusted_hosts": ('["music.example", "b.example"]', ("music.example", "b.example")),
    "database_url": ("postgresql://db/genrelab", "postgresql://db/genrelab"),
    "blob_url": ("s3://bucket/blobs", "s3://bucket/blobs"),
    "queue_url": ("redis://queue", "redis://queue"),
    "cache_max_mb": ("0", 0),
    "max_upload_mb": ("20", 20),
    "max_duration_s": ("90.5", 90.5),
    "sync_max_duration_s": ("0", 0.0),
    "decode_workers": ("8", 8),
    "decode_memory_mb": ("768", 768),
    "decode_timeout_s": ("0.5", 0.5),
    "clip_max_duration_s": ("60", 60.0),
    "clip_max_takes": ("2", 2),
    "clip_max_waiting": ("4", 4),
    "clip_days": ("0", 0),
    "rate_limit": ("10/second", "10/second"),
    "upload_rate_limit": ("1/hour", "1/hour"),
    "log_level": ("DEBUG", "DEBUG"),
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in os.environ:
        if name.startswith("GENRELAB_") and name != "GENRELAB_DATA_DIR":
            monkeypatch.delenv(name)


def variable(name: str) -> str:
    return f"GENRELAB_{name.upper()}"


def test_each_setting_is_the_variable_of_its_name(monkeypatch):
    assert set(CHOSEN) == set(Settings.model_fields)
    for name, (text, value) in CHOSEN.items():
        with monkeypatch.context() as patch:
            patch.setenv(variable(name), text)
            chosen = Settings()
        changed = {other for other in CHOSEN if getattr(chosen, other) != getattr(Settings(), other)}
        assert (getattr(chosen, name), changed) == (value, {name})


def test_what_is_given_directly_comes_before_the_environment(monkeypatch):
    monkeypatch.setenv("GENRELAB_PORT", "8080")
    assert Settings(port=9000).port == 9000
    assert load_settings(port=9000, host=None).port == 9000
    assert load_settings(port=None).port == 8080


def test_variables_of_others_are_left_alone(monkeypatch):
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("GENRELAB_COLOUR", "red")
    assert Settings().port == 8000


def test_settings_do_not_change_under_way():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1


def test_without_addresses_everything_lies_in_the_data_folder(tmp_path):
    settings = Settings(data_dir=tmp_path)
    assert settings.resolved_database_url == f"sqlite:///{tmp_path}/genrelab.db"
    assert settings.resolved_blob_url == f"file://{tmp_path}/blobs"
    elsewhere = Settings(data_dir=tmp_path, database_url="postgresql://db/x", blob_url="memory://")
    assert (elsewhere.resolved_database_url, elsewhere.resolved_blob_url) == ("postgresql://db/x", "memory://")


def test_host_names_stand_between_commas_or_in_a_list(monkeypatch):
    for text in ("music.example, .b.example,", '["music.example", ".b.example"]'):
        monkeypatch.setenv("GENRELAB_TRUSTED_HOSTS", text)
        assert Settings().trusted_hosts == ("music.example", ".b.example")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("port", "http", "valid integer"),
        ("port", "65536", "less than or equal to 65535"),
        ("port", "-1", "greater than or equal to 0"),
        ("workers", "0", "greater than or equal to 1"),
        ("threads", "257", "less than or equal to 256"),
        ("prefix", "genrelab", "pattern"),
        ("prefix", "/genrelab/", "pattern"),
        ("prefix", "/a//b", "pattern"),
        ("prefix", "/a b", "pattern"),
        ("prefix", "https://example", "pattern"),
        ("proxy_hops", "9", "less than or equal to 8"),
        ("trusted_hosts", '{"music.example": 1}', "valid tuple"),
        ("cache_max_mb", "-1", "greater than or equal to 0"),
        ("max_upload_mb", "0", "greater than or equal to 1"),
        ("max_duration_s", "0", "greater than 0"),
        ("max_duration_s", "nan", "greater than 0"),
        ("sync_max_duration_s", "-1", "greater than or equal to 0"),
        ("decode_workers", "0", "greater than or equal to 1"),
        ("decode_memory_mb", "767", "greater than or equal to 768"),
        ("decode_timeout_s", "0", "greater than 0"),
        ("clip_max_duration_s", "301", "less than or equal to 300"),
        ("clip_max_takes", "17", "less than or equal to 16"),
        ("clip_max_waiting", "0", "greater than or equal to 1"),
        ("clip_days", "-1", "greater than or equal to 0"),
        ("trusted_hosts", '["music.example"', "Expecting ',' delimiter"),
        ("log_level", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("rate_limit", "often", "couldn't parse rate limit string 'often'"),
        ("upload_rate_limit", "often", "couldn't parse rate limit string 'often'"),
    ],
)
def test_a_bad_value_is_told_with_the_name_of_its_variable(monkeypatch, name, text, words):
    monkeypatch.setenv(variable(name), text)
    with pytest.raises(ConfigurationError, match=rf"{name}=.* \({variable(name)}\): .*{words}"):
        load_settings()
