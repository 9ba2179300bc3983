"""`genrelab labels` with the engine that needs no weights; what is learned is learned for real."""

import json
import re
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.main import get_command
from typer.testing import CliRunner

from datasets.labels.labelling_config import choices_control
from models.registry import ModelRegistry
from service.cli.app import app
from service.services import Services
from service.settings import Settings
from tests.support.dances import GENRES, genre_of, write_dances
from tests.support.stand_in import StandInEngine

N = 6  # recordings of each genre


def run(*arguments, given: str | None = None):
    words = ["labels", *(str(word) for word in arguments)]
    return CliRunner().invoke(app, words, input=given, prog_name="genrelab")


def done(*arguments, given: str | None = None) -> str:
    result = run(*arguments, given=given)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def told(*arguments):
    return json.loads(done(*arguments, "--json"))


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    """A collection, not to be changed."""
    folder = tmp_path_factory.mktemp("music")
    write_dances(folder, N)
    return folder


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch):
    monkeypatch.setattr("service.engine.Engine", lambda settings, model=None: StandInEngine())
    monkeypatch.setattr("getpass.getuser", lambda: "ana")


@pytest.fixture
def empty(fresh_data) -> None:
    """A database without a project."""
    shutil.copytree(fresh_data, Settings().data_dir, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def filled(fresh_data, music, tmp_path_factory) -> Path:
    """Data of a project with a pool: copied into each test."""
    folder = tmp_path_factory.mktemp("filled") / "data"
    shutil.copytree(fresh_data, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.engine.Engine", lambda settings, model=None: StandInEngine())
        patch.setattr("getpass.getuser", lambda: "ana")
        patch.setenv("GENRELAB_DATA_DIR", str(folder))
        done("create", "dances", *(f"--genre={genre}" for genre in GENRES))
        done("add", "dances", music)
    return folder


@pytest.fixture
def dances(filled) -> str:
    """The project "dances": twelve items, nothing labelled."""
    shutil.copytree(filled, Settings().data_dir, dirs_exist_ok=True)
    return "dances"


@pytest.fixture
def services():
    opened = Services.from_settings(Settings(), engine=StandInEngine())
    yield opened
    opened.close()


def label_all(project: str, annotator: str = "ana") -> int:
    """Label with the genre in the name until there is nothing left; how many."""
    lease, labelled = told("next", project, "--annotator", annotator), 0
    while lease is not None:
        genre = genre_of(lease["track"]["filename"])
        lease = told("label", lease["id"], genre, "--annotator", annotator, "--next")["next"]
        labelled += 1
    return labelled


@pytest.mark.usefixtures("empty")
class TestProjects:
    def test_a_project_is_made_and_listed(self):
        printed = done("create", "My dances", "--genre", "fado", "--genre", "morna")
        assert printed.startswith("My dances  0 items (0 open, 0 labelled), 0 labels\n  genres: fado, morna\n")
        (project,) = told("projects")
        assert project["name"] == "My dances"
        assert [genre["name"] for genre in project["genres"]] == ["fado", "morna"]
        assert done("projects") == "My dances  0 items (0 open, 0 labelled), 0 labels\n"

    def test_every_setting_can_be_made_and_changed(self):
        made = told(
            *("create", "dances", "--genre", "fado", "--overlap", "2", "--multi-label", "--strategy", "margin"),
            *("--random-share", "0.5", "--lease-s", "60", "--show-suggestions", "--no-none", "--retrain-every", "25"),
        )
        wanted = {
            "overlap": 2,
            "multi_label": True,
            "strategy": "margin",
            "random_share": 0.5,
            "lease_s": 60.0,
            "suggestions": "shown",
            "none_of_these": False,
            "retrain_every": 25,
        }
        assert made["settings"] == wanted
        changed = told("change", "dances", "--one-label", "--hide-suggestions", "--none", "--strategy", "random")
        assert changed["settings"] == wanted | {
            "multi_label": False,
            "suggestions": "hidden",
            "none_of_these": True,
            "strategy": "random",
        }

    def test_a_project_is_renamed_closed_and_opened_again(self):
        done("create", "dances", "--genre", "fado")
        assert told("change", "dances", "--name", "old dances", "--close")["closed"] is True
        assert done("projects").endswith(", closed\n")
        refused = run("next", "old dances")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "closed" in refused.stderr
        assert told("change", "old dances", "--reopen")["closed"] is False

    def test_genres_are_added_renamed_and_merged(self):
        done("create", "dances", "--genre", "fado", "--genre", "morna")
        printed = done("genres", "dances", "--add", "funana", "--rename", "fado=Fado", "--merge", "morna=funana")
        assert printed == "  1  Fado\n  2  funana\n"
        assert [genre["name"] for genre in told("genres", "dances")] == ["Fado", "funana"]

    def test_the_configuration_of_label_studio(self):
        done("create", "dances", "--genre", "fado", "--genre", "morna", "--multi-label")
        printed = done("genres", "dances", "--label-studio")
        assert printed.startswith("<View>")
        control = choices_control(printed)
        assert (control.choices[:2], control.multiple) == (("fado", "morna"), True)

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (("create", "dances", "--genre", "fado", "--genre", "FADO"), 1, "comes twice"),
            (("create", "dances"), 2, "--genre"),
            (("create", "dances", "--genre", "fado", "--strategy", "clever"), 1, "'clever'"),
            (("create", "dances", "--genre", "fado", "--overlap", "9"), 1, "overlap"),
            (("change", "none of ours"), 1, "'none of ours'"),
            (("genres", "none of ours", "--rename", "fado"), 2, "--rename 'fado'"),
            (("add", "none of ours"), 2, "--library"),
            (("export", "none of ours", "--out", "labels.txt"), 2, "--format"),
            (("export", "none of ours", "--out", "labels.csv", "--name", "x"), 2, "--model"),
        ],
    )
    def test_what_cannot_be_done_is_said(self, arguments, code, message):
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (code, "")
        assert message in result.stderr


