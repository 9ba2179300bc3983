import csv
import json
from datetime import UTC, datetime

import pytest
from label_studio_sdk.converter import Converter
from label_studio_sdk.label_interface import LabelInterface

from datasets.errors import DatasetError
from datasets.labels.label_studio import predictions_for, read, records_of, write
from datasets.labels.labelling_config import choices_control, labelling_config
from datasets.labels.record import LabelRecord

GENRES = ["fado", "morna", "baião"]
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RECORDS = [
    LabelRecord(
        path="a.mp3",
        track="01A",
        annotator="ana",
        genres=("fado",),
        at=NOON,
        probabilities={"fado": 0.75, "morna": 0.25},
        model="niche-3",
    ),
    LabelRecord(
        path="a.mp3",
        track="01A",
        annotator="bob",
        genres=("fado", "morna"),
        unsure=True,
        note="or?",
        at=NOON,
        probabilities={"fado": 0.75, "morna": 0.25},
        model="niche-3",
    ),
    LabelRecord(path="b.mp3", annotator="ana", none=True),
    LabelRecord(path="b.mp3", annotator="bob", genres=("baião",), at=NOON),
    LabelRecord(path="c.mp3", annotator="ana", flag="broken"),
    LabelRecord(path="d.mp3"),
]


@pytest.fixture
def exported(tmp_path):
    path = tmp_path / "in" / "tasks.json"
    write(RECORDS, path, project="niche", genres=GENRES)
    return path


def test_label_studio_finds_tasks_annotations_and_predictions_valid(exported):
    interface = LabelInterface(labelling_config(GENRES, multi_label=True))
    tasks = json.loads(exported.read_text())
    assert len(tasks) == 4
    for task in tasks:
        assert interface.validate_task({"data": task["data"]})
        assert all(interface.validate_annotation(annotation) for annotation in task["annotations"])
        assert all(interface.validate_prediction(prediction) for prediction in task["predictions"])
    assert not interface.validate_annotation({"result": [tasks[0]["annotations"][0]["result"][0] | {"from_name": "x"}]})
    (prediction,) = tasks[0]["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("niche-3", 0.75)
    assert prediction["result"][0]["value"] == {"choices": ["fado"]}


def test_label_studios_own_converter_gives_our_labels_as_a_table(exported, tmp_path):
    converter = Converter(labelling_config(GENRES, multi_label=True), str(tmp_path), download_resources=False)
    converter.convert(str(exported), str(tmp_path / "out"), "CSV", is_dir=False)
    with open(tmp_path / "out/result.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    said = [(row["filename"], row["genre"], row["genrelab_certainty"], row["genrelab_flag"]) for row in rows]
    assert sorted(said) == [
        ("a.mp3", "fado", "", ""),
        ("a.mp3", '{"choices":["fado","morna"]}', "unsure", ""),
        ("b.mp3", "baião", "", ""),
        ("b.mp3", "none of these", "", ""),
        ("c.mp3", "", "", "broken"),
        ("d.mp3", "", "", ""),
    ]


def test_label_studios_own_flat_form_comes_back_without_who_and_when(exported, tmp_path):
    converter = Converter(labelling_config(GENRES, multi_label=True), str(tmp_path), download_resources=False)
    converter.convert(str(exported), str(tmp_path / "out"), "JSON_MIN", is_dir=False)
    found = read(tmp_path / "out/result.json")
    kept = ("filename", "path", "track", "genres", "none", "unsure", "flag", "note")

    def of(records):
        return sorted(tuple(getattr(record, name) for name in kept) for record in records)

    assert of(found) == of(RECORDS)


def result(choices, name="genre", **value) -> dict:
    return {
        "id": "x1",
        "from_name": name,
        "to_name": "audio",
        "type": "choices",
        "value": {"choices": choices} | value,
        "origin": "manual",
    }


def annotated(*results, **fields) -> dict:
    return {"id": 7, "result": list(results), "was_cancelled": False, "lead_time": 3.1} | fields


def task(*annotations, audio="/data/upload/3/1a2b3c4d-a_b.mp3", **fields) -> dict:
    return {"id": 1, "data": {"audio": audio}, "annotations": list(annotations), "predictions": []} | fields


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (task(annotated(result(["fado"]), completed_by=4)), {"genres": ("fado",), "annotator": "4"}),
        (
            task(
                annotated(
                    result(["fado", "morna"]),
                    completed_by={"id": 4, "email": "ana@x.pt"},
                    created_at="2026-05-01T12:00:00Z",
                )
            ),
            {"genres": ("fado", "morna"), "annotator": "ana@x.pt", "at": NOON},
        ),
        (task(annotated(result(["None of these"]))), {"none": True}),
        (task(annotated(result(["fado"], name="style"))), {"genres": ("fado",)}),
        (task(annotated(result(["fado"]), result(["loud"], name="parts", start=0, end=1))), {"genres": ("fado",)}),
        (task(annotated(result(["fado"]), was_cancelled=True)), {}),
        (task(annotated()), {}),
        (task(), {}),
        (
            {"id": 1, "data": {"audio": "upload/1a2b3c4d-a_b.mp3"}, "completions": [annotated(result(["fado"]))]},
            {"genres": ("fado",)},
        ),
        (
            {"data": {"audio": "upload/1a2b3c4d-a_b.mp3"}, "completions": [annotated(result(["fado"]), skipped=True)]},
            {},
        ),
        (
            task(predictions=[{"model_version": 3, "score": 0.5, "result": [result(["fado"])]}]),
            {"probabilities": {"fado": 0.5}, "model": "3"},
        ),
        (task(predictions=[{"model_version": "m", "score": 7, "result": [result(["fado"])]}]), {}),
        (task(predictions=[{"model_version": "m", "result": []}]), {}),
    ],
)
def test_exports_of_label_studio_are_understood(given, expected):
    assert records_of([given]) == [LabelRecord(filename="a_b.mp3", **expected)]
    assert records_of(given) == records_of([given])


