from typing import NamedTuple

import pytest

from datasets.labels.record import LabelRecord
from service.storage.known_recordings import KnownRecordings


class Item(NamedTuple):
    track_id: str | None
    sha256: str
    filename: str


FIRST = Item("T1", "a" * 64, "song.wav")
SAME_CONTENT = Item("T2", "a" * 64, "copy.wav")
SAME_NAME = Item("T3", "b" * 64, "song.wav")
DELETED = Item(None, "c" * 64, "gone.wav")


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (LabelRecord(track="T3", filename="copy.wav"), SAME_NAME),
        (LabelRecord(sha256="a" * 64, filename="gone.wav"), FIRST),
        (LabelRecord(track="T9", filename="copy.wav"), SAME_CONTENT),
        (LabelRecord(filename="gone.wav"), DELETED),
        (LabelRecord(filename="song.wav"), None),
        (LabelRecord(filename="other.wav"), None),
    ],
)
def test_a_track_then_the_content_then_a_name_that_only_one_has(record, found):
    assert KnownRecordings([FIRST, SAME_CONTENT, SAME_NAME, DELETED]).find(record) == found
