"""Whether there is music: a gate made by hand, whose answers follow from its numbers, and the shipped one on sounds."""

import io
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from features.analysis import AnalysisSettings, analyse
from models.backbone import SEGMENT_HOP_FRAMES, Backbone
from models.errors import IntegrityError, ModelError
from models.listening import listen
from models.model_folder import load_weights, save_model
from models.music_gate import MOVEMENT_FLOOR, SHIPPED, SILENCE_DB, MusicGate, gate_features
from models.registry import SHIPPED_ACTIVE, ModelRegistry

SR = 16000
SECONDS = 12
T = np.arange(SECONDS * SR) / SR
N_TAGS = 2
STEADY, MOVING = np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([[0.1, 0.5], [0.9, 0.5]])
HIGH, LOW = np.full((3, N_TAGS), 0.99), np.full((3, N_TAGS), 0.01)


def arrays() -> dict[str, np.ndarray]:
    """A gate that knows four sounds by heart: what moves is music, the rest are steady sounds of three families."""
    support = np.array([gate_features(taggram) for taggram in (MOVING, STEADY, HIGH, LOW)])
    return {
        "centre": np.zeros(2 * N_TAGS),
        "spread": np.ones(2 * N_TAGS),
        "support": support,
        "weights": np.array([[1.0, 0, 0, 0], [-1.0, 1, 0, 0], [-1.0, 0, 1, 0], [-1.0, 0, 0, 1]]),
        "gamma": np.array(100.0),  # so narrow that each sound is like itself and nothing else
        "limit": np.array(0.5),
        "families": np.array(["tone", "speech", "whale"]),
    }


def heard(peak: float = 0.5) -> SimpleNamespace:
    return SimpleNamespace(peak=peak)


def test_features_are_where_the_tags_lie_and_how_much_they_move():
    odds = np.log(np.array([0.1, 0.9]) / np.array([0.9, 0.1]))
    expected = [0.0, 0.0, np.log(odds.std() + MOVEMENT_FLOOR), np.log(MOVEMENT_FLOOR)]
    np.testing.assert_allclose(gate_features(MOVING), expected, atol=1e-12)


def test_a_single_patch_has_no_movement(rng):
    patch = rng.uniform(0, 1, (1, 50)).astype(np.float32)
    once, five_times = gate_features(patch), gate_features(np.repeat(patch, 5, axis=0))
    np.testing.assert_array_equal(once[50:], np.log(MOVEMENT_FLOOR))
    np.testing.assert_allclose(once, five_times, atol=1e-12)


def test_the_order_of_the_patches_does_not_matter(rng):
    taggram = rng.uniform(0, 1, (9, 50))
    np.testing.assert_allclose(gate_features(taggram), gate_features(taggram[::-1]), atol=1e-12)


@pytest.mark.parametrize("extreme", [0.0, 1.0])
def test_activations_of_nothing_and_of_everything_are_numbers(extreme):
    assert np.isfinite(gate_features(np.full((4, 50), extreme, np.float32))).all()


@pytest.mark.parametrize(
    ("taggram", "reason"),
    [
        (MOVING, None),
        (STEADY, "does not sound like music: more like a tone or an alarm"),
        (HIGH, "does not sound like music: more like speech"),
        (LOW, "does not sound like music: more like whale"),  # a family that this version has no words for
    ],
)
def test_music_passes_and_the_rest_is_told_by_its_nearest_family(taggram, reason):
    gate = MusicGate(arrays())
    assert gate.decide(taggram, heard()) == reason
    assert gate.scores(taggram)[0] == pytest.approx(1 if reason is None else -1)


@pytest.mark.parametrize("limit", [1.0 - 1e-9, 1.0 + 1e-9])
def test_what_reaches_the_limit_passes(limit):
    gate = MusicGate(arrays() | {"limit": np.array(limit)})
    assert (gate.decide(MOVING, heard()) is None) == (limit < 1)