@pytest.mark.parametrize(
    ("genre", "expected"),
    [
        ("fado", ("fado",)),
        ({"choices": ["fado", "morna"]}, ("fado", "morna")),
        (["fado", {"choices": ["morna", "baião"]}], ("fado", "morna", "baião")),
        ([{"choices": ["loud"], "start": 0, "end": 1}, "fado"], ("fado",)),
    ],
)
def test_flat_exports_are_understood(genre, expected):
    flat = {"id": 1, "audio": "a.mp3", "genre": genre, "annotator": 4, "annotation_id": 7, "lead_time": 3.1}
    record = LabelRecord(path="a.mp3", genres=expected, annotator="4", at=NOON)
    assert records_of([flat | {"created_at": "2026-05-01T12:00:00Z"}]) == [record]


def test_flat_exports_need_a_control_that_can_be_told():
    flat = {"audio": "a.mp3", "style": "fado", "annotation_id": 7}
    with pytest.raises(DatasetError, match=r"no choices among the keys .*audio, style.*name the control"):
        records_of([flat])
    assert records_of([flat], control="style")[0].genres == ("fado",)
    assert records_of([{"audio": "a.mp3", "annotation_id": None}]) == [LabelRecord(path="a.mp3")]


def test_what_somebody_changed_in_label_studio_is_theirs(exported):
    tasks = json.loads(exported.read_text())
    for annotation in tasks[0]["annotations"]:
        annotation["completed_by"] = {"email": "eva@x.pt"}
    tasks[0]["annotations"][1]["result"][0]["value"]["choices"] = ["morna"]
    kept, changed = records_of(tasks)[:2]
    assert (kept.annotator, kept.genres) == ("ana", ("fado",))
    assert (changed.annotator, changed.genres) == ("eva@x.pt", ("morna",))


@pytest.mark.parametrize(
    ("audio", "path", "filename"),
    [
        ("/data/upload/3/1a2b3c4d-name.mp3", "", "name.mp3"),
        ("/data/upload/1a2b3c4d-a-b.mp3", "", "a-b.mp3"),
        ("http://localhost:8080/data/upload/3/1a2b3c4d-a%20b.mp3", "", "a b.mp3"),
        ("upload/3/1a2b3c4d-name.mp3", "", "name.mp3"),
        ("/data/upload/3/name.mp3", "/data/upload/3/name.mp3", "name.mp3"),
        ("/data/local-files/?d=music/a%20b.mp3", "music/a b.mp3", "a b.mp3"),
        ("http://localhost:8080/data/local-files/?d=music/name.mp3", "music/name.mp3", "name.mp3"),
        (r"/data/local-files/?d=music\name.mp3", r"music\name.mp3", "name.mp3"),
        ("https://x.pt/clips/a%20b.mp3?token=secret#t", "", "a b.mp3"),
        ("s3://bucket/a%20b.mp3", "s3://bucket/a%20b.mp3", "a%20b.mp3"),
        ("file:///music/a%20b.mp3", "/music/a b.mp3", "a b.mp3"),
        ("music/a%20b?.mp3", "music/a%20b?.mp3", "a%20b?.mp3"),
        (r"C:\music\a.mp3", r"C:\music\a.mp3", "a.mp3"),
    ],
)
def test_names_of_recordings_are_told_from_what_label_studio_plays(audio, path, filename):
    assert records_of([task(audio=audio)]) == [LabelRecord(path=path, filename=filename)]


def test_the_recording_may_have_another_key():
    assert records_of([{"data": {"url": "x/a.mp3", "title": "A"}}]) == [LabelRecord(path="x/a.mp3")]
    data = {"url": "x/a.mp3", "cover": "x/b.mp3"}
    assert records_of([{"data": data}], data_key="url") == [LabelRecord(path="x/a.mp3")]
    with pytest.raises(DatasetError, match=r"task 1: no recording among the data .*url, cover"):
        records_of([{"data": data}])


