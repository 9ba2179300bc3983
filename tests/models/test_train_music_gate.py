"""Training the gate: on a few seconds of sound and a stand-in backbone it learns to tell two sides apart."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datasets.errors import DatasetError
from datasets.non_music import KINDS
from features.cache import sha256_of
from features.spectrogram import MUSICNN_SR, PATCH_FRAMES, musicnn_log_mel
from models import train_music_gate
from models.backbone import SEGMENT_HOP_FRAMES, PatchActivations
from models.errors import ModelError
from models.model_folder import load_weights
from models.music_gate import MusicGate
from models.train_music_gate import Settings, Sounds, fit_gate, main, read_settings, train

N_TAGS = 50
N_PIECES = 8  # in the file of labelled activations
N_MUSIC = 2 * N_PIECES + 6  # sounds: each piece twice, six recordings


class BandBackbone:
    """Tag k is the mean of two neighbouring mel bands in a patch, over 6: chords have peaks there, noise has none."""

    name = "stand-in"

    def activations(self, log_mel: np.ndarray, *, patch_hop: float) -> PatchActivations:
        starts = np.arange(0, len(log_mel) - PATCH_FRAMES + 1, int(patch_hop))
        levels = np.array([log_mel[start : start + PATCH_FRAMES].mean(axis=0) for start in starts]) / 6
        taggram = np.full((len(starts), N_TAGS), 0.01, np.float32)
        taggram[:, :48] = np.clip(levels.reshape(len(starts), 48, 2).mean(axis=2), 0, 1)
        return PatchActivations(taggram, np.zeros((len(starts), 1)), starts / 62.5)


def chords(seed: int, *, seconds: float = 5.0) -> np.ndarray:
    """A triad every half second."""
    rng = np.random.default_rng(seed)
    t = np.arange(MUSICNN_SR // 2) / MUSICNN_SR
    struck = []
    for root_hz in 220 * 2 ** (rng.integers(0, 12, int(2 * seconds)) / 12):
        voices = [np.sin(2 * np.pi * ratio * root_hz * t) for ratio in (1, 5 / 4, 3 / 2)]
        struck.append(0.2 * np.sum(voices, axis=0) * np.exp(-3 * t))
    return np.concatenate(struck)


def hisses(seed: int, *, seconds: float = 2.0) -> np.ndarray:
    """Bursts of high noise, three in a second."""
    t = np.arange(int(seconds * MUSICNN_SR)) / MUSICNN_SR
    noise = np.random.default_rng(seed).standard_normal(t.size)
    return 0.3 * np.diff(noise, prepend=0) * (np.sin(2 * np.pi * 3 * t) > 0)


def taggram(y: np.ndarray) -> np.ndarray:
    return BandBackbone().activations(musicnn_log_mel(y.astype(np.float32)), patch_hop=SEGMENT_HOP_FRAMES).taggram


def add_source(folder: Path, sound, *, n_recordings: int = 3) -> None:
    folder.mkdir(parents=True)
    (folder / "LICENCE").write_text("CC0-1.0, made here\n")
    for n in range(n_recordings):
        soundfile.write(folder / f"{n}.wav", sound(100 * len(folder.name) + n), MUSICNN_SR)


@pytest.fixture(autouse=True)
def _without_weights(monkeypatch):
    monkeypatch.setattr(train_music_gate.Backbone, "load", classmethod(lambda cls, name: BandBackbone()))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Material of four sources to learn from and two to be tested with, and labelled activations."""
    for source, sound in (("music/tunes", chords), ("music/more tunes", chords)):
        add_source(tmp_path / "material" / "train" / source, sound)
    for source in ("speech/talk", "effect/bangs"):
        add_source(tmp_path / "material" / "train" / source, hisses)
    add_source(tmp_path / "material" / "test" / "music" / "a concert", chords)
    add_source(tmp_path / "material" / "test" / "speech" / "a speech", hisses)
    pieces = [taggram(chords(n, seconds=8.0)) for n in range(N_PIECES)]
    lengths = [len(piece) for piece in pieces]
    np.savez(
        tmp_path / "taggrams.npz",
        X=np.concatenate(pieces),
        Y=np.repeat(np.arange(N_PIECES) % 2, lengths),
        IDS=np.repeat([f"piece.{n}" for n in range(N_PIECES)], lengths),
    )
    return Settings(
        taggrams=tmp_path / "taggrams.npz",
        material=tmp_path / "material",
        out=tmp_path / "gate",
        name="tiny",
        clips_per_kind=2,
        n_folds=2,
    )


def test_a_trained_gate_loads_and_tells_the_two_sides_apart(settings):
    train(settings)
    gate = MusicGate.load(settings.out)
    limit = float(load_weights(settings.out)[1]["limit"])
    for seed in range(1000, 1005):  # sounds that it was not trained on
        assert gate.scores(taggram(chords(seed)))[0] >= limit
        assert gate.scores(taggram(hisses(seed, seconds=5.0)))[0] < limit


