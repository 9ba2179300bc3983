"""The fixture `database`: an empty, migrated one, on SQLite and where it can be started on PostgreSQL."""

import pytest

from service.storage.database import Database
from tests.support.postgres import new_database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request, tmp_path):
    return f"sqlite:///{tmp_path / 'test.db'}" if request.param == "sqlite" else new_database()


@pytest.fixture
def database(database_url):
    database = Database(database_url)
    database.migrate()
    yield database
    database.close()
