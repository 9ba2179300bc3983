import json
from dataclasses import replace

import numpy as np
import pytest

from models.clip_wish import ClipWish
from models.errors import ModelError
from models.evaluation.blends import Blend, blend_figures
from models.evaluation.generation import generation_report
from tests.support.heard_music import GENRES, small_judge, small_reference, takes_of


def report_of(takes, **settings):
    return generation_report(
        takes, source="a-generator", reference=small_reference(30), judge=small_judge(), **settings
    )


@pytest.fixture(scope="module")
def right():
    return report_of(takes_of(n=20))


def test_clips_that_are_as_real(right):
    accuracy = right["genre_accuracy"]
    assert accuracy["all"]["share"] > 0.9
    assert accuracy["all"]["n"] == 60
    assert accuracy["named"]["n"] == 40  # of blues and jazz, which the judge knows
    assert accuracy["per_genre"]["metal"]["on_real"] == 0.5
    distances = right["distances"]
    assert distances["nearest"] == {"n_genres": 3, "generated": 3, "real": 3}
    for row in (*distances["per_genre"].values(), distances["pooled"]):
        low, high = row["frechet"]["real"]["interval"]
        assert low < row["frechet"]["generated"]["value"] < 2 * high
        assert row["n"] == row["n_real"] > 0
    assert abs(distances["pooled"]["kernel"]["generated"]["value"]) < 5 * np.ptp(
        distances["pooled"]["kernel"]["real"]["interval"]
    )
    assert not distances["pooled"]["shrinkage"]
    assert (
        distances["pooled"]["extrapolated"]["generated"]["value"] < distances["pooled"]["frechet"]["generated"]["value"]
    )
    assert right["diversity"]["ratio"] == pytest.approx(1, abs=0.2)
    nearest = right["novelty"]["nearest_training_clip"]
    assert nearest["generated"]["median"] == pytest.approx(nearest["real"]["median"], rel=0.3)
    assert right["likeness"]["crest_factor_db"]["generated"]["overlap_area"] > 0.8
    assert right["statistics"]["jazz"]["spectral_distance_db"]["generated"] == pytest.approx(0, abs=1e-6)


def test_is_ready_for_json_and_the_same_again(right):
    assert json.loads(json.dumps(right, allow_nan=False)) == json.loads(json.dumps(report_of(takes_of(n=20))))


def test_what_the_makers_report(right):
    assert right["novelty"]["codes"] == {
        "n": 60,
        "limit_s": 3.0,
        "longest_run_s": pytest.approx(2.4),
        "mean_run_s": pytest.approx(1.45),
        "over_limit": 0,
        "mean_shared_ngrams": 0.25,
    }
    assert right["cost"] == {"n": 60, "wall_s": 2.0, "cpu_s": 4.0, "realtime_factor": 5.0, "retried": 0.0}
    silent = [replace(take, report={}) for take in takes_of(n=2)]
    report = report_of(silent)
    assert report["novelty"]["codes"] is None
    assert report["cost"] is None
    more = report_of(silent, controlled=takes_of(n=2))
    assert more["novelty"]["codes"]["n"] == 6  # clips that ask for more than a genre copy nothing either


def test_clips_of_the_wrong_genres_are_found_out():
    report = report_of(takes_of(sounds_like=("jazz", "metal", "blues"), n=6))
    assert report["genre_accuracy"]["all"]["share"] < 0.1
    assert report["genre_accuracy"]["confusion"][0][1] >= 5  # blues that is heard as jazz
    assert report["distances"]["nearest"]["generated"] == 0
    assert min(row["frechet"]["ratio"] for row in report["distances"]["per_genre"].values()) > 3


def test_a_shift_of_everything_is_a_distance_though_genres_stay_apart():
    report = report_of(takes_of(shift=3.0, n=6))
    assert report["distances"]["nearest"]["generated"] == 3
    kernel = report["distances"]["pooled"]["kernel"]
    assert kernel["generated"]["interval"][0] > kernel["real"]["interval"][1]
    assert report["distances"]["pooled"]["frechet"]["ratio"] > 5