def test_the_card_says_what_was_learned_from_and_what_came_of_it(settings):
    card = train(settings)
    assert card == json.loads((settings.out / "card.json").read_text())
    assert (card["name"], card["kind"], card["settings"]["clips_per_kind"]) == ("tiny", "gate", 2)
    assert card["data"]["taggrams"]["sha256"] == sha256_of(settings.taggrams)
    assert [(source["name"], source["family"], source["recordings"]) for source in card["data"]["train"]] == [
        ("more tunes", "music", 3),
        ("tunes", "music", 3),
        ("talk", "speech", 3),
        ("bangs", "effect", 3),
    ]
    assert {source["licence"] for source in card["data"]["train"]} == {"CC0-1.0, made here"}
    assert {name: figures["n"] for name, figures in card["unheard"]["sources"].items()} == {
        **dict.fromkeys(("tunes", "more tunes"), 3),
        **dict.fromkeys(("talk", "bangs"), 2),
        **{f"taggrams, block {block}": N_PIECES for block in range(2)},
        **{f"synthetic {kind}": 2 for kind in KINDS},
    }
    _, arrays = load_weights(settings.out, kind="gate")
    assert arrays["families"].tolist() == ["effect", "noise", "speech", "tone"]
    assert len(arrays["support"]) == card["data"]["n_sounds"] == N_MUSIC + 2 * len(KINDS) + 2 * 2


def test_what_is_tested_with_is_scored_and_not_learned_from(settings):
    first = train(settings)
    assert first["test"]["sources"]["a concert"]["refused"] == 0.0
    assert first["test"]["sources"]["a speech"] == {"n": 2, "refused": 1.0, "named": 0.0}
    soundfile.write(settings.material / "test" / "music" / "a concert" / "4.wav", chords(9), MUSICNN_SR)
    second = train(settings)
    assert second["test"]["sources"]["a concert"]["n"] == first["test"]["sources"]["a concert"]["n"] + 1
    assert second["weights"] == first["weights"]


def test_the_same_seed_gives_the_same_weights(settings, tmp_path):
    first, again = train(settings), train(replace(settings, out=tmp_path / "again"))
    other = train(replace(settings, out=tmp_path / "other", seed=1))
    assert first == again
    assert first["weights"] != other["weights"]


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
def test_so_much_of_the_unheard_music_is_refused(settings, share):
    music = train(replace(settings, refused_share=share))["unheard"]["music"]
    assert music["n"] == N_MUSIC
    assert music["refused"] == pytest.approx(share, abs=2 / N_MUSIC)  # two clips may be the same


def test_a_fitted_gate_knows_what_it_learned(rng, tmp_path):
    families = np.repeat(["music", "noise", "tone"], [30, 5, 5])
    centres = {"music": 0.0, "noise": 10.0, "tone": -10.0}
    features = np.array([centres[family] + rng.standard_normal(6) for family in families])
    sounds = Sounds(features, families, families, named=np.zeros(40, bool))
    arrays = fit_gate(sounds, Settings(tmp_path, tmp_path, tmp_path, ridge=1e-6, width=3.0))
    assert arrays["families"].tolist() == ["noise", "tone"]
    standard = (features - arrays["centre"]) / arrays["spread"]
    distances = np.abs(standard[:, np.newaxis] - arrays["support"]).sum(axis=2)
    expected = np.stack([np.where(families == "music", 1, -1), families == "noise", families == "tone"], axis=1)
    np.testing.assert_allclose(np.exp(-arrays["gamma"] * distances) @ arrays["weights"], expected, atol=0.02)


FLAGS = ["--taggrams", "t.npz", "--material", "m", "--out", "gate"]


def test_flags_are_the_fields_of_the_settings():
    required = {"taggrams": Path("t.npz"), "material": Path("m"), "out": Path("gate")}
    assert read_settings(FLAGS) == Settings(**required)
    changed = read_settings([*FLAGS, "--clips-per-kind", "7", "--refused-share", "0.02", "--name", "mine"])
    assert changed == Settings(**required, clips_per_kind=7, refused_share=0.02, name="mine")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([*FLAGS, "--epochs", "3"], "unrecognized arguments: --epochs 3"),
        ([*FLAGS, "--clips", "3"], "unrecognized arguments: --clips 3"),  # no abbreviation
        ([*FLAGS, "--seed", "many"], "argument --seed: invalid int value: 'many'"),
        (FLAGS[2:], "required: --taggrams"),
    ],
)
def test_a_wrong_flag_is_an_error(capsys, flags, words):
    with pytest.raises(SystemExit, match="2"):
        read_settings(flags)
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("source", ["train/music/tunes", "train/speech/talk", "test/music/a concert"])
def test_a_folder_without_recordings_is_named(settings, source):
    folder = settings.material / source
    for path in folder.glob("*.wav"):
        path.rename(path.with_suffix(".txt"))
    with pytest.raises(DatasetError, match=f"{source}: no recordings"):
        train(settings)
    assert not settings.out.exists()


@pytest.mark.parametrize("source", ["train/music/tunes", "train/speech/talk", "test/music/a concert"])
def test_a_recording_that_cannot_be_read_is_named(settings, source):
    (settings.material / source / "1.wav").write_text("no recording")
    with pytest.raises(ModelError, match=rf"{source}/1\.wav: cannot be learned from"):
        train(settings)
    assert not settings.out.exists()


def test_a_clip_shorter_than_a_patch_is_learned_from_too(settings):
    short = settings.material / "train" / "music" / "notes"
    add_source(short, lambda seed: chords(seed, seconds=0.5))
    assert train(settings)["unheard"]["sources"]["notes"]["n"] == 3


def test_main_trains_and_prints_what_is_refused(settings, capsys):
    flags = ["--taggrams", settings.taggrams, "--material", settings.material, "--out", settings.out]
    main([*map(str, flags), "--name", "tiny", "--clips-per-kind", "1", "--n-folds", "2"])
    table = capsys.readouterr().out
    assert table.startswith("tiny ")
    assert {"tunes", "a speech", "synthetic alarm"} <= {line[10:40].strip() for line in table.splitlines()}
    assert MusicGate.load(settings.out)
