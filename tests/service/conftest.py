"""An application with a stand-in engine: everything real but the listening."""

import io
import itertools
import shutil
import wave
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import pytest

from tests.support.databases import database, database_url  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def fresh_data(tmp_path_factory):
    """A data folder with an empty database that is up to date: copying it is faster than migrating in every test."""
    from service.services import Services
    from service.settings import Settings
    from tests.support.stand_in import StandInEngine

    folder = tmp_path_factory.mktemp("fresh") / "data"
    Services.from_settings(Settings(data_dir=folder), engine=StandInEngine()).close()
    return folder


@pytest.fixture
def make_parts(tmp_settings, fresh_data):
    """Build services with stand-ins; keyword arguments change the settings."""
    with ExitStack() as made:
        yield partial(_parts, tmp_settings, fresh_data, made)


@pytest.fixture(scope="module")
def make_shared_parts(tmp_path_factory, fresh_data):
    """As `make_parts`, for all tests of a file."""
    from service.settings import Settings

    with ExitStack() as made:
        yield partial(_parts, Settings(data_dir=tmp_path_factory.mktemp("shared") / "data"), fresh_data, made)


def _parts(settings, fresh_data, made, **changes):
    from service.services import Services
    from tests.support.stand_in import StandInEngine
    from tests.support.stand_in_generation import stand_in_generation

    settings = settings.model_copy(update=changes)
    if not settings.data_dir.exists():
        shutil.copytree(fresh_data, settings.data_dir)
    parts = Services.from_settings(settings, engine=StandInEngine(), generation=stand_in_generation())
    made.callback(parts.close)
    return parts


@pytest.fixture
def parts(make_parts):
    return make_parts()


@pytest.fixture
def make_app(make_parts):
    """Build an application; keyword arguments change the settings."""
    from service.app import create_app

    def make(**changes):
        app = create_app(services=make_parts(**changes))
        app.config["PROPAGATE_EXCEPTIONS"] = False
        return app

    return make


@pytest.fixture
def app(parts):
    from service.app import create_app

    return create_app(services=parts)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def tone() -> Callable[..., bytes]:
    """Bytes of a WAV file with a quiet square wave."""

    def make(seconds: float = 1.0, *, sr: int = 8000, seed: int = 0) -> bytes:
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(sr)
            half = 20 + seed
            period = b"\x00\x08" * half + b"\x00\xf8" * half
            n_bytes = 2 * round(seconds * sr)
            writer.writeframes((period * (n_bytes // len(period) + 1))[:n_bytes])
        return file.getvalue()

    return make


@pytest.fixture
def upload(tone):
    """Send a recording to a test client; keyword arguments go to `open`."""

    def send(client, content: bytes | None = None, name: str = "song.wav", path: str = "/v1/classifications", **kwargs):
        body = {"file": (io.BytesIO(tone() if content is None else content), name)}
        return client.post(path, data=body, content_type="multipart/form-data", **kwargs)

    return send


@pytest.fixture
def make_token():
    """Make a token with a role and give its secret."""

    numbers = itertools.count()

    def make(parts, role: str, name: str | None = None) -> str:
        _, secret = parts.tokens.create(name or f"somebody {next(numbers)}", role)
        return secret

    return make