class TestPool:
    def test_files_are_taken_in_and_heard(self, dances, services):
        project = services.projects.get(dances)
        assert services.projects.counts(project.id).open == 2 * N
        assert services.features.missing(project.id, _backbone()) == []

    def test_a_recording_that_the_library_has_is_not_copied(self, dances, music, tmp_path, services):
        shutil.copy(music / "fado" / "fado-0.wav", tmp_path / "the same.wav")
        write_dances(tmp_path / "more", 1)
        (tmp_path / "more" / "fado" / "fado-0.wav").unlink()  # this one too is known
        added = told("add", dances, music, tmp_path / "the same.wav")
        assert (added["added"], added["copied"], added["learned"]) == (0, 0, None)
        assert services.tracks.totals().tracks == 2 * N

    def test_another_project_shares_the_recordings(self, dances, music, services):
        done("create", "others", "--genre", "old", "--genre", "new")
        assert told("add", "others", "--library")["added"] == 2 * N
        assert told("add", "others", music)["added"] == 0
        assert services.tracks.totals().tracks == 2 * N

    def test_what_cannot_be_used_is_listed_and_stops_nothing(self, empty, tmp_path, services):
        write_dances(tmp_path / "music", 1)
        (tmp_path / "music" / "broken.wav").write_bytes(b"RIFF and no more")
        done("create", "dances", "--genre", "fado", "--genre", "morna")
        result = run("add", "dances", tmp_path / "music", tmp_path / "missing.wav")
        assert result.exit_code == 3, result.stderr
        assert result.stdout.startswith("2 added (2 new in the library); dances has 2 items")
        complaints = [line for line in result.stderr.splitlines() if line.startswith("genrelab: ")]
        assert [f"{tmp_path / 'music' / 'broken.wav'}" in complaints[0], "missing.wav" in complaints[1]] == [True, True]
        assert len(complaints) == 2
        assert services.tracks.totals().tracks == 2

    def test_later_leaves_the_hearing_to_a_server(self, empty, music, services):
        done("create", "dances", "--genre", "fado", "--genre", "morna")
        assert told("add", "dances", music, "--later")["learned"] is None
        project = services.projects.get("dances")
        assert len(services.features.missing(project.id, _backbone())) == 2 * N
        assert services.jobs.latest_of_project(project.id).state == "queued"
        done("add", "dances", music)  # the same command without it does what is left
        assert services.features.missing(project.id, _backbone()) == []
        assert services.jobs.latest_of_project(project.id).state == "done"

    @pytest.mark.parametrize(("artist_from", "artists"), [("folder", set(GENRES)), ("none", {""}), ("tag", {""})])
    def test_artists(self, empty, music, services, artist_from, artists):
        done("create", "dances", "--genre", "fado")
        done("add", "dances", music, "--later", "--artist-from", artist_from)
        items = services.projects.all_items(services.projects.get("dances").id)
        assert {item.artist for item in items} == artists


