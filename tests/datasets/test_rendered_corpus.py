"""A rendered corpus is planned by seed, the same however it is made, and goes on where it was stopped."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datasets.composers.instruments import HELD_OUT
from datasets.errors import DatasetError
from datasets.manifest import MANIFEST_FILE, read_manifest
from datasets.rendered_corpus import LICENCE, SETTINGS_FILE, plan, render_corpus
from datasets.rendering import RendererMissing, find_sound_font
from features.cache import sha256_of

SR = 8000
CLIP_S = 2.0
GENRES = ("classical", "waltz")
ONE_CLIP_EACH = len(GENRES) * CLIP_S / 3600  # hours


def has_renderer() -> bool:
    try:
        find_sound_font()
    except RendererMissing:
        return False
    return True


needs_renderer = pytest.mark.skipif(
    not has_renderer(), reason="no fluidsynth or sound font (apt install fluidsynth fluid-soundfont-gm)"
)


class Stopped(Exception):
    """What a caller raises who wants no more."""


def rendered(folder: Path, **changes):
    settings = {"hours": ONE_CLIP_EACH, "seed": 3, "genres": GENRES, "clip_s": CLIP_S, "sr": SR, "jobs": 1}
    return render_corpus(folder, **{**settings, **changes})


def planned(**changes):
    settings = {"hours": 20 * 30 / 3600, "seed": 0, "genres": ("rock", "jazz"), "clip_s": 30.0}
    return plan(Path("corpus"), **{**settings, **changes})


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Two genres, one clip each; not to be changed."""
    folder = tmp_path_factory.mktemp("corpus")
    seen: list[tuple[int, int]] = []
    return rendered(folder, progress=lambda done, total: seen.append((done, total))), folder, seen


def test_of_ten_clips_seven_are_for_training_one_for_validation_and_two_for_testing():
    orders = planned()
    assert [order.brief.genre for order in orders] == ["rock"] * 10 + ["jazz"] * 10
    of_genre = ["train"] * 7 + ["validation"] + ["test"] * 2
    assert [order.split for order in orders] == of_genre * 2


def test_test_clips_alone_are_played_on_presets_that_are_held_out():
    sides = {(order.split, order.brief.instruments) for order in planned()}
    assert sides == {("train", "training"), ("validation", "training"), ("test", "held_out")}


@pytest.mark.parametrize(("hours", "n_clips"), [(1e-9, 2), (60 / 3600, 2), (61 / 3600, 4), (1.0, 120)])
def test_hours_are_rounded_up_to_whole_clips_the_same_number_for_each_genre(hours, n_clips):
    orders = planned(hours=hours)
    assert len(orders) == n_clips
    assert sum(order.brief.genre == "rock" for order in orders) == n_clips // 2


def test_corpora_of_two_seeds_share_no_composers_seed():
    seeds = [{order.brief.seed for order in planned(seed=seed, hours=3.0)} for seed in (0, 1, 999)]
    assert [len(each) for each in seeds] == [180] * 3
    assert len(set.union(*seeds)) == 540


def test_more_hours_begin_with_the_same_clips():
    few, many = planned(hours=0.1), planned(hours=0.5)
    assert {order.target for order in few} <= {order.target for order in many}
    assert set(few) <= set(many)


def test_every_clip_has_a_file_of_its_own_that_names_genre_and_seed():
    orders = planned(seed=2)
    assert len({order.target for order in orders}) == len(orders)
    assert orders[0].target == Path("corpus/rock/rock-002000000.flac")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hours": 0.0}, r"hours=0\.0: expected more than 0"),
        ({"hours": -1.0}, "hours=-1"),
        ({"hours": math.inf}, "hours=inf"),
        ({"hours": math.nan}, "hours=nan"),
        ({"hours": 10_001.0}, r"hours=10001\.0: .* at most 10000"),
        ({"seed": -1}, "seed=-1: expected 0 to 999"),
        ({"seed": 1000}, "seed=1000"),
        ({"clip_s": 0.5}, r"clip_s=0\.5: expected 1 to 600 s"),
        ({"clip_s": 601.0}, "clip_s=601"),
        ({"clip_s": math.nan}, "clip_s=nan"),
        ({"genres": ()}, "genres none: expected each at most once, and at least one"),
        ({"genres": ("rock", "rock")}, "genres rock, rock: expected each at most once"),
        ({"genres": ("rock", "polka")}, "no composer for 'polka'"),
    ],
)
def test_values_out_of_range_are_named(changes, message):
    with pytest.raises(DatasetError, match=message):
        planned(**changes)


@needs_renderer
@pytest.mark.parametrize("sr", [7999, 96001, 0])
def test_a_sampling_rate_out_of_range_is_refused_before_any_file_is_written(tmp_path, sr):
    with pytest.raises(DatasetError, match=f"sr={sr}: expected 8,000 to 96,000 Hz"):
        rendered(tmp_path / "corpus", sr=sr)
    assert not (tmp_path / "corpus").exists()


