"""Views that do not fit are refused; windows of the scalogram are those of the backbone."""

import numpy as np
import pytest

from features.analysis import AnalysisSettings, analyse
from features.packet_scalogram import FRAMES_PER_SECOND, N_BANDS
from models.attribute_vector import N_ATTRIBUTES, attribute_vector
from models.errors import ModelError
from models.hybrid_input import N_EMBEDDING, N_TAGS, WINDOW_FRAMES, HybridInput, window_scalograms
from models.listening import listen
from models.segmentation import SEGMENT_HOP_S
from tests.support.audio_files import sound_file, tone
from tests.support.hybrid_inputs import hybrid_input
from tests.support.stand_in_models import StandInBackbone


def counted(n_frames: int) -> np.ndarray:
    """A scalogram whose frames carry their number."""
    return np.repeat(np.arange(n_frames, dtype=np.float32)[:, np.newaxis], N_BANDS, axis=1)


def test_a_window_is_three_seconds_of_frames():
    assert WINDOW_FRAMES == 94  # 93.75, rounded up


@pytest.mark.parametrize("n_windows", [1, 2, 7, 40])
def test_windows_start_where_those_of_the_backbone_do(n_windows):
    windows = window_scalograms(counted(5000), n_windows)
    assert windows.shape == (n_windows, 94, 71)
    starts = windows[:, 0, 0]
    assert np.abs(starts - np.arange(n_windows) * SEGMENT_HOP_S * FRAMES_PER_SECOND).max() <= 0.5
    np.testing.assert_array_equal(windows[:, :, 0] - starts[:, np.newaxis], np.tile(np.arange(94), (n_windows, 1)))
    np.testing.assert_array_equal(windows[:, :, 0], windows[:, :, 70])


def test_a_recording_of_exactly_one_window_is_that_window():
    np.testing.assert_array_equal(window_scalograms(counted(94), 1), counted(94)[np.newaxis])


@pytest.mark.parametrize("n_frames", [1, 20, 47, 93])
def test_a_shorter_one_is_repeated(n_frames):
    (window,) = window_scalograms(counted(n_frames), 1)
    np.testing.assert_array_equal(window[:, 0], np.arange(94) % n_frames)


def test_a_frame_that_is_lacking_at_the_end_is_the_last_one():
    # Windows begin at frames 0, 47, 94 and 141; the last one would end one frame beyond the recording.
    assert window_scalograms(counted(234), 4)[-1, -2:, 0].tolist() == [233, 233]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"taggram": np.zeros((2, 49))}, r"taggram of shape \(2, 49\), expected \(2, 50\)"),
        ({"taggram": np.zeros((0, 50)), "embedding": None, "scalogram": None}, r"taggram .* one window or more"),
        ({"embedding": np.zeros((3, N_EMBEDDING))}, r"embedding of shape \(3, 200\), expected \(2, 200\)"),
        ({"scalogram": np.zeros((2, 93, N_BANDS))}, r"scalogram of shape \(2, 93, 71\), expected \(2, 94, 71\)"),
        ({"scalogram": np.zeros((94, N_BANDS))}, r"scalogram of shape \(94, 71\)"),
        ({"attributes": np.zeros(N_ATTRIBUTES + 1)}, "attributes of shape"),
        ({"attributes": np.zeros((1, N_ATTRIBUTES))}, "attributes of shape"),
    ],
)
def test_views_that_do_not_fit_are_refused(change, words, rng):
    good = hybrid_input(rng, n_windows=2)
    views = {name: getattr(good, name) for name in ("taggram", "embedding", "scalogram", "attributes")}
    with pytest.raises(ModelError, match=words):
        HybridInput(**views | change)


def test_it_says_which_views_it_has(rng):
    assert hybrid_input(rng).present.tolist() == [True, True, True]
    assert hybrid_input(rng, views=("musicnn", "attributes")).present.tolist() == [True, False, True]
    alone = HybridInput(np.zeros((3, N_TAGS)))
    assert (len(alone), alone.present.tolist()) == (3, [True, False, False])


def test_choosing_windows_chooses_in_every_view_by_window(rng):
    recording = hybrid_input(rng, n_windows=4)
    chosen = recording[[3, 0, 3]]
    for name in ("taggram", "embedding", "scalogram"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(recording, name)[[3, 0, 3]])
    np.testing.assert_array_equal(chosen.attributes, recording.attributes)
    assert HybridInput(np.zeros((3, N_TAGS)))[[1]].present.tolist() == [True, False, False]


@pytest.mark.parametrize("seconds", [0.7, 3.0, 8.0])
def test_what_was_heard_has_a_scalogram_under_every_window(seconds, tmp_path):
    path = tmp_path / "tone.wav"
    path.write_bytes(sound_file(tone(1000.0, seconds=seconds), format="WAV"))
    with analyse(path, AnalysisSettings(scalogram=True)) as run:
        heard = listen(run, StandInBackbone(), patch_hop=93.75)
    views = HybridInput.of(heard)
    assert views.present.all()
    assert len(views) == max(1, int((seconds - 3.0) / 1.5) + 1)
    np.testing.assert_array_equal(views.scalogram, window_scalograms(heard.analysis.scalogram, len(views)))
    np.testing.assert_array_equal(views.attributes, attribute_vector(heard.analysis.attributes))


def test_what_the_analysis_left_out_is_a_missing_view(tmp_path):
    path = tmp_path / "tone.wav"
    path.write_bytes(sound_file(tone(seconds=3.0), format="WAV"))
    with analyse(path, AnalysisSettings(scalogram=False, attributes=False)) as run:
        views = HybridInput.of(listen(run, StandInBackbone(), patch_hop=93.75))
    assert views.present.tolist() == [True, False, False]
