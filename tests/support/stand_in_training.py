"""A training that takes no time: a model of one array, and a report of made-up answers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from datasets.readers import read_corpus
from models.evaluation.report import report
from models.evaluation.training_report import DataSummary, TrainingReport
from models.model_folder import save_model
from models.train_classifier import Progress, Settings


@dataclass
class StandInTraining:
    """Says "a" of everything; `calls` counts, `error` is raised half-way where there is one."""

    error: BaseException | None = None
    weight: float = 1.0
    calls: list[Settings] = field(default_factory=list)

    def __call__(
        self, settings: Settings, *, jobs: int, progress: Progress, problems: Sequence[str] = ()
    ) -> TrainingReport:
        self.calls.append(settings)
        recordings = [each for folder in settings.data for each in read_corpus(folder, settings.layout)]
        genres = tuple(sorted({each.label for each in recordings}))
        progress("hearing 1 of 2 recordings", 0.5)
        if self.error is not None:
            raise self.error
        labels = np.array([genres.index(each.label) for each in recordings])
        probabilities = np.tile([0.9, *[0.1 / (len(genres) - 1)] * (len(genres) - 1)], (len(labels), 1))
        figures = report(
            probabilities,
            labels,
            genres=genres,
            member_of_set=probabilities > 0.5,
            abstained=np.zeros(len(labels), dtype=bool),
        )
        card = {"name": settings.name, "version": "1", "kind": "genre", "created": "2026-01-01"}
        card |= {"genres": list(genres), "settings": asdict(settings.committee)}
        save_model(settings.out, card, {"weight": np.array(self.weight)})
        counts = {genre: {"train": sum(each.label == genre for each in recordings)} for genre in genres}
        finished = TrainingReport(
            name=settings.name,
            created="2026-01-01",
            genres=genres,
            settings={},
            data=DataSummary(n_recordings=counts, problems=tuple(problems)),
            figures=figures,
        )
        finished.write(settings.out)
        return finished
