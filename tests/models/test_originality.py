"""What clips share with training codes that are made by hand: copies, excerpts, steady sounds, frames brought along."""

import json

import numpy as np
import pytest

from features.log_mel import FRAMES_PER_S
from models.errors import IntegrityError, ModelError
from models.originality import (
    KIND,
    LIMIT_S,
    N_CODES,
    NGRAM_FRAMES,
    PASSAGE_LIMIT,
    PASSAGE_S,
    STEADY_FRAMES,
    OriginalityIndex,
)

CARD = {"name": "shared-runs", "version": "1", "created": "2026-01-01"}
FOUR_S = round(4 * FRAMES_PER_S)


def codes_of(seconds: float, *, seed: int) -> np.ndarray:
    """Codes of which no two frames in a row, and no two seeds, have much in common."""
    return np.random.default_rng(seed).integers(0, N_CODES, (4, round(seconds * FRAMES_PER_S)))


@pytest.fixture(scope="module")
def training() -> dict[str, np.ndarray]:
    return {f"clip-{k}": codes_of(30, seed=k).astype(np.uint16) for k in range(5)}


@pytest.fixture(scope="module")
def index(training) -> OriginalityIndex:
    return OriginalityIndex.build(training.items())


def test_new_codes_share_next_to_nothing(index):
    found = index.report(codes_of(10, seed=99))
    assert found.longest_run_s < NGRAM_FRAMES / FRAMES_PER_S
    assert (found.longest_run_of, found.longest_run_at_s, found.shared_ngrams) == (None, None, 0.0)
    assert (found.passage_share, found.passage_of) == (0.0, None)
    assert found.accepted


def test_a_training_clip_fed_back_is_caught(index, training):
    found = index.report(training["clip-3"])
    assert found.longest_run_s == pytest.approx(30, abs=0.02)
    assert (found.longest_run_of, found.longest_run_at_s, found.shared_ngrams) == ("clip-3", (0.0, 0.0), 1.0)
    assert not found.accepted


def test_an_excerpt_between_new_codes_is_caught_to_the_frame(index, training):
    clip = codes_of(10, seed=99)
    clip[:, 100 : 100 + FOUR_S] = training["clip-2"][:, 700 : 700 + FOUR_S]
    found = index.report(clip)
    assert found.longest_run_s == FOUR_S / FRAMES_PER_S
    assert found.longest_run_of == "clip-2"
    assert found.longest_run_at_s == (100 / FRAMES_PER_S, 700 / FRAMES_PER_S)
    assert found.problem == "4.0 s are those of the training clip clip-2"
    n_ngrams = clip.shape[1] - NGRAM_FRAMES + 1
    assert found.shared_ngrams == pytest.approx((FOUR_S - NGRAM_FRAMES + 1) / n_ngrams)
    assert not found.accepted


@pytest.mark.parametrize(("frames_over", "told"), [(0, "100% of 3 s"), (1, "3.0 s")])
def test_a_run_as_long_as_the_limit_is_a_passage_and_a_longer_one_a_run(index, training, frames_over, told):
    n = int(LIMIT_S * FRAMES_PER_S) + frames_over
    clip = np.concatenate([codes_of(1, seed=98), training["clip-1"][:, 50 : 50 + n], codes_of(1, seed=99)], axis=1)
    found = index.report(clip)
    assert found.longest_run_s == n / FRAMES_PER_S
    assert found.problem == f"{told} are those of the training clip clip-1"


def with_errors(codes: np.ndarray, *, every: int) -> np.ndarray:
    """A copy in which one frame of so many has another code."""
    copy = codes.astype(int)
    copy[:, ::every] = (copy[:, ::every] + 1) % N_CODES
    return copy


@pytest.mark.parametrize("at", [0, 129, 430 - 129])
def test_a_copy_with_other_codes_now_and_then_is_caught(index, training, at):
    n = round(PASSAGE_S * FRAMES_PER_S)
    clip = codes_of(10, seed=99)
    clip[:, at : at + n] = with_errors(training["clip-3"][:, 600 : 600 + n], every=6)
    found = index.report(clip)
    assert found.longest_run_s == 5 / FRAMES_PER_S
    assert found.passage_share == pytest.approx(5 / 6, abs=0.01)
    assert found.passage_of == "clip-3"
    assert found.problem == "83% of 3 s are those of the training clip clip-3"
    assert not found.accepted


