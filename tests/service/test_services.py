import pytest

from models.registry import ModelRegistry
from service.engine import Engine
from service.errors import ConfigurationError
from service.job_queue import JobQueue
from service.services import Services
from service.storage.database import Database
from tests.support.stand_in import StandInEngine


def test_everything_is_made_from_the_settings(tmp_settings):
    services = Services.from_settings(tmp_settings)
    assert services.database.is_reachable()
    assert isinstance(services.engine, Engine)
    assert not services.engine.ready  # nothing slow was loaded
    assert isinstance(services.models, ModelRegistry)
    services.close()
    assert {path.name for path in tmp_settings.data_dir.iterdir()} >= {"genrelab.db", "blobs", "queue.db"}


def test_services_are_closed_even_where_one_refuses(tmp_settings, monkeypatch):
    closed = []

    def refuse(self):
        raise OSError("no")

    monkeypatch.setattr(Database, "close", lambda self: closed.append(self))
    monkeypatch.setattr(JobQueue, "close", refuse)
    services = Services.from_settings(tmp_settings, engine=StandInEngine())
    with pytest.raises(OSError, match="no"):
        services.close()
    assert closed == [services.database]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"data_dir": "/proc/nosuch"}, "data folder /proc/nosuch cannot be made"),
        ({"data_dir": "/dev/null/x"}, "cannot be made"),
        ({"database_url": "mysql://a"}, "GENRELAB_DATABASE_URL"),
        ({"blob_url": "nosuch://a"}, "GENRELAB_BLOB_URL"),
        ({"queue_url": "amqp://a"}, "GENRELAB_QUEUE_URL"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_settings, changes, says):
    settings = type(tmp_settings)(**{"data_dir": tmp_settings.data_dir, **changes})
    with pytest.raises(ConfigurationError, match=says):
        Services.from_settings(settings, engine=StandInEngine())