class TestQueue:
    def test_a_lease_names_recording_place_and_file(self, dances):
        lease, name, *place = done("next", dances).splitlines()[0].split()
        assert name.partition("-")[0] in GENRES
        assert place == ["from", "0:00", "of", "0:01"]
        again = told("next", dances)
        assert again["id"] != lease
        assert again["annotator"] == "ana"
        assert Path(again["file"]).read_bytes()[:4] == b"RIFF"

    def test_a_label_is_kept_once(self, dances):
        lease = told("next", dances)["id"]
        assert done("label", lease, "fado", "--unsure", "--note", "low").startswith("fado (unsure): kept as ")
        assert done("label", lease, "FADO", "--unsure", "--note", "low").startswith("fado (unsure): known already as ")
        other = run("label", lease, "morna")
        assert (other.exit_code, "otherwise" in other.stderr) == (1, True)
        assert told("projects")[0]["counts"]["labels"] == 1

    def test_the_next_one_comes_with_the_label(self, dances):
        first = told("next", dances)
        answered = told("label", first["id"], "--none", "--next")
        assert answered["label"]["none"] is True
        assert answered["next"]["item"] != first["item"]
        result = run("label", answered["next"]["id"], "fado", "--next")
        assert "fado: kept as" in result.stderr
        assert len(result.stdout.splitlines()[0].split()[0]) == 26  # the next lease and nothing before it

    def test_skip_flag_and_undo(self, dances):
        skipped = told("skip", told("next", dances)["id"], "--reason", "later")
        assert (skipped["kind"], skipped["reason"]) == ("skip", "later")
        lease = told("next", dances)
        assert done("flag", lease["id"], "several_genres").startswith("several_genres: kept as ")
        assert told("projects")[0]["counts"]["set_aside"] == 1
        assert told("undo", dances)["item"] == lease["item"]
        assert told("projects")[0]["counts"]["set_aside"] == 0
        done("undo", dances)
        nothing = run("undo", dances)
        assert (nothing.exit_code, "ana has said nothing" in nothing.stderr) == (1, True)

    def test_a_lease_is_its_annotators(self, dances):
        lease = told("next", dances, "--annotator", "ben")["id"]
        result = run("label", lease, "fado")
        assert (result.exit_code, "ben's" in result.stderr) == (1, True)

    def test_an_empty_queue_ends_with_1(self, dances):
        assert label_all(dances) == 2 * N
        result = run("next", dances)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "nothing to label" in result.stderr

    def test_what_others_hold_is_said(self, dances):
        for annotator in ("ben", "cy", "dee"):
            for _ in range(4):
                done("next", dances, "--annotator", annotator)
        assert f"{2 * N} items are with annotators" in run("next", dances).stderr

    @pytest.mark.parametrize(
        ("name", "annotator"),
        [("ana", "ana"), ("a" * 200, "a" * 100), ("a\nb", "ab"), ("", "me")],
    )
    def test_who_labels_is_the_user_of_this_machine(self, dances, monkeypatch, name, annotator):
        monkeypatch.setattr("getpass.getuser", lambda: name)
        assert told("next", dances)["annotator"] == annotator

    def test_where_the_user_has_no_name(self, dances, monkeypatch):
        def nameless():
            raise KeyError("uid not found: 1000")

        monkeypatch.setattr("getpass.getuser", nameless)
        assert told("next", dances)["annotator"] == "me"


class TestSession:
    def test_each_line_is_an_answer(self, dances, services):
        printed = done("session", dances, given="1\n2?\nmorna\nn\ns\nb\nm\nq\n")
        assert printed.startswith("  1  fado\n  2  morna\n")
        assert printed.count("\n> ") == 8
        acts = services.label_queue.acts(services.projects.get(dances).id)
        said = [(act.kind, act.genres, act.none, act.unsure, act.flag) for act in reversed(acts)]
        assert said == [
            ("label", ("fado",), False, False, None),
            ("label", ("morna",), False, True, None),
            ("label", ("morna",), False, False, None),
            ("label", (), True, False, None),
            ("skip", (), False, False, None),
            ("flag", (), False, False, "broken"),
            ("flag", (), False, False, "several_genres"),
        ]
        assert printed.endswith("dances: 4 labels, 6 items are open\n")

    def test_undo_asks_again_and_goes_on(self, dances, services):
        done("session", dances, given="1\nz\n2\n1\n")
        acts = services.label_queue.acts(services.projects.get(dances).id)
        assert [act.genres for act in reversed(acts)] == [("morna",), ("fado",)]
        kinds = [json.loads(line)["kind"] for line in done("events", dances, "--json").splitlines()]
        assert kinds == ["created", "items_added", "label", "undo", "label", "label"]

    def test_what_means_nothing_is_asked_again(self, dances):
        result = run("session", dances, given="z\n9\n\n1,2\n1\n")
        complaints = [line for line in result.stderr.splitlines() if line.startswith("genrelab: ")]
        assert ["nothing to undo" in complaints[0], "'9'" in complaints[1], "q quit" in complaints[2]] == [True] * 3
        assert "one genre" in complaints[3]
        assert "dances: 1 labels" in result.stdout

    def test_several_genres_where_the_project_allows_it(self, dances, services):
        done("change", dances, "--multi-label")
        done("session", dances, given="1, morna\n")
        (act,) = services.label_queue.acts(services.projects.get(dances).id)
        assert act.genres == ("fado", "morna")

    def test_it_ends_with_the_queue(self, dances):
        printed = done("session", dances, given="1\n" * 100)
        assert printed.endswith("dances: 12 labels, 0 items are open\n")