@pytest.mark.parametrize(
    ("taggram", "peak", "reason"),
    [
        (MOVING, 0.0, "digital silence"),
        (MOVING[:0], 0.0, "digital silence"),
        (MOVING, 10 ** ((SILENCE_DB - 1) / 20), "silence: nothing is louder than -80 dB for long"),
        (MOVING, 10 ** ((SILENCE_DB + 1) / 20), None),
        (MOVING[:0], 0.5, "silence: nothing is louder than -80 dB for long"),  # clicks, and nothing between them
    ],
)
def test_silence_is_told_before_anything_is_compared(taggram, peak, reason):
    assert MusicGate(arrays()).decide(taggram, heard(peak)) == reason


def test_a_gate_that_was_saved_answers_as_before(tmp_path):
    card = {"name": "mine", "version": "1", "kind": "gate", "created": "2026-01-01"}
    save_model(tmp_path / "mine", card, arrays())
    gate = MusicGate.load(tmp_path / "mine")
    for taggram in (MOVING, STEADY, HIGH, LOW):
        np.testing.assert_allclose(gate.scores(taggram), MusicGate(arrays()).scores(taggram), atol=1e-12)


@pytest.mark.parametrize("missing", sorted(arrays()))
def test_a_gate_without_an_array_is_none(missing):
    with pytest.raises(ModelError, match=f"no music gate: KeyError\\('{missing}'\\)"):
        MusicGate({name: array for name, array in arrays().items() if name != missing})


@pytest.mark.parametrize("changes", [{"gamma": np.zeros(3)}, {"limit": np.array("high")}, {"families": np.array(1)}])
def test_a_gate_of_other_arrays_is_none(changes):
    with pytest.raises(ModelError, match="no music gate"):
        MusicGate(arrays() | changes)


def test_a_folder_that_holds_no_gate_is_told(tmp_path):
    with pytest.raises(ModelError, match="a model of kind 'genre', expected 'gate'"):
        MusicGate.load(ModelRegistry().active("genre").path)
    card = {"name": "mine", "version": "1", "kind": "gate", "created": "2026-01-01"}
    save_model(tmp_path / "mine", card, arrays())
    (tmp_path / "mine" / "weights.npz").write_bytes(b"others")
    with pytest.raises(IntegrityError, match="the card says"):
        MusicGate.load(tmp_path / "mine")


def test_the_shipped_gate_loads_and_is_the_one_that_is_listed():
    assert ModelRegistry().active("gate").path == SHIPPED
    assert SHIPPED.name == SHIPPED_ACTIVE["gate"]
    card, shipped = load_weights(SHIPPED, kind="gate")
    assert MusicGate.load().scores(np.full((1, 50), 0.1)).shape == (1 + len(shipped["families"]),)
    assert card["backbone"] == "MSD_musicnn"


Decide = Callable[[np.ndarray], str | None]


@pytest.fixture(scope="module")
def decide(backbone_weights) -> Decide:
    """What the shipped gate says about samples at 16 kHz."""
    backbone, gate = Backbone.load(), MusicGate.load()

    def of(y: np.ndarray) -> str | None:
        file = io.BytesIO()
        soundfile.write(file, y, SR, format="WAV", subtype="FLOAT")
        with analyse(file, AnalysisSettings(attributes=False)) as run:
            found = listen(run, backbone, patch_hop=SEGMENT_HOP_FRAMES)
        return gate.decide(found.activations.taggram[found.sounding], found.analysis)

    return of


def noise(db: float) -> np.ndarray:
    return 10 ** (db / 20) * np.random.default_rng(0).standard_normal(T.size)


def siren(low: float, high: float) -> np.ndarray:
    """The two pitches in turn, half a second each."""
    return np.sin(2 * np.pi * np.cumsum(np.where(T % 1 < 0.5, low, high)) / SR)


