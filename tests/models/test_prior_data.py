"""Recordings become codes with the plans that they were rendered from, once; crops say what is to be said."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from datasets.composers import GENRES, compose, make_brief
from datasets.manifest import Manifest, Recording
from datasets.plan_of_song import FRAME_BLOCKS
from datasets.rendered_corpus import render_corpus
from models.code_source import CodeSource
from models.errors import ModelError
from models.plan import Plan, overall_blocks, plan_of_wish
from models.prior_data import Dropping, by_split, coded_clips, crops, drop, plan_of_recording
from models.prior_settings import CodeSettings
from tests.support.silent_renderer import play_silence
from tests.support.small_priors import N_GENRES, SMALL, cyclic_clip, drawn_plan

RATE = 10.0
CLIP_S = 3.0


class Encoder:
    """Gives every recording codes that its name decides, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, path: Path) -> np.ndarray:
        self.asked.append(path.name)
        return np.random.default_rng(len(path.name)).integers(0, SMALL.n_codes, (3, round(CLIP_S * RATE)))


def source_of(encode, name: str = "stand-in") -> CodeSource:
    return CodeSource(encode, name, SMALL.n_codebooks, SMALL.n_codes, RATE)


@pytest.fixture
def corpus(tmp_path, monkeypatch) -> Manifest:
    """Three clips of two genres each, as silence."""
    font = play_silence(monkeypatch, tmp_path)
    hours = 6 * CLIP_S / 3600
    return render_corpus(
        tmp_path / "corpus", hours=hours, genres=("jazz", "rock"), clip_s=CLIP_S, sr=8000, jobs=1, sound_font=font
    )


def test_a_rendered_recording_has_the_plan_of_its_song(corpus):
    recording = corpus.recordings[1]
    plan = plan_of_recording(recording, n_frames=30, frames_per_s=RATE)
    brief = make_brief("jazz", 1, seconds=CLIP_S, instruments="training")
    wished = plan_of_wish("jazz", seconds=CLIP_S, seed=1, frames_per_s=RATE, tempo_bpm=brief.tempo_bpm, key=brief.key)
    np.testing.assert_array_equal(plan.overall, wished.overall)
    np.testing.assert_array_equal(plan.frames[:, :4], wished.frames[:, :4])  # the metre
    assert plan.frames[:, -len(FRAME_BLOCKS) :].all()
    assert compose(brief).key == recording.details["key"]


def test_a_recording_that_other_composers_wrote_is_refused(corpus):
    recording = corpus.recordings[0]
    changed = replace(recording, details={**recording.details, "tempo_bpm": 77.7})
    with pytest.raises(ModelError, match=r"rendered by other composers \(its tempo_bpm would be another today\)"):
        plan_of_recording(changed, n_frames=30, frames_per_s=RATE)


def test_of_any_other_recording_is_known_what_its_manifest_says(tmp_path):
    recording = Recording(tmp_path / "a.wav", "b", details={"tempo_bpm": 60, "key": "C major"})
    plan = plan_of_recording(recording, n_frames=5, frames_per_s=RATE, genres=("a", "b"))
    assert not plan.frames.any()
    np.testing.assert_allclose(plan.overall, [-1, 1, *[0] * 12, 0, 0, 1, 1, 1, 0, 1])


def test_a_mix_of_genres_is_told_as_it_is(tmp_path):
    recording = Recording(tmp_path / "a.wav", "b", details={"genres": {"a": 1, "b": 3}})
    plan = plan_of_recording(recording, n_frames=5, frames_per_s=RATE, genres=("a", "b", "c"))
    np.testing.assert_allclose(plan.overall[15:18], [0.25, 0.75, 0])


@pytest.mark.parametrize(
    ("label", "details", "message"),
    [
        ("polka", {}, "genre polka, expected some of"),
        ("jazz", {"tempo_bpm": "fast"}, "tempo_bpm='fast', expected a number or nothing"),
        ("jazz", {"tempo_bpm": True}, "tempo_bpm=True"),
        ("jazz", {"energy": 3}, "energy=3: expected 0 to 1"),
        ("jazz", {"key": 3}, "key '3'"),
        ("jazz", {"genres": {"jazz": 0}}, "shares of its genres must sum to more than 0"),
    ],
)
def test_what_a_manifest_may_not_say_is_named(tmp_path, label, details, message):
    with pytest.raises(ValueError, match=message):
        plan_of_recording(Recording(tmp_path / "a.wav", label, details=details), n_frames=5, frames_per_s=RATE)


def test_clips_are_encoded_once_and_read_again_the_same(corpus, tmp_path):
    encode = Encoder()
    seen: list[tuple[int, int]] = []
    options = {"folder": tmp_path / "codes", "genres": GENRES, "progress": lambda *counts: seen.append(counts)}
    clips = coded_clips(corpus, source_of(encode), **options)
    again = coded_clips(corpus, source_of(encode), **options)
    assert len(encode.asked) == len(clips) == 6
    assert seen == [(6, 6), (6, 6)]
    for clip, same, recording in zip(clips, again, corpus, strict=True):
        np.testing.assert_array_equal(clip.codes, Encoder()(recording.path))
        np.testing.assert_array_equal(clip.codes, same.codes)
        np.testing.assert_array_equal(clip.plan.frames, same.plan.frames)
        expected = plan_of_recording(recording, n_frames=30, frames_per_s=RATE)
        np.testing.assert_allclose(clip.plan.frames, expected.frames, atol=1e-3)
        np.testing.assert_array_equal(clip.plan.overall, expected.overall)
        assert (GENRES[clip.genre], clip.split) == (recording.label, recording.split)


