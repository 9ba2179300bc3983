"""`genrelab generate` and `genrelab reproduce`, with a generator and an engine that need no weights."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from features.clip_file import read_provenance
from models.errors import ModelError
from service.cli.app import app
from service.cli.exits import FAILED, INTERRUPTED
from tests.support.stand_in import StandInEngine
from tests.support.stand_in_generator import StandInGenerator

MISUSED = 2


@pytest.fixture
def generator() -> StandInGenerator:
    return StandInGenerator()


@pytest.fixture
def heard() -> list[float]:
    """Probabilities of jazz in the takes that will be listened to."""
    return []


@pytest.fixture
def genrelab(monkeypatch, tmp_path, generator, heard):
    """Run the command in this process, in an empty folder."""
    loaded = []

    def predict(y, *, sr, attributes):
        return SimpleNamespace(genre="jazz", probabilities={"jazz": heard.pop(0), "rock": 0.0})

    def load(folder=None):
        loaded.append(folder)
        return generator

    def engine(settings, *, model=None):
        made = StandInEngine(genre="reggae")
        made.classifier = SimpleNamespace(predict=predict)
        return made

    monkeypatch.setattr("models.generator.Generator.load", load)
    monkeypatch.setattr("service.engine.Engine", engine)
    monkeypatch.setattr("service.cli.listening.answering_models", lambda name: "stand-in-1")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")

    def run(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="genrelab")

    run.loaded = loaded
    return run


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    t = np.arange(3 * 22050) / 22050
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 220 * t), 22050)
    return path


def test_what_was_made_is_written_and_said(genrelab):
    result = genrelab(
        "generate", "--genre", "reggae", "--seconds", 2, "--seed", 1, "--tempo", 76, "--key", "Am", "--out", "clip.wav"
    )
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "clip.wav: 2.0 s, seed 1, stand-in-generator-1",
        "    genre        reggae 100%",
        "    tempo        76.0 bpm (asked: 76.0)",
        "    key          A minor (asked: A minor)",
        "    loudness     -16.0 LUFS",
        "    originality  longest run shared with the training material 0.4 s (limit 3 s), 2.0% of n-grams",
    ]
    assert soundfile.info("clip.wav").frames == 2 * 22050
    assert read_provenance("clip.wav")["wish"]["key"] == "A minor"
    assert os.listdir() == ["clip.wav"]


def test_the_same_seed_gives_the_same_bytes_and_without_one_it_is_drawn(genrelab):
    made = [("a.flac", 5), ("b.flac", 5), ("c.flac", None), ("d.flac", None)]
    for name, seed in made:
        given = [] if seed is None else ["--seed", seed]
        assert genrelab("generate", "--genre", "jazz", "--seconds", 1, *given, "--out", name).exit_code == 0
    a, b, c, d = (Path(name).read_bytes() for name, _ in made)
    assert a == b
    assert len({a, c, d}) == 3


def test_a_wish_of_every_kind_reaches_the_generator(genrelab, generator):
    result = genrelab(
        *("generate", "--genre", "jazz=0.6", "--genre", "blues=0.2", "--energy", 0.3, "--temperature", 0.9),
        *("--top-k", 50, "--top-p", 0.8, "--guidance", 3, "--loop", "--seconds", 1, "--out", "x.ogg"),
    )
    assert result.exit_code == 0, result.stderr
    wish = generator.made[0]
    assert wish.genre == pytest.approx({"jazz": 0.75, "blues": 0.25})
    assert (wish.energy, wish.temperature, wish.top_k, wish.top_p) == (0.3, 0.9, 50, 0.8)
    assert (wish.guidance, wish.loop, wish.seconds) == (3, True, 1)


@pytest.mark.parametrize(
    ("key", "expected"),
    [("a minor", "A minor"), ("C#m", "C# minor"), ("Eb", "Eb major"), ("bb min", "Bb minor"), ("GM", "G major")],
)
def test_keys_may_be_short(genrelab, generator, key, expected):
    assert genrelab("generate", "--genre", "rock", "--seconds", 1, "--key", key, "--out", "x.wav").exit_code == 0
    assert generator.made[0].key == expected


def test_like_a_recording(genrelab, generator, song):
    result = genrelab("generate", "--like", song, "--genre", "jazz=0.5", "--seconds", 1, "--out", "x.wav")
    assert result.exit_code == 0, result.stderr
    wish = generator.made[0]
    assert (wish.tempo_bpm, wish.key) == (120.0, "A minor")
    assert wish.genre["jazz"] == pytest.approx(0.5 + 0.5 * 0.02)
    assert wish.genre["reggae"] == pytest.approx(0.5 * 0.82)
    assert "    genre        jazz 51% + reggae 41%\n" in result.stdout


def test_from_a_recording_which_also_says_the_genre(genrelab, generator, song):
    result = genrelab("generate", "--continue", song, "--span", "0.5:2", "--seconds", 1, "--seed", 2, "--out", "x.flac")
    assert result.exit_code == 0, result.stderr
    source = generator.sources[0]
    assert (source.use, source.start_frame, source.stop_frame) == ("continue", round(0.5 * 43.07), round(2 * 43.07))
    assert max(generator.made[0].genre, key=generator.made[0].genre.get) == "reggae"
    account = read_provenance("x.flac")["source"]
    assert (account["use"], account["start_s"], account["end_s"]) == ("continue", 0.5, 2.0)
    assert genrelab("reproduce", "x.flac", "--source", song).exit_code == 0
    assert "give it as the source" in genrelab("reproduce", "x.flac").stderr


@pytest.mark.parametrize("use", [("--restyle",), ("--inpaint", "--span", "1:2"), ("--vary", "--strength", "0.25")])
def test_other_uses_of_a_recording(genrelab, generator, song, use):
    flag, *more = use
    result = genrelab("generate", flag, song, *more, "--genre", "jazz", "--seconds", 1, "--out", "x.flac")
    assert result.exit_code == 0, result.stderr
    assert generator.sources[0].use == flag[2:]
    assert generator.sources[0].strength == (0.25 if flag == "--vary" else 0.5)


def test_takes_are_ranked_by_what_is_heard_in_them(genrelab, generator, heard):
    heard += [0.2, 0.9, 0.4]
    arguments = ("generate", "--genre", "jazz", "--seconds", 1, "--seed", 3, "--takes", 3, "--out", "x.flac", "--json")
    result = genrelab(*arguments)
    assert result.exit_code == 0, result.stderr
    first, second, third = (json.loads(line) for line in result.stdout.splitlines())
    assert [each["path"] for each in (first, second, third)] == ["x-1.flac", "x-2.flac", "x-3.flac"]
    assert [each["take"] for each in (first, second, third)] == [1, 2, 0]
    assert [each["genre_agreement"] for each in (first, second, third)] == [0.9, 0.4, 0.2]
    assert read_provenance("x-1.flac")["seed"] == first["seed"] == generator.made[1].seed
    assert sorted(os.listdir()) == ["x-1.flac", "x-2.flac", "x-3.flac"]


def test_retries_are_told(genrelab, generator):
    generator._n_rejected = 2
    result = genrelab("generate", "--genre", "jazz", "--seconds", 1, "--seed", 3, "--out", "x.flac")
    assert result.stdout.count("thrown away  seed") == 2


def test_a_clip_may_be_replaced_and_other_files_only_by_force(genrelab):
    make = ("generate", "--genre", "jazz", "--seconds", 1, "--out", "x.wav")
    assert genrelab(*make).exit_code == 0
    assert genrelab(*make).exit_code == 0
    soundfile.write("x.wav", np.zeros(1000), 22050)
    refused = genrelab(*make)
    assert refused.exit_code == FAILED
    assert "x.wav exists and is no clip that was made here: --force replaces it" in refused.stderr
    assert soundfile.info("x.wav").frames == 1000
    assert genrelab(*make, "--force").exit_code == 0


def test_ctrl_c_leaves_nothing(genrelab, generator, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(generator, "make", stop)
    result = genrelab("generate", "--genre", "jazz", "--seconds", 1, "--out", "x.wav")
    assert result.exit_code == INTERRUPTED
    assert result.stderr.splitlines()[-1] == "genrelab: stopped"
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--genre", "polka"], FAILED, "no genre polka: expected some of blues"),
        (["--genre", "jazz=much"], MISUSED, "--genre jazz=much: expected a name and a share"),
        (["--genre", "jazz", "--genre", "jazz=0.2"], MISUSED, "--genre jazz is given twice"),
        (["--genre", "jazz=0"], FAILED, "the shares of the genres are all 0"),
        (["--genre", "jazz", "--seconds", "0"], FAILED, "seconds=0.0: expected 1 to 300"),
        (["--genre", "jazz", "--seconds", "10000"], FAILED, "seconds=10000.0"),
        (["--genre", "jazz", "--tempo", "5000"], FAILED, "tempo_bpm=5000.0: expected 30 to 300"),
        (["--genre", "jazz", "--key", "H minor"], FAILED, "key='H minor'"),
        (["--genre", "jazz", "--seed", "-1"], FAILED, "seed=-1"),
        (["--genre", "jazz", "--takes", "17"], FAILED, "takes=17: expected 1 to 16"),
        (["--genre", "jazz", "--like", "missing.wav"], FAILED, "missing.wav does not exist"),
        (["--like", "notes.wav"], FAILED, "notes.wav: "),
        (["--genre", "jazz", "--out", "x.aac"], FAILED, "x.aac: clips are written as .wav, .flac, .ogg or .mp3"),
        (["--genre", "jazz", "--out", "no/x.wav"], FAILED, "no: no such folder"),
        ([], MISUSED, "neither --genre nor --like"),
        (["--restyle", "SONG"], MISUSED, "neither --genre nor --like"),
        (["--genre", "jazz", "--span", "1:2"], MISUSED, "--span is about"),
        (["--genre", "jazz", "--strength", "1"], MISUSED, "--strength is about --vary"),
        (["--continue", "SONG", "--span", "2:1"], MISUSED, "--span 2:1: expected the start and a later end"),
        (["--inpaint", "SONG"], MISUSED, "--inpaint without --span"),
        (["--continue", "SONG", "--vary", "SONG"], MISUSED, "--continue and --vary exclude each other"),
    ],
)
def test_bad_wishes_are_refused_before_anything_is_loaded(genrelab, tmp_path, song, arguments, code, words):
    (tmp_path / "out" / "notes.wav").write_text("not a recording")
    given = [str(song) if word == "SONG" else word for word in arguments]
    result = genrelab("generate", "--out", "x.wav", *given)
    assert result.exit_code == code
    assert words in " ".join(result.stderr.split())
    assert genrelab.loaded == []
    assert os.listdir() == ["notes.wav"]


def test_a_missing_generator_is_one_line(genrelab, monkeypatch):
    def load(folder=None):
        raise ModelError("no generator in pretrained/generator-1")

    monkeypatch.setattr("models.generator.Generator.load", load)
    result = genrelab("generate", "--genre", "jazz", "--out", "x.wav")
    assert result.exit_code == FAILED
    assert result.stderr.splitlines()[-1] == "genrelab: no generator in pretrained/generator-1"


def test_reproducing_says_what_is_the_same(genrelab):
    for name, samples in (("x.wav", "the same, every one"), ("x.mp3", "not compared: this format")):
        genrelab("generate", "--genre", "jazz", "--seconds", 1, "--seed", 4, "--out", name)
        result = genrelab("reproduce", name)
        assert result.exit_code == 0, result.stderr
        first, codes, sound = result.stdout.splitlines()
        assert first == f"{name}: seed 4, stand-in-generator-1"
        assert codes == "codes:   the same"
        assert sound.startswith(f"samples: {samples}")


def test_reproducing_what_differs(genrelab, generator, monkeypatch):
    genrelab("generate", "--genre", "jazz", "--seconds", 1, "--seed", 4, "--out", "x.wav")
    make = generator.make
    monkeypatch.setattr(generator, "make", lambda wish, **more: make(wish.with_seed(5), **more))
    result = genrelab("reproduce", "x.wav")
    assert result.exit_code == FAILED
    assert "codes:   others" in result.stdout
    assert "another kind of processor" in result.stdout
    answer = json.loads(genrelab("reproduce", "x.wav", "--json").stdout)
    assert (answer["same"], answer["same_codes"], answer["same_samples"]) == (False, False, False)
    assert answer["provenance"]["seed"] == 4


def test_what_another_version_made_may_come_out_otherwise(genrelab, generator, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("service.usecases.generate.version", lambda name: "0.0.1")
        genrelab("generate", "--genre", "jazz", "--seconds", 1, "--seed", 4, "--out", "x.wav")
    assert genrelab("reproduce", "x.wav").exit_code == 0  # the same all the same
    make = generator.make
    monkeypatch.setattr(generator, "make", lambda wish, **more: make(wish.with_seed(5), **more))
    monkeypatch.setattr("service.usecases.generate.version", lambda name: "0.0.2")
    result = genrelab("reproduce", "x.wav")
    assert result.exit_code == FAILED
    assert "it was made by genrelab 0.0.1, and this is genrelab 0.0.2" in result.stdout


def test_what_was_not_made_here_is_not_reproduced(genrelab, song):
    result = genrelab("reproduce", song)
    assert result.exit_code == FAILED
    assert "no clip that was made here" in result.stderr
    assert genrelab.loaded == []
    assert "missing.wav" in genrelab("reproduce", "missing.wav").stderr