def test_half_a_passage_is_accepted(index, training):
    clip = codes_of(10, seed=99)
    n = int(PASSAGE_S * FRAMES_PER_S * PASSAGE_LIMIT)
    clip[:, 50 : 50 + n] = training["clip-3"][:, 600 : 600 + n]
    found = index.report(clip)
    assert found.passage_share == pytest.approx(PASSAGE_LIMIT, abs=0.01)
    assert found.accepted
    assert index.report(training["clip-1"][:, :43]).accepted  # one second is no passage


def test_a_passage_in_five_minutes_is_found(index, training):
    clip = codes_of(300, seed=99)
    clip[:, 9000:9200] = with_errors(training["clip-1"][:, 1000:1200], every=7)
    found = index.report(clip)
    assert found.passage_share == pytest.approx(6 / 7, abs=0.01)
    assert found.passage_of == "clip-1"


def test_other_fine_codes_hide_no_copy(index, training):
    copy = np.concatenate([training["clip-0"][:1], codes_of(30, seed=99)[1:]])
    assert not index.report(copy).accepted


def test_a_run_ends_with_the_training_clip(index, training):
    both = np.concatenate([training["clip-1"][:, -100:], training["clip-2"][:, :100]], axis=1)
    assert index.report(both).longest_run_s == 100 / FRAMES_PER_S


def test_a_steady_sound_means_nothing():
    held = np.full((4, 900), 7)
    index = OriginalityIndex.build([("silence", held), ("other", codes_of(5, seed=1))])
    found = index.report(held[:, :430])
    assert found.longest_run_s == STEADY_FRAMES / FRAMES_PER_S
    assert found.shared_ngrams == 0.0
    assert found.accepted


def test_a_copy_that_holds_a_note_longer_is_still_one(training):
    original = training["clip-4"].copy()
    original[:, 400:430] = original[:, [400]]
    index = OriginalityIndex.build([("clip-4", original)])
    copy = np.insert(original[:, 300:600], [120] * 50, original[:, [420]], axis=1)
    found = index.report(copy)
    assert found.longest_run_s == (300 - 30 + STEADY_FRAMES) / FRAMES_PER_S
    assert found.longest_run_at_s == (0.0, 300 / FRAMES_PER_S)
    after = index.report(copy[:, 200:])  # begins behind the held note: places are those of the frames as they were
    assert after.longest_run_at_s == (0.0, 450 / FRAMES_PER_S)


def test_frames_that_were_brought_along_are_not_counted(index, training):
    clip = codes_of(10, seed=99)
    clip[:, :300] = training["clip-0"][:, :300]
    given = np.zeros(clip.shape[1], bool)
    given[:250] = True
    assert index.report(clip, given=given) == index.report(clip, given=slice(250))
    found = index.report(clip, given=given)
    assert found.longest_run_s == 50 / FRAMES_PER_S  # what the generator wrote after them still is
    assert found.longest_run_at_s == (250 / FRAMES_PER_S, 250 / FRAMES_PER_S)
    assert found.shared_ngrams == pytest.approx((50 - NGRAM_FRAMES + 1) / (clip.shape[1] - 250 - NGRAM_FRAMES + 1))
    nothing = index.report(clip, given=slice(None))
    assert (nothing.longest_run_s, nothing.passage_share) == (0, 0)


@pytest.mark.parametrize("n_frames", [1, NGRAM_FRAMES - 1, NGRAM_FRAMES])
def test_a_clip_of_few_frames_has_an_answer(index, training, n_frames):
    found = index.report(training["clip-0"][:, :n_frames])
    assert found.longest_run_s == n_frames / FRAMES_PER_S
    assert found.shared_ngrams == (n_frames == NGRAM_FRAMES)


def test_with_more_codebooks_all_of_them_must_agree(training):
    index = OriginalityIndex.build(training.items(), n_compared=2)
    assert not index.report(training["clip-0"]).accepted
    assert index.report(np.concatenate([training["clip-0"][:1], codes_of(30, seed=99)[1:]])).accepted


