import json
import math

import jams
import pytest

from datasets.errors import DatasetError
from datasets.readers.jams_files import read_jams


def jam(*tags, artist="", sandbox=None, identifiers=None) -> str:
    """A JAMS file as the library writes it; tags are (namespace, value, confidence)."""
    made = jams.JAMS()
    made.file_metadata.duration = 30.0
    made.file_metadata.artist = artist
    made.sandbox.update(**sandbox or {})
    made.file_metadata.identifiers.update(**identifiers or {})
    for namespace, value, confidence in tags:
        annotation = jams.Annotation(namespace)
        annotation.append(time=0, duration=30, value=value, confidence=confidence)
        made.annotations.append(annotation)
    return made.dumps()


def only(put, text: str, *clips: str):
    (recording,) = read_jams(put(*clips, **{"a/song.jams": text}))
    return recording


def test_label_and_artist_come_from_the_file_and_the_recording_lies_beside_it(put, tmp_path):
    text = jam(("beat", 1, None), ("tag_open", "rock", 0.5), artist="The Examples")
    recording = only(put, text, "a/song.flac", "a/other.wav")
    assert (recording.path, recording.label, recording.artist) == (tmp_path / "a/song.flac", "rock", "The Examples")
    assert recording.details == {"namespace": "tag_open"}


@pytest.mark.parametrize(
    ("tags", "label"),
    [
        ([("tag_open", "rock", 0.2), ("tag_open", "jazz", 0.9), ("tag_open", "pop", 0.5)], "jazz"),
        ([("tag_open", "rock", None), ("tag_open", "jazz", 0.1), ("tag_open", "pop", math.nan)], "jazz"),
        ([("tag_open", "rock", None), ("tag_open", "jazz", None)], "rock"),
        ([("tag_cal500", "Genre-Rock", 1.0), ("tag_open", "loud", 1.0), ("tag_gtzan", "hiphop", 0.1)], "hiphop"),
        ([("tag_msd_tagtraum_cd1", "Rock", 1.0), ("tag_cal10k", "jazz", 0.1)], "jazz"),
    ],
)
def test_the_surest_tag_of_the_first_namespace_is_the_label(put, tags, label):
    assert only(put, jam(*tags), "a/song.wav").label == label


@pytest.mark.parametrize(
    ("notes", "named"),
    [
        ({"sandbox": {"path": "audio/x.wav"}}, "audio/x.wav"),  # relative to the folder of the corpus
        ({"sandbox": {"audio_path": "sub/x.wav"}}, "a/sub/x.wav"),  # relative to the JAMS file
        ({"identifiers": {"filename": "x.wav"}}, "a/x.wav"),
        ({"sandbox": {"path": "gone.wav"}}, "a/song.wav"),
        ({"sandbox": {"path": 3}, "identifiers": {"path": ""}}, "a/song.wav"),
    ],
)
def test_the_recording_is_the_one_that_the_file_names_or_its_neighbour(put, tmp_path, notes, named):
    assert only(put, jam(("tag_open", "rock", 1.0), **notes), named).path == tmp_path / named


def test_the_name_of_a_recording_may_be_in_that_of_its_file(put, tmp_path):
    folder = put("blues.00000.wav", **{"blues.00000.wav.jams": jam(("tag_gtzan", "blues", 1.0))})
    assert [each.path for each in read_jams(folder)] == [folder / "blues.00000.wav"]


def test_files_without_tags_are_unlabelled_among_others(put):
    folder = put("a.wav", "b.wav", **{"a.jams": jam(("tag_open", "rock", 1.0)), "b.jams": jam()})
    assert [each.label for each in read_jams(folder)] == ["rock", ""]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        "",
        "null",
        '{"annotations": 3}',
        '{"annotations": [3]}',
        '{"annotations": [{"namespace": "tag_open", "data": [{"time": 0}]}]}',
        '{"file_metadata": []}',
        '{"strange": 1}',
        "[" * 100_000,
        '{"annotations": [{"namespace": "tag_open", "data": [{"time": 1'
        + "0" * 400
        + ', "duration": 1, "value": "x", "confidence": 1}]}]}',
    ],
)
def test_what_is_no_jams_is_refused_by_name(put, text):
    with pytest.raises(DatasetError, match=r"song\.jams: no JAMS file"):
        only(put, text, "a/song.wav")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"file_metadata": {"artist": ["Ann"]}}, "artist of file_metadata is no text"),
        ({"annotations": [{"namespace": "tag_open", "data": [(7, 1.0)]}]}, "tag_open with 7, expected a text"),
        ({"annotations": [{"namespace": "tag_open", "data": [("x", "much")]}]}, "tag_open with 'x', expected a text"),
    ],
)
def test_values_of_a_wrong_type_are_refused_by_name(put, change, words):
    for annotation in change.get("annotations", []):
        annotation["data"] = [{"time": 0, "duration": 1, "value": v, "confidence": c} for v, c in annotation["data"]]
    with pytest.raises(DatasetError, match=words):
        only(put, json.dumps(change), "a/song.wav")


def test_a_file_may_not_name_a_recording_outside_the_folder(put):
    folder = put("corpus/song.wav", "secret.wav", **{"corpus/song.jams": jam(sandbox={"path": "../secret.wav"})})
    with pytest.raises(DatasetError, match=r"song\.jams: path \.\./secret\.wav leaves .*corpus"):
        read_jams(folder / "corpus")