def test_what_label_studio_plays_can_be_chosen(tmp_path):
    write(RECORDS[:1], tmp_path / "t.json", audio_of=lambda record: f"http://localhost/tracks/{record.track}")
    assert json.loads((tmp_path / "t.json").read_text())[0]["data"]["audio"] == "http://localhost/tracks/01A"
    assert read(tmp_path / "t.json") == RECORDS[:1]


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        (3, "no list of tasks"),
        ([3], "no list of tasks"),
        ([task(), {"data": 3}], "task 2: data 3, expected an object"),
        ([{"data": {"audio": 3}}], "task 1: no recording among the data"),
        ([task(audio="http://[x/a.mp3")], "task 1: 'http://.* expected a path or URL"),
        ([task(audio="/data/local-files/?d=%00")], "task 1: .*without zero bytes"),
        ([task() | {"annotations": {}}], "task 1: annotations {}, expected a list of objects"),
        ([task(annotated(result(["a"]) | {"value": []}))], r"task 1: value \[\], expected an object"),
        ([task(annotated(result("a" * 300)))], "task 1: genre .*at most 200"),
        ([task(annotated(result([3])))], r"task 1: \[3\], expected names of choices"),
        ([task(annotated(result(["a"]), completed_by=[3]))], r"completed_by \[3\], expected a number or an e-mail"),
        ([task(annotated(result(["a"]), created_at=3))], "at 3, expected a time"),
        ([task(annotated(result(["a"]), result(["b", "c"], name="genrelab_flag")))], "flags .* expected one"),
        ([task(annotated(result(["a"]), result(["b"], name="genrelab_flag")))], "flag 'b', expected broken"),
        ([task(annotated(result(["a", "none of these"])))], "one or the other"),
        (
            [task(annotated(result(["a"])), annotated(result(["b"], name="mood")))],
            "several Choices controls .'genre, mood'",
        ),
        ([task(annotated({"type": "rating", "from_name": "r", "value": {"rating": 3}}))], "no choices .* 'rating'"),
        ([{"audio": "a.mp3", "genre": "a", "x": {"choices": ["b"]}}], "several Choices controls .'genre, x'"),
        (
            [task(predictions=[{"result": [result(["a"]) | {"meta": {"genrelab": {"probabilities": 3}}}]}])],
            "probabilities by genre",
        ),
    ],
)
def test_what_is_no_export_is_refused_by_task(tasks, words):
    with pytest.raises(DatasetError, match=words):
        records_of(tasks)


@pytest.mark.parametrize(
    ("text", "words"), [("{", r"t\.json: no JSON"), ("[" * 100_000, "no JSON"), ("[3]", r"t\.json: no list")]
)
def test_what_is_no_json_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(DatasetError, match=words):
        read(tmp_path / "t.json")


def test_one_of_several_controls_may_be_named():
    tasks = [task(annotated(result(["a"]), result(["b"], name="mood")))]
    assert records_of(tasks, control="mood")[0].genres == ("b",)
    with pytest.raises(DatasetError, match="no Choices control 'x', expected one of 'genre, mood'"):
        records_of(tasks, control="x")


def test_a_genre_called_as_none_of_them_cannot_be_written(tmp_path):
    with pytest.raises(DatasetError, match="'None of these', which stands for no genre"):
        write([LabelRecord(track="t", genres=("None of these",))], tmp_path / "t.json")


CONFIG = """<View><Audio name="clip" value="$url"/>
  <Choices name="style" toName="clip" choice="CHOICE"><Choice value="Fado"/><Choice value="morna"/></Choices></View>"""


@pytest.mark.parametrize(
    ("choice", "answer", "score", "choices"),
    [
        ("single", {"fado": 0.25, "morna": 0.5}, 0.5, ["morna"]),
        ("multiple", {"fado": 0.5, "morna": 0.5, "rock": 0.9}, 0.5, ["Fado", "morna"]),
        ("multiple", {"fado": 0.25, "morna": 0.125}, 0.25, ["Fado"]),
        ("single", {"rock": 1.0}, 0.0, None),
        ("single", None, 0.0, None),
    ],
)
def test_label_studio_finds_the_answers_of_a_model_valid(choice, answer, score, choices):
    config = CONFIG.replace("CHOICE", choice)
    (prediction,) = predictions_for([{"id": 1}], [answer], "niche-3", control=choices_control(config))
    assert LabelInterface(config).validate_prediction(prediction, return_errors=True) == []
    assert (prediction["model_version"], prediction["score"]) == ("niche-3", score)
    assert [each["value"]["choices"] for each in prediction["result"]] == ([choices] if choices else [])
    assert {(each["from_name"], each["to_name"]) for each in prediction["result"]} <= {("style", "clip")}


def test_each_task_needs_an_answer():
    with pytest.raises(DatasetError, match="1 answers, expected 2"):
        predictions_for([{}, {}], [None], "m", control=choices_control(CONFIG))