def test_copies_of_one_clip_are_neither_diverse_nor_new():
    takes = takes_of(n=4)
    reference = small_reference(30)
    train = np.flatnonzero(reference.of_split("train"))[0]
    copied = reference.embedding[reference.recording == train][:3]
    report = report_of([replace(take, embedding=copied) for take in takes if take.genre == GENRES[0]])
    assert report["diversity"]["ratio"] == 0
    assert report["distances"]["per_genre"]["blues"]["n_clips"] == 4


def test_tempo_and_key_of_clips_that_ask_for_them():
    asked = [
        takes_of(["blues"], 4, wish={"tempo_bpm": bpm, "key": key})
        for bpm, key in ((100.0, "A minor"), (50.0, "C major"), (85.0, "E minor"), (102.0, "Eb major"))
    ]
    report = report_of(takes_of(n=2), controlled=[take for takes in asked for take in takes])
    tempo, key = report["tempo"]["generated"], report["key"]["generated"]
    assert (tempo["right"]["share"], tempo["right_or_octave"]["share"]) == (0.5, 0.75)
    assert tempo["relations"] == {"right": 8, "double": 4, "other": 4}
    assert (key["right"]["share"], key["right_or_related"]["share"]) == (0.25, 0.5)
    assert key["relations"] == {"right": 4, "relative": 4, "other": 8}
    assert key["mirex_score"] == pytest.approx((1 + 0.3) / 4)
    assert report["tempo"]["real"]["right"] == {"n": 30, "share": 1.0, "interval": [1.0, 1.0]}
    assert report_of(takes_of(n=2))["tempo"] is None


def test_only_held_out_recordings():
    report = report_of(takes_of(n=4), splits=("test",))
    assert report["distances"]["per_genre"]["jazz"]["n_reference"] == 3 * 6
    assert report["statistics"]["jazz"]["n_real"] == 6


def blended(shares):
    """What a judge answers who hears these shares of jazz in blends with blues: two clips each."""
    found = []
    for wished, heard in zip((0, 0.25, 0.5, 0.75, 1), shares, strict=True):
        for _ in range(2):
            take = replace(takes_of(["blues"], 1)[0], judged=np.array([1 - heard, heard, 0]) * 0.5)
            found.append((Blend("blues", "jazz", wished, ClipWish(genre={"blues": 1 - wished, "jazz": wished})), take))
    return found


@pytest.mark.parametrize(
    ("shares", "rises", "to_a_point"),
    [
        ((0.1, 0.2, 0.2, 0.8, 0.9), True, True),
        ((0.1, 0.3, 0.2, 0.8, 0.9), False, False),
        ((0.1, 0.2, 0.5, 0.98, 0.975), False, True),
        ((0.3, 0.3, 0.3, 0.3, 0.3), False, False),
        ((0.3, 0.3, 0.3, 0.3, 0.305), True, False),
    ],
)
def test_blends(shares, rises, to_a_point):
    found = blend_figures(blended(shares), small_judge())
    assert found["pairs"][0]["shares"] == pytest.approx(list(shares))
    assert (found["n_pairs"], found["rising"], found["pairs"][0]["n_per_share"]) == (1, int(rises), 2)
    assert found["rising_to_a_point"] == int(to_a_point)
    assert found["pairs"][0]["answers"] == pytest.approx([0.5 * share for share in shares])
    assert found["answers_rising"] == int(rises)


def test_a_clip_that_is_taken_for_a_third_genre_has_little_of_either():
    """Of the two genres it seems to be the second alone, and of the whole answer hardly anything."""
    blends = blended((0.1, 0.2, 0.3, 0.8, 0.9))
    blends[1] = blends[1][0], replace(blends[1][1], judged=np.array([0.0, 0.01, 0.99]))
    (pair,) = blend_figures(blends, small_judge())["pairs"]
    assert pair["shares"][0] == pytest.approx((0.1 + 1) / 2)
    assert pair["answers"][0] == pytest.approx((0.05 + 0.01) / 2)
    assert (pair["answer_rises"], pair["answer_rises_to_a_point"]) == (True, True)
    assert (pair["rises"], pair["rises_to_a_point"]) == (False, False)


@pytest.mark.parametrize(
    ("takes", "message"),
    [
        ([], "no clips to report of"),
        ([replace(take, wish=ClipWish(genre="waltz")) for take in takes_of(n=2)], "waltz"),
    ],
)
def test_refuses(takes, message):
    with pytest.raises(ModelError, match=message):
        report_of(takes)