def test_an_index_that_was_saved_answers_as_before(index, training, tmp_path):
    card = index.save(tmp_path / "one", CARD)
    assert (card["kind"], card["n_clips"]) == (KIND, 5)
    again = OriginalityIndex.load(tmp_path / "one")
    for codes in (training["clip-2"], codes_of(10, seed=99)):
        assert again.report(codes) == index.report(codes)
    OriginalityIndex.build(training.items()).save(tmp_path / "two", CARD)
    assert (tmp_path / "two" / "weights.npz").read_bytes() == (tmp_path / "one" / "weights.npz").read_bytes()
    (tmp_path / "two" / "weights.npz").write_bytes(b"others")
    with pytest.raises(IntegrityError, match="the card says"):
        OriginalityIndex.load(tmp_path / "two")


def test_the_report_is_json(index, training):
    written = json.loads(json.dumps(index.report(training["clip-3"][:, :430]).to_dict()))
    assert written == {
        "longest_run_s": 9.985,
        "longest_run_of": "clip-3",
        "longest_run_at_s": [0.0, 0.0],
        "shared_ngrams": 1.0,
        "passage_share": 1.0,
        "passage_of": "clip-3",
        "limit_s": LIMIT_S,
        "passage_limit": PASSAGE_LIMIT,
        "accepted": False,
    }
    assert index.report(codes_of(5, seed=99)).to_dict()["longest_run_at_s"] is None


GOOD = np.zeros((4, 20), int)


@pytest.mark.parametrize(
    ("clips", "settings", "message"),
    [
        ([], {}, "0 clips of 0 names"),
        ([("a", GOOD), ("a", GOOD)], {}, "2 clips of 1 names"),
        ([("a", GOOD[0])], {}, r"codes int64 \(20,\): expected whole numbers"),
        ([("a", GOOD[:, :0])], {}, "expected whole numbers"),
        ([("a", GOOD.astype(float))], {}, "codes float64"),
        ([("a", GOOD - 1)], {}, "codes from -1 to -1: expected 0 to 1023"),
        ([("a", GOOD + 1024)], {}, "codes from 1024 to 1024"),
        ([("a", GOOD[:1])], {"n_compared": 2}, r"expected whole numbers \(2 or more, frames\)"),
        ([("a", GOOD)], {"n_compared": 4}, "n_compared=4: expected 1 to 3 codebooks"),
        ([("a", GOOD)], {"n_codes": 1}, "n_codes=1: expected 2 to 1024"),
    ],
)
def test_what_is_no_training_material_is_refused(clips, settings, message):
    with pytest.raises(ModelError, match=message):
        OriginalityIndex.build(clips, **settings)


@pytest.mark.parametrize(
    ("codes", "given", "message"),
    [
        (GOOD + 1024, None, "codes from 1024"),
        (GOOD, np.zeros(19, bool), r"given frames bool \(19,\): expected bool \(20,\)"),
        (GOOD, np.zeros(20, int), "given frames int64"),
    ],
)
def test_what_is_no_clip_is_refused(index, codes, given, message):
    with pytest.raises(ModelError, match=message):
        index.report(codes, given=given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": None}, "KeyError\\('text'\\)"),
        ({"n_codes": np.zeros(2)}, "no originality index: TypeError"),
        ({"skipped": np.zeros(3)}, r"\(3,\) frames skipped in a text of \(22,\)"),
        ({"ids": np.array(["a"])}, "2 clips of 1 names"),
        ({"suffixes": np.zeros(3, int)}, "expected the 22 places"),
    ],
)
def test_arrays_that_do_not_fit_are_no_index(tmp_path, changes, message):
    index = OriginalityIndex.build([("a", codes_of(0.232, seed=1)), ("b", codes_of(0.232, seed=2))])
    index.save(tmp_path, CARD)
    with np.load(tmp_path / "weights.npz") as file:
        arrays = dict(file) | changes
    with pytest.raises(ModelError, match=message):
        OriginalityIndex({name: array for name, array in arrays.items() if array is not None})
