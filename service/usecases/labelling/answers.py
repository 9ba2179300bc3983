"""Labels of a project as a table of who said what, which agreement is measured on."""

from collections.abc import Iterable

from models.agreement import Answer, AnswerTable
from service.storage.labels import LabelInForce


def answers(labels: Iterable[LabelInForce]) -> AnswerTable:
    """Who said what of which item."""
    return AnswerTable.of(
        Answer(label.item_id, label.annotator, frozenset(label.genres), label.unsure) for label in labels
    )
