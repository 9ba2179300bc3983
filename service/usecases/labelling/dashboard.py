"""How a project stands: who did how much, how they agree, how good the model is and what more labels would bring."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models.agreement import agreement
from service.storage.labels import LabelInForce
from service.storage.pages import iso
from service.storage.projects import Project
from service.usecases.labelling.answers import answers

if TYPE_CHECKING:
    from service.services import Services

SUSPICIOUS_SHOWN = 50
NOT_YET: dict[str, Any] = {
    "points": [],
    "gain": None,
    "advice": {"stop": False, "text": "Nothing was learned yet: label on."},
}


def dashboard(project: Project, *, services: "Services") -> dict[str, Any]:
    """The JSON object of the HTTP contract."""
    versions = services.versions.list(project.id)
    report = services.versions.report(project.id, versions[0].version) if versions else {}
    job = services.jobs.latest_of_project(project.id)
    labels = services.labels.in_force(project.id)
    return {
        "annotators": _annotators(project, services),
        "classes": _classes(project, labels, services),
        "agreement": _agreement(labels),
        "curve": report.get("curve", NOT_YET),
        "confusion": report.get("confusion", {"genres": [], "matrix": []}),
        "suspicious": _suspicious(project, labels, report, services),
        "versions": [version.to_dict() for version in versions],
        "job": None if job is None else job.to_dict(),
    }


def _annotators(project: Project, services: "Services") -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "labels": each.labels,
            "skips": each.skips,
            "flags": each.flags,
            "last_at": iso(each.last_at),
            "median_s": each.median_s,
        }
        for each in services.labels.annotators(project.id)
    ]


def _classes(project: Project, labels: Sequence[LabelInForce], services: "Services") -> list[dict[str, Any]]:
    """Labels by genre, and what the active version takes the items for."""
    given = Counter(genre for label in labels for genre in label.genres)
    predictions = map(project.shares_of, services.labels.predictions(project.id).values())
    predicted = Counter(max(shares, key=shares.__getitem__) for shares in predictions if shares)
    return [
        {"genre": genre.name, "labels": given[genre.id], "predicted": predicted[genre.name]} for genre in project.genres
    ]


def _agreement(labels: Sequence[LabelInForce]) -> dict[str, Any]:
    measured = agreement(answers(labels))
    return {
        "items": measured.items,
        "cohen": [{"a": pair.a, "b": pair.b, "n": pair.n, "kappa": pair.kappa} for pair in measured.cohen],
        "fleiss": measured.fleiss,
        "krippendorff": measured.krippendorff,
    }


def _suspicious(
    project: Project, labels: Sequence[LabelInForce], report: dict[str, Any], services: "Services"
) -> list[dict[str, Any]]:
    """Labels of the latest training that are likely wrong, as long as they still say so."""
    names = {genre.id: genre.name for genre in project.genres}
    said: dict[str, set[str]] = {}
    for label in labels:
        said.setdefault(label.item_id, set()).update(names.get(genre, "") for genre in label.genres)
    found = [each for each in report.get("suspicious", []) if each["label"] in said.get(each["item"], ())]
    found = found[:SUSPICIOUS_SHOWN]
    items = services.projects.items_of(project.id, [each["item"] for each in found])
    return [
        {
            "item": each["item"],
            "track": items[each["item"]].track_id,
            "filename": items[each["item"]].filename,
            "label": each["label"],
            "likely": each["likely"],
            "quality": round(each["quality"], 4),
        }
        for each in found
    ]