@needs_renderer
def test_the_manifest_says_what_was_composed(corpus):
    manifest, folder, _ = corpus
    assert manifest.name == "rendered-3"
    assert [recording.label for recording in manifest] == list(GENRES)
    for recording in manifest:
        assert recording.path == folder / recording.label / f"{recording.label}-003000000.flac"
        assert (recording.split, recording.licence) == ("train", LICENCE)
        assert recording.artist == f"composer {recording.label} 3000000"
        assert recording.details["seed"] == 3_000_000
        assert recording.details["instruments_side"] == "training"
        assert not {(bank, program) for _, bank, program in recording.details["instruments"]} & {
            (each.bank, each.program) for each in HELD_OUT
        }
        assert recording.details["key"].split()[1] in ("major", "minor")
        assert 30 <= recording.details["tempo_bpm"] <= 300
    assert [recording.details["beats_per_bar"] for recording in manifest if recording.label == "waltz"] == [3]


@needs_renderer
def test_the_manifest_in_the_folder_is_the_one_that_was_returned(corpus):
    manifest, folder, _ = corpus
    written = read_manifest(folder / MANIFEST_FILE)
    assert [(each.path.resolve(), each.label, each.sha256) for each in written] == [
        (each.path.resolve(), each.label, each.sha256) for each in manifest
    ]


@needs_renderer
def test_hashes_are_those_of_the_files(corpus):
    manifest, _, _ = corpus
    assert [recording.sha256 for recording in manifest] == [sha256_of(recording.path) for recording in manifest]


@needs_renderer
def test_clips_are_music_of_the_length_that_was_asked_for(corpus):
    manifest, _, _ = corpus
    for recording in manifest:
        y, sr = soundfile.read(recording.path, always_2d=True)
        assert (sr, y.shape) == (SR, (int(CLIP_S * SR), 2))
        assert 0.01 < np.abs(y).max() < 1.0


@needs_renderer
def test_progress_counts_clips(corpus):
    assert corpus[2] == [(0, 2), (1, 2), (2, 2)]


@needs_renderer
def test_a_second_call_keeps_the_clips(corpus):
    manifest, folder, _ = corpus
    before = {recording.path: recording.path.stat().st_mtime_ns for recording in manifest}
    seen: list[tuple[int, int]] = []
    again = rendered(folder, progress=lambda done, total: seen.append((done, total)))
    assert again == manifest
    assert {recording.path: recording.path.stat().st_mtime_ns for recording in again} == before
    assert seen == [(2, 2)]


@needs_renderer
def test_two_processes_and_a_stop_give_the_same_bytes(corpus, tmp_path):
    _, folder, _ = corpus

    def stop(done: int, total: int) -> None:
        if done == 1:
            raise Stopped

    with pytest.raises(Stopped):
        rendered(tmp_path, jobs=2, progress=stop)
    assert not (tmp_path / MANIFEST_FILE).exists()
    rendered(tmp_path, jobs=2)
    assert bytes_of(tmp_path) == bytes_of(folder)


@needs_renderer
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, "its clips are made with seed=3, not 4; give that, or another folder"),
        ({"sr": 16000}, "its clips are made with sr=8000, not 16000"),
        ({"clip_s": 3.0}, r"its clips are made with clip_s=2\.0, not 3\.0"),
        ({"genres": ("waltz",)}, "its clips are made with genres=classical,waltz, not waltz"),
    ],
)
def test_a_folder_whose_clips_were_made_otherwise_is_refused(corpus, changes, message):
    _, folder, _ = corpus
    before = bytes_of(folder)
    with pytest.raises(DatasetError, match=message):
        rendered(folder, **changes)
    assert bytes_of(folder) == before


@needs_renderer
@pytest.mark.parametrize(
    ("text", "message"), [("{", "no settings can be read there"), ("[1]", "expected an object with seed, genres")]
)
def test_damaged_settings_are_named(tmp_path, text, message):
    (tmp_path / SETTINGS_FILE).write_text(text)
    with pytest.raises(DatasetError, match=message):
        rendered(tmp_path)


@needs_renderer
def test_a_corpus_of_unknown_settings_is_not_touched(tmp_path):
    (tmp_path / MANIFEST_FILE).write_text(json.dumps({"corpus": "mine"}) + "\n")
    with pytest.raises(DatasetError, match="holds a corpus already, made with unknown settings; give another folder"):
        rendered(tmp_path)


@needs_renderer
def test_scores_are_written_beside_the_clips_where_asked(corpus, tmp_path):
    manifest, folder, _ = corpus
    for recording in manifest:
        copy = tmp_path / recording.path.relative_to(folder)
        copy.parent.mkdir()
        copy.write_bytes(recording.path.read_bytes())
    (tmp_path / SETTINGS_FILE).write_bytes((folder / SETTINGS_FILE).read_bytes())
    rendered(tmp_path, midi=True)
    scores = sorted(path.name for path in tmp_path.rglob("*.mid"))
    assert scores == ["classical-003000000.mid", "waltz-003000000.mid"]
    assert all(path.read_bytes().startswith(b"MThd") for path in tmp_path.rglob("*.mid"))


def test_without_a_renderer_nothing_is_begun(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RendererMissing, match="the program fluidsynth is not installed"):
        rendered(tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()
