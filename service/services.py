"""The parts of the service, put together once per process."""

from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any

from service.errors import ConfigurationError
from service.generation import Generation
from service.job_queue import JobQueue
from service.jobs import JobStore
from service.settings import Settings
from service.storage.blobs import BlobStore
from service.storage.clips import ClipStore
from service.storage.database import Database
from service.storage.features import FeatureStore
from service.storage.idempotency import IdempotencyStore
from service.storage.label_queue import QueueStore
from service.storage.labels import LabelStore
from service.storage.listening_tests import ListeningTestStore
from service.storage.project_versions import VersionStore
from service.storage.projects import ProjectStore
from service.storage.tokens import TokenStore
from service.storage.tracks import TrackStore

if TYPE_CHECKING:
    from models.registry import ModelRegistry


class Services:
    """What use cases work with.

    Attributes
    ----------
    settings : Settings
        What the operator set.
    database, blobs, tracks, clips, listening_tests, features, jobs, tokens, idempotency
        What outlives the process.
    projects, label_queue, labels, versions
        The same, of the labelling projects.
    engine : service.engine.Engine
        What listens; it loads at its first use.
    generation : service.generation.Generation
        What makes clips; it loads at its first use.
    """

    def __init__(self, settings: Settings, *, database: Database, engine: Any, generation: Generation) -> None:
        self.settings = settings
        self.database = database
        self.blobs = BlobStore(settings.resolved_blob_url, scratch=settings.data_dir)
        self.tracks = TrackStore(database)
        self.clips = ClipStore(database)
        self.listening_tests = ListeningTestStore(database)
        self.features = FeatureStore(database)
        self.projects = ProjectStore(database)
        self.label_queue = QueueStore(database)
        self.labels = LabelStore(database)
        self.versions = VersionStore(database)
        queue = JobQueue(settings.queue_url, folder=settings.data_dir)
        self.jobs = JobStore(database, queue)
        self.tokens = TokenStore(database)
        self.idempotency = IdempotencyStore(database)
        self.engine = engine
        self.generation = generation
        self._closing = ExitStack()
        for part in (database, queue, engine):
            self._closing.callback(part.close)

    @classmethod
    def from_settings(cls, settings: Settings, engine: Any = None, generation: Generation | None = None) -> "Services":
        """Open everything, and bring the database up to date.

        Parameters
        ----------
        settings : Settings
            Where things are.
        engine : Engine, optional
            Made from the settings by default; `close` closes it either way.
        generation : Generation, optional
            That of the shipped generator by default.

        Raises
        ------
        ConfigurationError
            If a folder, the database, the blob store or the queue cannot be used.
        """
        try:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"The data folder {settings.data_dir} cannot be made: {error.strerror}. "
                "Name another one in GENRELAB_DATA_DIR."
            ) from error
        database = Database(settings.resolved_database_url)
        database.migrate()
        if engine is None:
            from service.engine import Engine

            engine = Engine(settings)
        return cls(settings, database=database, engine=engine, generation=generation or Generation())

    @cached_property
    def models(self) -> "ModelRegistry":
        """The models of this machine."""
        from models.registry import ModelRegistry

        return ModelRegistry()

    def close(self) -> None:
        """End what belongs to this process: decoders, connections."""
        self._closing.close()
