"""The stores of labelling on SQLite and, where it can be started, on PostgreSQL."""

import pytest
from sqlalchemy import update

from service.storage.database import Database
from service.storage.labelling_tables import LeaseRow, ProjectRow
from service.storage.pages import utc_now
from tests.support.labelling import stores_of
from tests.support.postgres import new_database


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def shared_database(request, tmp_path_factory):
    """One for all tests of a file, for making it takes longer than most of them: projects are separate."""
    folder = tmp_path_factory.mktemp("database")
    database = Database(f"sqlite:///{folder / 'test.db'}" if request.param == "sqlite" else new_database())
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def parts(shared_database):
    yield stores_of(shared_database)
    with shared_database.writing() as session:
        session.execute(update(LeaseRow).where(LeaseRow.ended_at.is_(None)).values(ended_at=utc_now()))
        session.execute(update(ProjectRow).values(closed=True))