def test_another_encoder_or_order_of_genres_encodes_anew(corpus, tmp_path):
    encode = Encoder()
    coded_clips(corpus, source_of(encode), folder=tmp_path, genres=GENRES)
    coded_clips(corpus, source_of(encode, "other"), folder=tmp_path, genres=GENRES)
    coded_clips(corpus, source_of(encode), folder=tmp_path, genres=GENRES[::-1])
    assert len(encode.asked) == 18


def test_a_damaged_shard_says_what_to_do(corpus, tmp_path):
    folder = tmp_path / "codes"
    coded_clips(corpus, source_of(Encoder()), folder=folder, genres=GENRES)
    (shard,) = folder.iterdir()
    shard.write_bytes(shard.read_bytes()[:200])
    with pytest.raises(ModelError, match=r"no shard can be read there .*remove it"):
        coded_clips(corpus, source_of(Encoder()), folder=folder, genres=GENRES)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((2, 5), int), r"expected whole numbers of shape \(3, n_frames\)"),
        (np.zeros((3, 0), int), "expected whole numbers"),
        (np.zeros((3, 5)), "encoded to float64"),
        (np.full((3, 5), 11), "codes from 11 to 11, there are 11"),
        (np.full((3, 5), -1), "codes from -1"),
    ],
)
def test_what_are_no_codes_is_refused(corpus, tmp_path, codes, message):
    with pytest.raises(ModelError, match=message):
        coded_clips(corpus, source_of(lambda path: codes), folder=tmp_path / "codes", genres=GENRES)


def test_clips_are_learned_from_watched_and_measured_on_by_their_split():
    clips = [cyclic_clip(0, SMALL, split=split) for split in ("test", "train", "", "validation", "train")]
    training, validation, test = by_split(clips)
    assert [[clip.split for clip in group] for group in (training, validation, test)] == [
        ["train", "", "train"],
        ["validation"],
        ["test"],
    ]


def test_a_crop_hears_the_step_before_and_says_its_own():
    settings = CodeSettings(n_codebooks=2, n_codes=50, n_genres=N_GENRES)
    clip = replace(cyclic_clip(0, settings, n_frames=20), plan=drawn_plan(0, 20))
    inputs, targets = crops([clip], [7], settings, n_frames=3)
    np.testing.assert_array_equal(targets[0], [[7, 50], [8, 8], [9, 9], [50, 10]])
    np.testing.assert_array_equal(inputs["codes"][0], [[50, 50], [7, 50], [8, 8], [9, 9]])
    np.testing.assert_array_equal(inputs["plan"][0, :3], clip.plan.frames[7:10])
    assert not inputs["plan"][0, 3:].any()
    np.testing.assert_array_equal(inputs["overall"][0], clip.plan.overall)


def test_where_a_clip_has_ended_nothing_is_said_and_nothing_planned():
    settings = CodeSettings(n_codebooks=2, n_codes=50, n_genres=N_GENRES)
    clip = replace(cyclic_clip(0, settings, n_frames=20), plan=drawn_plan(0, 20))
    inputs, targets = crops([clip, clip], [18, 0], settings, n_frames=4)
    np.testing.assert_array_equal(targets[0], [[18, 50], [19, 19], [50, 20], [50, 50], [50, 50]])
    assert not inputs["plan"][0, 2:].any()
    assert (targets[1, :4, 0] == [0, 1, 2, 3]).all()


def filled(n_rows: int) -> dict[str, np.ndarray]:
    return {
        "codes": np.zeros((n_rows, 4, 3), int),
        "plan": np.ones((n_rows, 4, drawn_plan(0, 1).frames.shape[1]), np.float32),
        "overall": np.ones((n_rows, drawn_plan(0, 1).overall.size), np.float32),
    }


def test_dropped_rows_are_plans_without_some_blocks(rng):
    inputs = filled(200)
    drop(inputs, Dropping(everything=0.1, block=0.3), SMALL, rng)
    names = [*FRAME_BLOCKS, *overall_blocks(N_GENRES)]
    gone, n_nothing = [], 0
    for frames, overall in zip(inputs["plan"], inputs["overall"], strict=True):
        flags = np.concatenate([frames[0, -len(FRAME_BLOCKS) :], overall[-4:]])
        dropped = [name for name, flag in zip(names, flags, strict=True) if not flag]
        whole = Plan(np.ones_like(frames), np.ones_like(overall)).without(dropped)
        np.testing.assert_array_equal(frames, whole.frames)
        np.testing.assert_array_equal(overall, whole.overall)
        n_nothing += not flags.any()
        gone.append(1 - flags)
    assert 5 <= n_nothing <= 40
    expected = 1 - 0.9 * 0.7
    np.testing.assert_allclose(np.mean(gone, axis=0), expected, atol=4 * math.sqrt(expected * (1 - expected) / 200))


def test_nothing_is_dropped_where_nothing_shall_be(rng):
    inputs = filled(10)
    drop(inputs, Dropping(0.0, 0.0), SMALL, rng)
    assert all(array.all() for array in (inputs["plan"], inputs["overall"]))
