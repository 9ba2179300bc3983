"""A project's model as an ML backend of Label Studio: it answers for tasks that are recordings of the project's pool.

Nothing is fetched: a task names a recording by the `genrelab_…` fields that an export of the project has, or by the
file name in the address of its audio.

References
----------
"Write your own ML backend", https://labelstud.io/guide/ml_create
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from datasets.errors import DatasetError
from datasets.labels.label_studio import predictions_for, records_of
from datasets.labels.labelling_config import choices_control
from datasets.labels.record import LabelRecord
from service.storage.known_recordings import predictions_of
from service.storage.projects import Project
from service.usecases.labelling.training import model_name

if TYPE_CHECKING:
    from service.services import Services


def model_version(project: Project) -> str:
    """What Label Studio calls the version that answers."""
    return f"{model_name(project)}-{'untrained' if project.version is None else f'v{project.version}'}"


def set_up(project: Project, config: str) -> str:
    """The version that will answer, where a labelling configuration asks for genres. Raises DatasetError."""
    choices_control(config)
    return model_version(project)


def predict(
    project: Project, tasks: Sequence[Mapping[str, Any]], config: str, *, services: "Services"
) -> dict[str, Any]:
    """Answer for tasks.

    Parameters
    ----------
    project : Project
        Whose model answers.
    tasks : sequence of mapping
        Not trusted.
    config : str
        Labelling configuration of the tasks, XML, not trusted.
    services : Services
        Where the project is.

    Returns
    -------
    dict
        `results`, one for each task in their order, empty where nothing is known of it; `model_version`.

    Raises
    ------
    DatasetError
        If the configuration asks for no genres.
    """
    control = choices_control(config)
    recordings = [_recording(task, control.data_key) for task in tasks]
    named = [recording for recording in recordings if recording is not None]
    known = iter(predictions_of(services.database, project.id, named))
    answers = [None if recording is None else project.shares_of(next(known)) for recording in recordings]
    version = model_version(project)
    return {"results": predictions_for(tasks, answers, version, control=control), "model_version": version}


def _recording(task: Mapping[str, Any], data_key: str) -> LabelRecord | None:
    """The recording of a task, or None where it names none."""
    try:
        return records_of([{"data": task.get("data")}], data_key=data_key)[0]
    except DatasetError:
        return None
