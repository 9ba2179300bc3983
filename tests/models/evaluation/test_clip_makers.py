from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from datasets.manifest import Manifest, Recording
from features.log_mel import SR, log_mel
from models.clip_wish import ClipWish
from models.errors import ModelError
from models.evaluation import clip_makers
from models.evaluation.clip_makers import AutoencodedRecordings, CodeBaseline, Composers, Sounding
from tests.support.heard_music import small_reference


class Loudness:
    """An autoencoder whose one code is how loud a frame is."""

    settings = SimpleNamespace(n_codebooks=1)

    def encode(self, S):
        return np.clip(np.round(S.max(axis=1)), 0, 10).astype(int)[np.newaxis]


@pytest.fixture
def sounding(monkeypatch):
    """Codes sound as their own numbers."""

    def sound(codes, *, autoencoder, vocoder, n_samples):
        yield np.repeat(codes[0], 512)[:n_samples].astype(np.float32)

    monkeypatch.setattr(clip_makers, "sound_of_codes", sound)
    return Sounding(Loudness(), None)


def test_a_baseline_is_told_the_plan_and_its_codes_are_heard(sounding):
    told = []

    def codes(plan, seed):
        told.append((plan.n_frames, seed))
        return np.full((1, plan.n_frames), 7)

    clip = CodeBaseline("sevens", ("blues", "jazz"), codes, sounding).make(ClipWish(genre="jazz", seconds=4, seed=5))
    assert (clip.sr, clip.samples().shape, set(clip.samples().tolist())) == (SR, (4 * SR,), {7.0})
    assert told == [(1 + -(-4 * SR // 512), 5)]


def test_a_recording_goes_through_codes_and_back(sounding):
    y = np.concatenate([np.zeros(SR), 0.5 * np.sin(np.arange(SR))]).astype(np.float32)
    heard = sounding.through(y)
    assert heard.shape == y.shape
    assert heard[: SR // 2].max() == 0
    assert heard[-SR // 2 :].min() == round(float(log_mel(y).max()))


@pytest.fixture
def recordings(tmp_path):
    """Ten recordings of blues as the small reference has them, 8 s each; the number is in the sound."""
    found = []
    for index in range(20):
        path = tmp_path / f"blues-{index:03d}.wav"
        soundfile.write(path, np.repeat([index / 100, index / 100 + 0.005], 4 * SR), SR, subtype="FLOAT")
        found.append(Recording(path, "blues", split="train", details={"tempo_bpm": 90.0 + index, "key": "C major"}))
    return Manifest("small", tuple(found))


def test_held_out_excerpts_never_overlap_nor_stand_in_the_other_half(recordings):
    reference = small_reference()
    maker = AutoencodedRecordings(recordings, reference, lambda y: y)
    wishes = maker.wishes(10, seconds=4.0, length_s=8.0)
    assert len(wishes) == 2 * 2  # two recordings of the first half are of the test part; two excerpts of each
    heard = [float(maker.make(wish).samples().mean()) for wish in wishes]
    first = np.flatnonzero(reference.halves()[0] & reference.of_split("test") & reference.of_genre("blues"))
    assert sorted(heard) == pytest.approx(sorted(i / 100 + half for i in first for half in (0, 0.005)), abs=1e-6)
    assert [wish.tempo_bpm for wish in wishes[:2]] == [90.0 + i for i in first]
    assert len(maker.wishes(3, seconds=4.0, length_s=8.0)) == 3
    with pytest.raises(ModelError, match="no held-out recordings of jazz; there are some of blues"):
        maker.make(ClipWish(genre="jazz"))


def test_another_corpus_has_no_such_recordings(recordings):
    with pytest.raises(ModelError, match="small holds none of the recordings of small-reference"):
        AutoencodedRecordings(recordings.select(recordings.recordings[:1]), small_reference(), lambda y: y)


def test_composers_play_what_is_wished_for_and_no_blends(monkeypatch, tmp_path):
    played = []

    def render(song, *, seconds, sound_font, seed, sr):
        played.append((song.tempo_bpm, song.key))
        return np.zeros((round(seconds * sr), 2), np.float32)

    monkeypatch.setattr(clip_makers, "find_sound_font", lambda: tmp_path)
    monkeypatch.setattr(clip_makers, "render", render)
    wish = ClipWish(genre="reggae", seconds=4, tempo_bpm=75.0, key="D minor")
    assert Composers().make(wish).samples().shape == (4 * SR,)
    assert played == [(75.0, "D minor")]
    with pytest.raises(ModelError, match="a blend of blues, jazz: composers write one genre at a time"):
        Composers().make(ClipWish(genre={"blues": 1, "jazz": 1}))
