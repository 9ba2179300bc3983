"""A song sounds at the pitch, time and length that it is written for, and what is missing is named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import datasets.rendering as module
from datasets.composers.instruments import Instrument, Voice
from datasets.composers.song import Mix, Note, Part, Song
from datasets.errors import DatasetError
from datasets.rendering import RendererMissing, find_sound_font, render

SR = 16000
HEADER = b"RIFF\x10\x00\x00\x00sfbk"  # with which every sound font begins
FLUTE = Part("flute", Instrument(0, 73), (Note(0.0, 2.0, 69, 100),), reverb=0.0)
PLAIN = Mix(room=0.0, compression=0.0)
A4 = Song("classical", 60.0, 9, "major", 4, (), (FLUTE,), PLAIN)


def sound_font() -> Path | None:
    try:
        return find_sound_font()
    except RendererMissing:
        return None


FONT = sound_font()
needs_renderer = pytest.mark.skipif(
    FONT is None, reason="no fluidsynth or sound font (apt install fluidsynth fluid-soundfont-gm)"
)


def rendered(song: Song = A4, *, seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    return render(song, seconds=seconds, sound_font=FONT, seed=seed, sr=SR)


def loudest_hz(y: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(y.mean(axis=1) * np.hanning(len(y))))
    return float(np.fft.rfftfreq(len(y), 1 / SR)[power.argmax()])


def onset_s(y: np.ndarray) -> float:
    level = np.abs(y).max(axis=1)
    return float(np.argmax(level > 0.1 * level.max()) / SR)


@pytest.fixture(scope="module")
def a4() -> np.ndarray:
    return rendered()


@needs_renderer
def test_a4_is_440_hz(a4):
    assert loudest_hz(a4) == pytest.approx(440, abs=2)


@needs_renderer
def test_an_octave_higher_is_twice_the_frequency():
    assert loudest_hz(rendered(A4.transposed(12))) == pytest.approx(880, abs=4)


@needs_renderer
def test_twice_the_tempo_brings_a_note_in_half_the_time():
    late = replace(
        A4, parts=(replace(FLUTE, instrument=Instrument(0, 12), notes=(Note(2.0, 1.0, 69, 110),)),)
    )  # marimba
    slow, fast = (onset_s(rendered(replace(late, tempo_bpm=bpm), seconds=3.0)) for bpm in (60.0, 120.0))
    assert slow == pytest.approx(2.0, abs=0.03)
    assert fast == pytest.approx(1.0, abs=0.03)


@needs_renderer
def test_the_same_seed_gives_the_same_samples_and_another_one_other_hiss(a4):
    assert np.array_equal(rendered(), a4)
    hissing = replace(A4, mix=replace(PLAIN, hiss_db=-40.0))
    first, again, other = (rendered(hissing, seconds=0.5, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@needs_renderer
@pytest.mark.parametrize("seconds", [0.3333, 1.00003, 4.0])
def test_a_clip_has_the_length_that_was_asked_for(seconds):
    y = rendered(seconds=seconds)
    assert y.shape == (round(seconds * SR), 2)
    assert y.dtype == np.float32
    assert 0 < np.abs(y).max() < 1


@needs_renderer
def test_a_song_that_ends_early_ends_in_silence(a4):
    y = rendered(seconds=4.0)
    assert np.abs(y[3 * SR :]).max() < 1e-3 < np.abs(y[: 2 * SR]).max()


@needs_renderer
def test_a_song_without_parts_is_silent():
    assert not rendered(replace(A4, parts=()), seconds=0.5).any()


@needs_renderer
@pytest.mark.parametrize(("drive", "at_most"), [(0.0, 0.5), (0.7, 1e-6)])
def test_a_part_stands_where_it_is_panned(drive, at_most):
    """The sound font's presets have a pan of their own, which an amplifier in mono has not."""
    for pan in (-1.0, 1.0):
        y = rendered(replace(A4, parts=(replace(FLUTE, pan=pan, drive=drive),)), seconds=1.0)
        near, far = np.square(y).sum(axis=0)[:: -1 if pan > 0 else 1]
        assert far < at_most * near


@needs_renderer
def test_drive_adds_overtones(a4):
    driven = rendered(replace(A4, parts=(replace(FLUTE, drive=1.0),)))

    def above_1500_hz(y):
        power = np.square(np.abs(np.fft.rfft(y.mean(axis=1))))
        return power[int(1500 * len(y) / SR) :].sum() / power.sum()

    assert above_1500_hz(driven) > 5 * above_1500_hz(a4)