class TestLearning:
    def test_without_labels_there_is_nothing_to_learn(self, dances):
        assert done("train", dances).startswith("no model yet: label recordings of two genres or more")
        assert done("versions", dances) == ""
        result = run("export", dances, "--model", "--out", "model")
        assert (result.exit_code, "no model yet" in result.stderr) == (1, True)

    def test_from_labels_to_a_model_that_answers(self, dances, tmp_path):
        done("change", dances, "--random-share", "1")
        label_all(dances)
        verdict = done("train", dances).splitlines()
        assert verdict[0].startswith("version 1 of 12 labels, accuracy ")
        assert verdict[1].startswith("version 1 answers now: ")
        shown = told("stats", dances)
        assert shown["queue"]["labelled"] == 2 * N
        assert {each["genre"]: each["labels"] for each in shown["classes"]} == dict.fromkeys(GENRES, N)
        assert shown["versions"][0]["version"] == 1
        words = done("stats", dances)
        assert words.startswith("dances: 12 items, 12 labelled, 0 open, 0 set aside; 12 labels\n  ana: 12 labels, ")
        assert "labels  predicted\n" in words
        assert words.splitlines()[-1] == shown["curve"]["advice"]["text"] or shown["suspicious"]

        done("train", dances)
        assert [version["version"] for version in told("versions", dances)] == [2, 1]
        assert done("activate", dances, "1") == "version 1 answers now\n"
        assert done("versions", dances).splitlines()[1].startswith("*   1     12 labels  ")
        assert done("activate", dances, "2") == "version 2 answers now\n"
        assert done("rollback", dances) == "version 1 answers again\n"
        assert run("activate", dances, "9").exit_code == 1

        assert (
            done("export", dances, "--model", "--out", tmp_path / "model")
            == f"model: dances-v1 in {tmp_path / 'model'}\n"
        )
        card = json.loads((tmp_path / "model" / "card.json").read_text())
        assert (card["name"], card["genres"]) == ("dances-v1", list(GENRES))
        named = done("publish", dances, "--version", "2", "--name", "my-dances")
        assert named == "model: my-dances; `genrelab models activate my-dances` lets it answer\n"
        assert told("publish", dances, "--activate")["active"] is True
        assert ModelRegistry().active("genre").name == "dances-v1"
        assert done("check", dances).endswith(" events, the tables agree\n")

    def test_agreement_of_two(self, dances):
        done("change", dances, "--overlap", "2")
        label_all(dances)
        label_all(dances, "ben")
        words = done("stats", dances)
        assert "agreement on 12 items: fleiss 1.00, krippendorff 1.00\n  ana and ben: kappa 1.00 on 12 items\n" in words

    def test_a_stopped_training_leaves_no_job(self, dances, services, monkeypatch):
        def stop(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("service.usecases.labelling.learn_here.learn", stop)
        result = run("train", dances)
        assert result.exit_code == 130
        assert "stopped; what was heard is kept" in result.stderr
        assert services.jobs.latest_of_project(services.projects.get(dances).id).state == "cancelled"


class TestEvents:
    def test_everything_is_there_in_order(self, dances):
        done("session", dances, given="1\ns\n")
        lines = done("events", dances).splitlines()
        assert [line.split()[3] for line in lines] == ["created", "items_added", "label", "skip"]
        events = [json.loads(line) for line in done("events", dances, "--json").splitlines()]
        assert [event["actor"] for event in events] == ["ana"] * 4
        later = [
            json.loads(line) for line in done("events", dances, "--after", events[1]["number"], "--json").splitlines()
        ]
        assert later == events[2:]

    def test_the_tables_follow_from_the_events(self, dances):
        done("session", dances, given="1\nz\n2\nb\nz\ns\n1\n")
        done("genres", dances, "--add", "funana", "--merge", "morna=funana", "--rename", "funana=Funana")
        done("change", dances, "--overlap", "2", "--name", "more dances")
        count = len(done("events", "more dances").splitlines())
        assert done("check", "more dances") == f"{count} events, the tables agree\n"
        assert told("check", "more dances") == {"events": count, "differences": []}

    def test_a_table_that_somebody_changed_is_found(self, dances, services):
        done("session", dances, given="1\n2\n")
        with services.database.writing() as session:
            session.execute(text("DELETE FROM acts WHERE number = (SELECT max(number) FROM acts)"))
        result = run("check", dances)
        assert result.exit_code == 1
        assert result.stdout.startswith("4 events, ")
        assert " differences:\nitem " in result.stdout


class TestExchange:
    @pytest.mark.parametrize("name", ["labels.csv", "labels.jsonl", "labels.json", "labels.zip", "jams"])
    def test_labels_come_back_as_they_went(self, dances, tmp_path, name, services):
        done("session", dances, given="1\n2?\nn\nb\ns\n")
        assert done("export", dances, "--out", tmp_path / name) == f"4 labels in {tmp_path / name}\n"
        done("create", "copy", *(f"--genre={genre}" for genre in GENRES))
        done("add", "copy", "--library", "--later")
        assert told("import", "copy", tmp_path / name) == {"added": 4, "known": 0, "unlabelled": 0, "unknown": []}
        assert told("import", "copy", tmp_path / name)["known"] == 4
        said = [
            {
                (act.track_id, act.annotator, act.genres, act.none, act.unsure, act.flag)
                for act in services.label_queue.acts(services.projects.get(project).id)
                if act.kind != "skip"
            }
            for project in (dances, "copy")
        ]
        assert said[0] == said[1]

    def test_unlabelled_recordings_too(self, dances, tmp_path):
        done("export", dances, "--out", tmp_path / "all.jsonl", "--unlabelled")
        assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 2 * N

    def test_whose_labels_they_are(self, dances, tmp_path):
        (tmp_path / "given.csv").write_text("filename,genre\nfado-0.wav,fado\nmorna-0.wav,morna\n")
        assert done("import", dances, tmp_path / "given.csv", "--annotator", "the archive").startswith(
            "2 labels are new;"
        )
        assert told("stats", dances)["queue"]["by_annotator"] == {"the archive": 2}

    def test_genres_that_the_taxonomy_lacks(self, dances, tmp_path):
        (tmp_path / "given.csv").write_text("filename,genre\nfado-0.wav,funana\n")
        refused = run("import", dances, tmp_path / "given.csv")
        assert (refused.exit_code, "'funana'" in refused.stderr) == (1, True)
        done("import", dances, tmp_path / "given.csv", "--add-genres")
        assert done("genres", dances).endswith("  3  funana\n")

    def test_recordings_that_the_pool_lacks(self, dances, tmp_path):
        (tmp_path / "given.csv").write_text("filename,genre\nfado-0.wav,fado\nnobody.wav,fado\n")
        result = run("import", dances, tmp_path / "given.csv")
        assert result.exit_code == 3
        assert result.stdout.startswith("1 labels are new;")
        assert result.stderr == "genrelab: nobody.wav: not in the pool\n"


@pytest.mark.parametrize("page", ["labelling.md", "niche_genres.md"])
def test_options_in_the_documentation_exist(page):
    text_of_page = (Path(__file__).parents[3] / "docs" / page).read_text()
    commands = get_command(app).commands["labels"].commands
    found = re.findall(r"genrelab labels ([a-z]+)([^\n`|]*)", text_of_page)
    assert len(found) > 5
    for name, rest in found:
        known = {option for parameter in commands[name].params for option in parameter.opts + parameter.secondary_opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, (name, rest)
    rows = re.findall(r"^\| `(--[a-z-]+)` \|", text_of_page, re.MULTILINE)
    settings = {
        option
        for name in ("create", "change")
        for parameter in commands[name].params
        for option in parameter.opts + parameter.secondary_opts
    }
    assert set(rows) <= settings


def _backbone() -> str:
    from models.track_summary import BACKBONE

    return BACKBONE