SOUNDS = {
    "digital silence": (np.zeros(T.size), "digital silence"),
    "the noise floor of a good converter": (noise(-110), "silence"),
    "the noise floor of a quiet room": (noise(-65), "more like noise"),
    "white noise": (noise(-16), "more like noise"),
    "a tone": (0.5 * np.sin(2 * np.pi * 440 * T), "more like a tone or an alarm"),
    "a siren": (0.5 * siren(650, 850), "more like a tone or an alarm"),
    "an alarm clock": (0.5 * ((T * 2) % 1 < 0.5) * np.sin(2 * np.pi * 2000 * T), "more like a tone or an alarm"),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_what_is_no_music_is_refused_with_a_reason(decide, name):
    y, reason = SOUNDS[name]
    assert reason in str(decide(y))


def _struck(pitch: float, seconds: float, *, decay_s: float) -> np.ndarray:
    """A string: harmonics that fade away."""
    t = np.arange(int(seconds * SR)) / SR
    partials = [np.sin(2 * np.pi * k * pitch * t) / k**1.5 for k in range(1, 9) if k * pitch < SR / 2]
    return np.sum(partials, axis=0) * np.exp(-t / decay_s) * np.minimum(1, t / 0.005)


def _drum(kind: str, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(int(0.2 * SR)) / SR
    hiss = rng.standard_normal(t.size)
    match kind:
        case "kick":
            return 0.7 * np.sin(2 * np.pi * (50 * t + 2.4 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.08)
        case "snare":
            return 0.25 * (hiss + 0.5 * np.sin(2 * np.pi * 190 * t)) * np.exp(-t / 0.05)
    return 0.12 * np.diff(hiss, prepend=0) * np.exp(-t / 0.02)


def piece(seed: int, *, tempo_bpm: float) -> np.ndarray:
    """Chords, a bass, a melody and drums over C, a, F, G; the melody and the drums' hiss differ by seed."""
    rng = np.random.default_rng(seed)
    beat_s = 60 / tempo_bpm
    y = np.zeros(T.size + 3 * SR)

    def play(at_s: float, sound: np.ndarray) -> None:
        y[int(at_s * SR) :][: sound.size] += sound

    for beat in range(int(SECONDS / beat_s)):
        chord = ((60, 64, 67), (57, 60, 64), (53, 57, 60), (55, 59, 62))[beat // 4 % 4]
        pitches = [440 * 2 ** ((note - 69) / 12) for note in chord]
        play(beat * beat_s, 0.3 * _struck(pitches[0] / 4, beat_s, decay_s=0.4))
        play(beat * beat_s, _drum("snare" if beat % 2 else "kick", rng))
        for pitch in pitches if beat % 2 == 0 else ():
            play(beat * beat_s, 0.12 * _struck(pitch, 2 * beat_s, decay_s=0.8))
        for half in (0, 0.5):
            play((beat + half) * beat_s, _drum("hat", rng))
            play((beat + half) * beat_s, 0.15 * _struck(2 * pitches[rng.integers(3)], beat_s / 2, decay_s=0.25))
    return 0.8 * y[: T.size] / np.abs(y).max()


@pytest.mark.parametrize(("seed", "tempo_bpm"), [(0, 100), (1, 120), (2, 90), (3, 140)])
def test_a_piece_with_chords_and_drums_is_music(decide, seed, tempo_bpm):
    assert decide(piece(seed, tempo_bpm=tempo_bpm)) is None


def test_four_seconds_of_it_are_music_too(decide):
    assert decide(piece(0, tempo_bpm=100)[: 4 * SR]) is None


@pytest.mark.parametrize("gain_db", [-6, -12, -20])
def test_gain_does_not_change_the_answer(decide, gain_db):
    for y in (piece(0, tempo_bpm=100), noise(-16), SOUNDS["a tone"][0], SOUNDS["a siren"][0]):
        assert decide(y * 10 ** (gain_db / 20)) == decide(y)
