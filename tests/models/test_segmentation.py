import numpy as np
import pytest

from models.segmentation import runs_of, segments_of

GENRES = ("jazz", "metal")


def windows(*shares_of_jazz: float) -> np.ndarray:
    jazz = np.array(shares_of_jazz)
    return np.stack([jazz, 1 - jazz], axis=1)


def test_windows_are_3_s_long_every_1_5_s_and_end_with_the_recording():
    segments = segments_of(windows(0.9, 0.9, 0.2), np.ones(3, bool), genres=GENRES, duration_s=5.9)
    assert [(s.start_s, s.end_s, s.genre) for s in segments] == [
        (0.0, 3.0, "jazz"),
        (1.5, 4.5, "jazz"),
        (3.0, 5.9, "metal"),
    ]
    assert segments[2].probabilities == {"jazz": 0.2, "metal": 0.8}


def test_runs_meet_in_the_middle_of_the_overlap_and_cover_everything():
    p = windows(0.99, 0.99, 0.99, 0.01, 0.01, 0.01)
    runs = runs_of(p, np.ones(6, bool), genres=GENRES, duration_s=10.5)
    # Window 2 covers 3.0-6.0 s and window 3 covers 4.5-7.5 s: they share 4.5-6.0 s.
    assert [(r.start_s, r.end_s, r.genre) for r in runs] == [(0.0, 5.25, "jazz"), (5.25, 10.5, "metal")]
    assert runs[0].probabilities["jazz"] == pytest.approx(0.99)


def test_one_odd_window_does_not_break_a_run():
    runs = runs_of(windows(0.9, 0.9, 0.3, 0.9, 0.9), np.ones(5, bool), genres=GENRES, duration_s=9.0)
    assert [r.genre for r in runs] == ["jazz"]


def test_windows_without_music_have_no_genre_and_make_a_run_of_their_own():
    sounding = np.array([True, True, False, False, True])
    p = windows(0.9, 0.9, 0.5, 0.5, 0.9)
    assert [s.genre for s in segments_of(p, sounding, genres=GENRES, duration_s=9.0)] == [
        "jazz",
        "jazz",
        None,
        None,
        "jazz",
    ]
    assert [r.genre for r in runs_of(p, sounding, genres=GENRES, duration_s=9.0)] == ["jazz", None, "jazz"]


def test_a_single_window_is_a_single_run():
    (run,) = runs_of(windows(0.4), np.ones(1, bool), genres=GENRES, duration_s=1.2)
    assert (run.start_s, run.end_s, run.genre) == (0.0, 1.2, "metal")


def test_a_model_of_one_genre_is_one_run():
    (run,) = runs_of(np.ones((4, 1)), np.ones(4, bool), genres=("fado",), duration_s=7.5)
    assert (run.genre, run.end_s) == ("fado", 7.5)
