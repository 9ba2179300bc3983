import signal
import subprocess
import sys
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text, update
from sqlalchemy.exc import StatementError

from service.errors import ConfigurationError, StorageFull, TooBusy
from service.storage.database import MIGRATIONS, REVISION, Database
from service.storage.tables import Base, TrackRow
from service.storage.tracks import TrackStore
from tests.support.library import add_track

MIGRATE = "import sys; from service.storage.database import Database; Database(sys.argv[1]).migrate()"
ADD_FOR_EVER = """
import sys
from service.storage.database import MIGRATIONS, REVISION, Database
from service.storage.tracks import TrackStore
from tests.support.library import add_track
tracks = TrackStore(Database(sys.argv[1]))
while True:
    print(add_track(tracks).id, flush=True)
"""
ADD_TWENTY = ADD_FOR_EVER.replace("while True", "for _ in range(20)")


def python(code, *arguments, **options):
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, **options)


def test_migrations_build_the_tables_that_the_code_expects(database):
    with database.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_last_migration_is_the_one_that_is_asked_for():
    folder = Config()
    folder.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(folder).get_current_head() == REVISION


def test_a_database_that_is_up_to_date_is_opened_without_alembic(database, database_url):
    asked = python(f"{MIGRATE}; print('alembic' in sys.modules)", database_url)
    assert asked.stdout.read() == "False\n"
    assert asked.wait() == 0


def test_migrating_again_changes_nothing(database):
    add_track(TrackStore(database))
    database.migrate()
    assert TrackStore(database).totals().tracks == 1


def test_processes_that_start_at_once_migrate_once(database_url):
    starting = [python(MIGRATE, database_url) for _ in range(4)]
    assert [process.wait() for process in starting] == [0, 0, 0, 0]
    database = Database(database_url)
    assert database.is_reachable()
    add_track(TrackStore(database))
    database.close()


def test_a_database_of_a_later_version_is_refused(database):
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match=r"later Genrelab .*9999"):
        database.migrate()


def test_a_migration_that_fails_half_way_has_changed_nothing(database_url):
    database = Database(database_url)
    with database.writing() as session:
        session.execute(text("CREATE TABLE waveforms (x INTEGER)"))  # in the way of the last table
    with pytest.raises(ConfigurationError, match="waveforms"):
        database.migrate()
    with database.reading() as session:
        assert inspect(session.connection()).get_table_names() == ["waveforms"]
    with database.writing() as session:
        session.execute(text("DROP TABLE waveforms"))
    database.migrate()
    database.close()


def test_a_body_that_raises_changes_nothing(database):
    tracks = TrackStore(database)
    track = add_track(tracks)

    def change_and_break():
        with database.writing() as session:
            session.execute(update(TrackRow).values(filename="changed"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_break()
    assert tracks.get(track.id).filename == track.filename


def test_numbers_that_json_does_not_know_are_refused(database):
    track = add_track(TrackStore(database))
    with pytest.raises((StatementError, ValueError), match="JSON"), database.writing() as session:
        session.get(TrackRow, track.id).problem = {"status": float("nan")}


def test_writers_in_threads_take_turns(database):
    track = add_track(TrackStore(database), size_bytes=0)

    def add_one():
        for _ in range(10):
            with database.writing() as session:
                row = session.get(TrackRow, track.id, with_for_update=True)
                row.size_bytes += 1

    threads = [threading.Thread(target=add_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert TrackStore(database).get(track.id).size_bytes == 80


def test_writers_in_processes_take_turns(database, database_url):
    writers = [python(ADD_TWENTY, database_url) for _ in range(3)]
    told = [line.strip() for writer in writers for line in writer.stdout]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert len(told) == 60
    assert TrackStore(database).known(told) == set(told)


def test_what_was_acknowledged_survives_kill_9(database, database_url):
    for kills in (5, 17):
        writer = python(ADD_FOR_EVER, database_url)
        told = [writer.stdout.readline().strip() for _ in range(kills)]
        writer.send_signal(signal.SIGKILL)
        told += [line.strip() for line in writer.stdout if line.endswith("\n")]
        writer.wait()
        assert TrackStore(database).known(told) == set(told)


def test_sqlite_waits_for_the_disk(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/a.db")
    database.migrate()
    with database.reading() as session:
        pragma = {name: session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")}
    assert pragma == {"journal_mode": "wal", "synchronous": 2}
    database.close()


def test_a_full_disk_is_named_and_nothing_stays(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/a.db")
    database.migrate()
    tracks = TrackStore(database)
    with database.reading() as session:
        session.execute(text(f"PRAGMA max_page_count = {session.scalar(text('PRAGMA page_count')) + 1}"))
    with pytest.raises(StorageFull, match="full"):
        add_track(tracks, filename="x" * 50_000)
    assert tracks.totals().tracks == 0
    database.close()


def test_a_busy_database_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("service.storage.database.BUSY_TIMEOUT_S", 0.05)
    database = Database(f"sqlite:///{tmp_path}/a.db")
    database.migrate()
    with database.writing(), pytest.raises(TooBusy, match="busy"):
        add_track(TrackStore(database))
    database.close()


def test_a_database_that_is_gone_is_named(tmp_path):
    database = Database(f"postgresql://nobody@/nothing?host={tmp_path}")
    assert not database.is_reachable()
    with pytest.raises(TooBusy, match="reached"):
        TrackStore(database).totals()


def test_a_database_that_answers_is_reachable(database):
    assert database.is_reachable()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("what", "expected postgresql://"),
        ("mysql://a/b", "'mysql' is neither"),
        ("nosuch+driver://a/b", "'nosuch' is neither"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:////proc/nosuch/a.db", "cannot be made"),
        ("sqlite:////dev/null", "cannot be"),
        ("postgresql://me:secret@/nothing?host=/nosuch", "cannot be used"),
    ],
)
def test_a_url_that_leads_nowhere_is_named_without_its_password(url, says):
    with pytest.raises(ConfigurationError, match=says) as refused:
        Database(url).migrate()
    assert "secret" not in str(refused.value)
