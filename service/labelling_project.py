"""A labelling project of this machine for scripts and notebooks: what the page and the command line do, from Python."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from service.errors import Conflict
from service.services import Services
from service.settings import Settings
from service.storage.label_queue import Act, Answer, Lease
from service.storage.projects import Project, checked_name
from service.usecases.labelling import exchange, queue
from service.usecases.labelling.dashboard import dashboard
from service.usecases.labelling.learn_here import learn_here


class LabellingProject:
    """One annotator at work in one project; a context manager, made by `open`.

    `genrelab labels create` and `genrelab labels add` make the project and its pool.
    """

    def __init__(self, services: Services, project_id: str, annotator: str) -> None:
        self._services = services
        self._id = project_id
        self._annotator = annotator

    @classmethod
    def open(cls, name: str | None = None, *, annotator: str = "me", settings: Settings | None = None) -> Self:
        """Open a project.

        Parameters
        ----------
        name : str, optional
            Its name or id; where only one is open, it need not be named.
        annotator : str
            Who labels.
        settings : Settings, optional
            Where the data are; those of the environment by default.

        Raises
        ------
        ConfigurationError
            If the data cannot be used.
        Invalid
            If the annotator's name is none.
        NotFound
            If there is no such project.
        """
        services = Services.from_settings(settings or Settings())
        try:
            return cls(services, services.projects.get(name).id, checked_name(annotator, "annotator"))
        except BaseException:
            services.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def project(self) -> Project:
        """Name, settings and taxonomy as they are now."""
        return self._services.projects.get(self._id)

    def lease(self) -> Lease | None:
        """The next recording to label; None where there is none to be had now. Raises Conflict if it is closed."""
        found = queue.lease(self._id, self._annotator, services=self._services)
        return found if isinstance(found, Lease) else None

    def label(
        self, lease: Lease, *genres: str, none: bool = False, unsure: bool = False, note: str | None = None
    ) -> Act:
        """Say what genre a leased recording is; when this returns, it is on the disk.

        Raises
        ------
        Conflict
            If the lease was answered otherwise, or the project is closed.
        Invalid
            If the project has no such genre, or does not allow such an answer.
        """
        return self._answer(lease, Answer("label", genres=genres, none=none, unsure=unsure, note=note))

    def skip(self, lease: Lease, reason: str | None = None) -> Act:
        """Leave a leased recording to others. Raises Conflict if it was answered already."""
        return self._answer(lease, Answer("skip", reason=reason))

    def undo(self) -> Lease:
        """Take back this annotator's latest answer; its recording is leased again. Raises Conflict if there is none."""
        number = self._services.label_queue.latest_act(self._id, self._annotator)
        if number is None:
            raise Conflict(f"{self._annotator} has said nothing that could be undone.")
        return self._services.label_queue.undo(number, self._annotator)

    def train(self) -> dict[str, Any]:
        """Hear what is new, learn from the labels, and rank the queue: see `training.learn` for what is returned."""
        return learn_here(self.project, services=self._services)

    def stats(self) -> dict[str, Any]:
        """How the project stands: what `genrelab labels stats --json` prints."""
        project = self.project
        return {"queue": queue.stats(project, services=self._services), **dashboard(project, services=self._services)}

    def export_model(self, folder: Path, *, version: int | None = None, name: str | None = None) -> str:
        """Write a version of the model, the one that answers by default, as card and weights; returns its name.

        Raises
        ------
        Conflict
            If none was named and none answers.
        NotFound
            If there is no such version.
        """
        return exchange.save_version(self.project, version, Path(folder), name=name, services=self._services)

    def close(self) -> None:
        """Close what was opened; safe to call twice."""
        self._services.close()

    def _answer(self, lease: Lease, answer: Answer) -> Act:
        act, _, _ = self._services.label_queue.answer(lease.id, answer, self._annotator)
        return act