def test_a_song_of_voices_needs_no_synthesiser(tmp_path):
    singer = replace(FLUTE, voice=Voice("sung", tract_cm=14.0, centre=69))
    y = render(replace(A4, parts=(singer,)), seconds=1.0, sound_font=tmp_path / "none.sf2", sr=SR)
    assert y.shape == (SR, 2)
    assert y.any()


def test_without_the_program_the_advice_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    advice = "the program fluidsynth is not installed; on Debian and Ubuntu: apt install fluidsynth fluid-soundfont-gm"
    with pytest.raises(RendererMissing, match=advice):
        find_sound_font()
    with pytest.raises(RendererMissing, match=advice):
        render(A4, seconds=0.5, sound_font=tmp_path / "any.sf2", sr=SR)


@pytest.fixture
def program(monkeypatch, tmp_path) -> Path:
    """A fluidsynth that is there, whatever it does."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "fluidsynth"
    path.write_text("#!/bin/sh\nexit 0\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("GENRELAB_SOUND_FONT", raising=False)
    return path


def test_without_a_font_the_advice_says_how_to_get_it(program, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "FONT_FOLDERS", (str(tmp_path),))
    with pytest.raises(
        RendererMissing, match=r"no sound font FluidR3_GM\.sf2 in .*; on Debian and Ubuntu: apt install"
    ):
        find_sound_font()


def test_the_font_is_the_one_given_then_the_one_named_then_the_systems(program, monkeypatch, tmp_path):
    given, named, of_system = (tmp_path / name for name in ("given.sf2", "named.sf2", "FluidR3_GM.sf2"))
    for path in (given, named, of_system):
        path.write_bytes(HEADER)
    monkeypatch.setattr(module, "FONT_FOLDERS", (str(tmp_path),))
    assert find_sound_font() == of_system
    monkeypatch.setenv("GENRELAB_SOUND_FONT", str(named))
    assert find_sound_font() == named
    assert find_sound_font(given) == given


@pytest.mark.parametrize("by_environment", [True, False])
def test_a_font_that_is_not_there_is_named(program, monkeypatch, tmp_path, by_environment):
    missing = tmp_path / "missing.sf2"
    if by_environment:
        monkeypatch.setenv("GENRELAB_SOUND_FONT", str(missing))
    with pytest.raises(RendererMissing, match=r"missing\.sf2: no sound font there; give the path"):
        find_sound_font(None if by_environment else missing)


@pytest.mark.parametrize("content", [b"", b"no sound font at all", b"RIFF\x10\x00\x00\x00WAVE"])
def test_a_file_that_is_no_font_is_not_found_as_one(program, tmp_path, content):
    path = tmp_path / "song.sf2"
    path.write_bytes(content)
    with pytest.raises(RendererMissing, match=r"song\.sf2: no sound font by its content"):
        find_sound_font(path)


@needs_renderer
@pytest.mark.parametrize("content", [b"", b"no sound font at all", HEADER + b"LIST\x00\x00\x00\x00"])
def test_a_broken_font_is_an_error_that_says_so(tmp_path, content):
    broken = tmp_path / "broken.sf2"
    broken.write_bytes(content)
    with pytest.raises(DatasetError, match="fluidsynth could not play the song: fluidsynth: error"):
        render(A4, seconds=0.5, sound_font=broken, sr=SR)


def test_what_the_program_says_is_in_the_error(program, tmp_path):
    program.write_text("#!/bin/sh\necho out of strings >&2\nexit 3\n")
    with pytest.raises(DatasetError, match="fluidsynth could not play the song: out of strings"):
        render(A4, seconds=0.5, sound_font=tmp_path / "any.sf2", sr=SR)


def test_a_program_that_writes_nothing_is_an_error(program, tmp_path):
    with pytest.raises(DatasetError, match="fluidsynth could not play the song: exit code 0"):
        render(A4, seconds=0.5, sound_font=tmp_path / "any.sf2", sr=SR)


def test_a_program_that_hangs_is_ended(program, monkeypatch, tmp_path):
    program.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    monkeypatch.setattr(module, "TIMEOUT_S", 0.2)
    with pytest.raises(DatasetError, match=r"fluidsynth did not finish a song within 0\.2 s"):
        render(A4, seconds=0.5, sound_font=tmp_path / "any.sf2", sr=SR)
