"""What is written comes back, whatever it is; the formats say what they do not keep."""

import string
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.labels import WRITABLE, read_labels, write_labels
from datasets.labels.record import LabelRecord

# Characters that separate, quote or mark something in one format or another come often.
AWKWARD = "=+-@'\";,\t\n/\\|#&<>%{}[]() .$é😀\u200d"
NAMES = st.text(
    st.one_of(
        st.sampled_from([each for each in AWKWARD if each not in "\t\n"]),
        st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufffe\uffff"),
    ),
    min_size=1,
    max_size=12,
).filter(lambda name: name == name.strip())
NOTES = st.text(
    st.one_of(
        st.sampled_from(AWKWARD),
        st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufffe\uffff"),
    ),
    max_size=30,
)
PATHS = st.text(
    st.one_of(st.sampled_from(AWKWARD + "\r\x01"), st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    max_size=20,
)
PROBABILITIES = st.dictionaries(NAMES, st.floats(0, 1), min_size=1, max_size=4)
PREDICTIONS = st.one_of(
    st.just({}), st.fixed_dictionaries({"probabilities": PROBABILITIES, "model": st.one_of(st.just(""), NAMES)})
)
WORDS = st.fixed_dictionaries(
    {
        "annotator": st.one_of(st.just(""), NAMES),
        "unsure": st.booleans(),
        "note": NOTES,
        "at": st.one_of(st.none(), st.datetimes(timezones=st.just(UTC))),
        "version": st.one_of(st.none(), st.integers(1, 10_000)),
    }
)
ANSWERS = st.one_of(
    st.fixed_dictionaries({"genres": st.lists(NAMES, min_size=1, max_size=3, unique=True).map(tuple)}),
    st.fixed_dictionaries({"none": st.just(True)}),
    st.fixed_dictionaries({"flag": st.sampled_from(["broken", "several_genres"])}),
    st.fixed_dictionaries({"flag": st.just("several_genres"), "genres": st.just(("fado", "morna"))}),
)


@st.composite
def recordings(draw: st.DrawFn) -> list[LabelRecord]:
    """Records of some recordings, each with one prediction and either labels or none."""
    records = []
    for number in range(draw(st.integers(0, 3))):
        recording = {
            "filename": draw(PATHS) or "a.mp3",
            "path": draw(PATHS),
            "track": draw(st.one_of(st.just(""), NAMES)) + str(number),
            "sha256": draw(st.one_of(st.just(""), st.text(string.hexdigits[:16], min_size=64, max_size=64))),
            "duration_s": draw(st.one_of(st.none(), st.floats(0.01, 1e5))),
        } | draw(PREDICTIONS)
        said = draw(st.lists(st.tuples(ANSWERS, WORDS), max_size=3))
        records += [LabelRecord(**recording, **answer, **words) for answer, words in said] or [LabelRecord(**recording)]
    return records


@pytest.mark.parametrize("format", WRITABLE)
@settings(max_examples=60, deadline=None)
@given(records=recordings(), project=NOTES, genres=st.lists(NAMES, max_size=3))
def test_all_that_a_label_says_comes_back(format, records, project, genres):
    # A folder without recordings is no folder of JAMS files.
    records = records or [LabelRecord(filename="a.mp3")]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "labels"
        write_labels(records, path, format, project=project, genres=genres)
        assert read_labels(path, format) == records


@pytest.mark.parametrize("format", WRITABLE)
def test_the_same_labels_are_the_same_bytes_in_a_stream_and_a_file(format, tmp_path):
    records = [LabelRecord(path="a/b.mp3", genres=("fado",), at=datetime(2026, 5, 1, tzinfo=UTC))]
    suffix = ".zip" if format == "jams" else ""
    with open(tmp_path / "stream", "w+b") as stream:
        write_labels(records, stream, format, project="p")
        assert not stream.closed
    write_labels(records, tmp_path / f"file{suffix}", format, project="p")
    assert (tmp_path / f"file{suffix}").read_bytes() == (tmp_path / "stream").read_bytes()
    assert {each.name for each in tmp_path.iterdir()} == {"stream", f"file{suffix}"}  # no draft is left


@pytest.mark.parametrize("format", ["jams", "label-studio"])
def test_what_comes_by_recording_loses_order_records_without_labels_and_older_predictions(format, tmp_path):
    fado, nothing = LabelRecord(track="a", genres=("fado",)), LabelRecord(track="a")
    other = LabelRecord(track="b", none=True)
    late = LabelRecord(track="a", genres=("morna",), probabilities={"fado": 0.5}, model="m-2")
    write_labels([fado, other, nothing, late], tmp_path / "labels", format)
    found = read_labels(tmp_path / "labels", format)
    assert [record.genres for record in found] == [("fado",), ("morna",), ()]
    assert [record.model for record in found] == ["m-2", "m-2", ""]
