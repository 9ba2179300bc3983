"""A voice by source and filter: what sings and speaks where the sound font has nobody.

The vocal folds are a band-limited sawtooth (glottal flow falls by 12 dB an octave, the lips give 6 back) whose pitch
glides, trembles and jitters; breath and consonants are noise. Five formants, moving from syllable to syllable, colour
both. The words mean nothing: syllables are drawn from common consonants and the vowels of American English.

To let a part sing, give it a `Voice` and one note a syllable:
``Part("lead", palette.pick(VOICE_LEAD), notes, voice=palette.pick_voice("female"))``, with notes about an octave
around `voice.centre`. Notes that touch are sung legato, and short ones among them on the vowel before. Harmonies are
further parts. With `delivery="spoken"` pitches fall as in speech: rap, toasting; `roughness` makes a growl.

References
----------
Fant, Acoustic Theory of Speech Production, Mouton, 1960.
Peterson and Barney, "Control methods used in a study of the vowels", JASA 24(2), 1952: the formants.
Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67(3), 1980: consonants as loci and noise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from datasets.composers.instruments import Voice
from datasets.composers.song import Note

VOICE_SR = 22050  # Hz at which it is computed
HOP = 128  # samples between frames of the filter
WINDOW = 2 * HOP
N_FFT = 1024  # leaves 35 ms for a formant to ring
REFERENCE_TRACT_CM = 17.0  # of the speakers whose formants are below
VOWELS = {  # Hz, men's
    "i": (270, 2290, 3010),
    "I": (390, 1990, 2550),
    "E": (530, 1840, 2480),
    "ae": (660, 1720, 2410),
    "a": (730, 1090, 2440),
    "O": (570, 840, 2410),
    "U": (440, 1020, 2240),
    "u": (300, 870, 2240),
    "A": (640, 1190, 2390),
    "er": (490, 1350, 1690),
}
NUCLEI = (("a", "I"), ("E", "I"), ("O", "U"), ("a", "U"), ("i", "i"), ("I", "I"), ("ae", "ae"), ("A", "A"), ("u", "u"),
          ("E", "E"), ("O", "O"), ("er", "er"))  # fmt: skip
HIGH_FORMANTS = (3500.0, 4500.0)
BANDWIDTHS = (70.0, 90.0, 130.0, 220.0, 320.0)
HIGHER_POLES_HZ = 3000.0  # from here on the formants above the fifth, which are left out, would lift the spectrum
SHORTEST_S = 0.02  # of a note that is heard
LEGATO_GAP_S = 0.06  # between notes that are sung in one breath
MELISMA = 0.3  # chance that a legato note has no syllable of its own
VIBRATO_HZ, VIBRATO_SEMITONES = 5.5, 0.35
BREATH = 0.12  # level of a wholly breathy voice's noise, folds at 1
EVENNESS = 0.5  # of the vowels' levels: 0 as the mouth gives them, 1 all alike, as through a compressor
EVENNESS_FRAMES = 30
LEVEL = 0.05  # RMS of a voice at velocity 100


@dataclass(frozen=True)
class Consonant:
    """What precedes a vowel: `closed_s` with `voicing` (0 to 1) while the formants come from `locus_hz`, then noise.

    The noise lasts `noise_s`, is as loud as `noise` and has its peak at `noise_hz`; 0 Hz lets it through the formants.
    """

    closed_s: float
    voicing: float
    locus_hz: tuple[float, float, float]
    noise_s: float = 0.0
    noise: float = 0.0
    noise_hz: float = 0.0


CONSONANTS = (
    Consonant(0.05, 0.0, (250, 900, 2200), 0.02, 0.5, 900),  # p
    Consonant(0.05, 0.0, (250, 1750, 2700), 0.03, 0.9, 4200),  # t
    Consonant(0.05, 0.0, (250, 2000, 2500), 0.03, 0.8, 2000),  # k
    Consonant(0.04, 0.25, (220, 900, 2200), 0.008, 0.4, 900),  # b
    Consonant(0.04, 0.25, (220, 1750, 2700), 0.01, 0.6, 4000),  # d
    Consonant(0.04, 0.25, (220, 2000, 2400), 0.012, 0.5, 2000),  # g
    Consonant(0.0, 0.0, (300, 1700, 2600), 0.07, 0.7, 6500),  # s
    Consonant(0.0, 0.0, (300, 1900, 2500), 0.07, 0.7, 3200),  # sh
    Consonant(0.0, 0.0, (300, 1000, 2300), 0.06, 0.25, 7000),  # f
    Consonant(0.0, 0.0, (500, 1500, 2500), 0.05, 0.35, 0),  # h
    Consonant(0.06, 0.5, (260, 1100, 2200)),  # m
    Consonant(0.05, 0.5, (260, 1650, 2600)),  # n
    Consonant(0.05, 0.7, (360, 1100, 2700)),  # l
    Consonant(0.05, 0.7, (330, 1150, 1500)),  # r
    Consonant(0.05, 0.6, (300, 700, 2200)),  # w
    Consonant(0.04, 0.6, (280, 2200, 3000)),  # y
)


def vocalise(
    notes: Sequence[Note], voice: Voice, *, tempo_bpm: float, seconds: float, text: int, rng: np.random.Generator
) -> np.ndarray:
    """The sound of a voice, dry.

    Parameters
    ----------
    notes : sequence of Note
        One at a time: a note ends where the next begins.
    voice : Voice
        Whose.
    tempo_bpm : float
        Quarter notes per minute.
    seconds : float
        Length; notes after it are not heard.
    text : int
        Seed of the syllables: voices that share it sing the same one on the same beat.
    rng : np.random.Generator
        For breath and the unevenness of pitch.

    Returns
    -------
    np.ndarray, shape (round(seconds * VOICE_SR),), float32
        Mono at `VOICE_SR`.
    """
    n_samples = round(seconds * VOICE_SR)
    sung = _one_at_a_time(notes, 60 / tempo_bpm, seconds)
    if not sung:
        return np.zeros(n_samples, np.float32)
    track = _articulated(sung, voice, n_samples // HOP + 2, text)
    pitch = _pitch_contour(sung, voice, len(track.voicing), rng)
    folds, breath = _vocal_folds(pitch, voice, rng), rng.standard_normal(len(track.voicing) * HOP).astype(np.float32)
    return _filtered(folds, breath, track, voice)[:n_samples]


@dataclass(frozen=True)
class _Sung:
    """A note in seconds."""

    start: float
    end: float
    pitch: int
    strength: float
    legato: bool  # the note before goes on into it
    place: int  # in the piece, in eighths of a beat: what its syllable is drawn by


@dataclass(frozen=True)
class _Syllable:
    """What is sung on a note; without a consonant the vowel before goes on."""

    note: _Sung
    nucleus: tuple[str, str]
    consonant: Consonant | None

    @property
    def onset(self) -> float:
        """Second at which the mouth closes, before the note."""
        if self.consonant is None:
            return self.note.start
        return max(self.note.start - self.consonant.closed_s - self.consonant.noise_s, 0.0)

    @property
    def closed_level(self) -> float:
        """Of the folds while the mouth is closed."""
        return self.note.strength * (1.0 if self.consonant is None else self.consonant.voicing)


@dataclass(frozen=True)
class _Track:
    """What the mouth does in each frame of `HOP` samples."""

    formants: np.ndarray  # (n_frames, 3) Hz
    voicing: np.ndarray  # amplitude of the folds
    aspiration: np.ndarray  # of noise through the formants
    frication: np.ndarray  # of noise from between tongue and teeth
    frication_hz: np.ndarray


def _one_at_a_time(notes: Sequence[Note], beat_s: float, seconds: float) -> list[_Sung]:
    ordered = sorted(notes, key=lambda note: note.start)
    found: list[_Sung] = []
    for index, note in enumerate(ordered):
        following = ordered[index + 1].start if index + 1 < len(ordered) else np.inf
        start, end = note.start * beat_s, min(note.end, following) * beat_s
        if start >= seconds:
            break
        if end - start > SHORTEST_S:
            legato = bool(found) and start - found[-1].end < LEGATO_GAP_S
            found.append(_Sung(start, end, note.pitch, (note.velocity / 100) ** 1.5, legato, round(8 * note.start)))
    return found


def _articulated(sung: Sequence[_Sung], voice: Voice, n_frames: int, text: int) -> _Track:
    """Way points of the mouth, then straight lines between them."""
    syllables: list[_Syllable] = []
    for note in sung:
        rng = np.random.default_rng((text, note.place))
        if note.legato and voice.delivery == "sung" and rng.random() < MELISMA:
            syllables.append(_Syllable(note, (syllables[-1].nucleus[1],) * 2, None))
        else:
            nucleus = NUCLEI[int(rng.integers(len(NUCLEI)))]
            syllables.append(_Syllable(note, nucleus, CONSONANTS[int(rng.integers(len(CONSONANTS)))]))
    times = np.arange(n_frames) * HOP / VOICE_SR
    scale = REFERENCE_TRACT_CM / voice.tract_cm
    spoken = voice.delivery == "spoken"
    shapes = np.array([point for syllable in syllables for point in _shapes(syllable)])
    pairs = zip_longest(syllables, syllables[1:])
    levels = np.array([point for this, following in pairs for point in _levels(this, following, spoken=spoken)])
    frication, frication_hz = np.zeros(n_frames), np.ones(n_frames)
    for syllable in syllables:
        if syllable.consonant is not None and syllable.consonant.noise_hz:
            start = syllable.onset + syllable.consonant.closed_s
            inside = (times >= start) & (times < start + max(syllable.consonant.noise_s, 2 * HOP / VOICE_SR))
            frication[inside] = syllable.consonant.noise * syllable.note.strength
            frication_hz[inside] = syllable.consonant.noise_hz * scale**0.5  # fronts of mouths differ less
    return _Track(
        scale * np.stack([np.interp(times, shapes[:, 0], shapes[:, i]) for i in (1, 2, 3)], axis=1),
        np.interp(times, levels[:, 0], levels[:, 1]),
        np.interp(times, levels[:, 0], levels[:, 2]),
        frication,
        frication_hz,
    )


def _shapes(syllable: _Syllable) -> Iterator[tuple[float, float, float, float]]:
    """Second and formants."""
    note, length = syllable.note, syllable.note.end - syllable.note.start
    if syllable.consonant is not None:
        yield syllable.onset, *syllable.consonant.locus_hz
        yield note.start, *syllable.consonant.locus_hz
    yield note.start + min(0.05, length / 3), *VOWELS[syllable.nucleus[0]]
    yield note.start + 0.6 * length, *VOWELS[syllable.nucleus[0]]
    yield note.end, *VOWELS[syllable.nucleus[1]]


def _levels(syllable: _Syllable, following: _Syllable | None, *, spoken: bool) -> Iterator[tuple[float, float, float]]:
    """Second, level of the folds, level of breath."""
    note, consonant = syllable.note, syllable.consonant
    if not note.legato:
        yield max(syllable.onset - 0.02, 0.0), 0.0, 0.0
    if consonant is not None:
        release = syllable.onset + consonant.closed_s
        yield syllable.onset, syllable.closed_level, 0.0
        yield release, syllable.closed_level, 0.0
        if consonant.noise and not consonant.noise_hz:
            yield release + 0.01, 0.0, consonant.noise * note.strength
        yield note.start, syllable.closed_level, 0.0
    joined = following is not None and following.note.legato
    end = max(min(note.end, following.onset if following else np.inf), note.start + SHORTEST_S)
    yield note.start + min(0.025 if spoken else 0.05, (end - note.start) / 3), note.strength, 0.0
    yield end - min(0.04, (end - note.start) / 4), note.strength * (0.65 if spoken else 0.9), 0.0
    yield end, following.closed_level if joined and following else 0.0, 0.0


def _pitch_contour(sung: Sequence[_Sung], voice: Voice, n_frames: int, rng: np.random.Generator) -> np.ndarray:
    """MIDI pitch in each frame, with fractions."""
    times = np.arange(n_frames) * HOP / VOICE_SR
    points: list[tuple[float, float]] = []
    for note in sung:
        length = note.end - note.start
        if voice.delivery == "spoken":
            points += [(note.start, note.pitch + 1.0), (note.start + 0.3 * length, note.pitch + 0.5 * rng.random())]
            points += [(note.end, note.pitch - 2.5 * rng.random())]
        else:
            scoop = 0.0 if note.legato else -1.2 * rng.random()
            points += [(note.start, note.pitch + scoop), (note.start + min(0.07, length / 3), note.pitch)]
            points += [(note.end - min(0.03, length / 4), note.pitch)]
    points.sort(key=lambda point: point[0])
    contour = np.interp(times, [point[0] for point in points], [point[1] for point in points])
    drift = np.convolve(rng.standard_normal(n_frames), np.hanning(40) / np.sqrt(15), mode="same")
    contour = contour + (0.35 if voice.delivery == "spoken" else 0.12) * drift
    if voice.delivery == "sung":
        starts = np.array([note.start for note in sung])
        since = times - starts[np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)]
        depth = VIBRATO_SEMITONES * np.clip((since - 0.25) / 0.4, 0, 1)
        contour = contour + depth * np.sin(2 * np.pi * np.cumsum(VIBRATO_HZ + 0.3 * drift) * HOP / VOICE_SR)
    return contour


def _vocal_folds(pitch: np.ndarray, voice: Voice, rng: np.random.Generator) -> np.ndarray:
    """A sawtooth without the steps' aliases (polynomial band-limited step), uneven from period to period."""
    frames = np.arange(len(pitch)) * HOP
    samples = np.arange(len(pitch) * HOP)
    jitter = 1 + (0.004 + 0.03 * voice.roughness) * rng.standard_normal(len(pitch))
    step = np.interp(samples, frames, 440 * 2 ** ((pitch - 69) / 12) * jitter / VOICE_SR)
    cycles = np.cumsum(step)
    phase = cycles % 1.0
    saw = 1 - 2 * phase
    before, after = phase > 1 - step, phase < step
    saw[after] += -((1 - phase[after] / step[after]) ** 2)
    saw[before] += (1 - (1 - phase[before]) / step[before]) ** 2
    if voice.roughness:  # every second period is weak, as of folds that do not close alike
        shimmer = rng.standard_normal(int(cycles[-1]) + 2)[cycles.astype(int)]
        saw *= 1 + voice.roughness * (0.5 * np.sign((cycles % 2.0) - 1) + 0.3 * shimmer)
    return saw.astype(np.float32)


def _filtered(folds: np.ndarray, breath: np.ndarray, track: _Track, voice: Voice) -> np.ndarray:
    """Overlapping windows, each through the mouth's shape at its time."""
    y = np.zeros(len(folds) + N_FFT, np.float32)
    loudness = track.voicing + track.aspiration + track.frication
    frames = 1 + np.flatnonzero(loudness[1:-1] > 1e-4)
    if not len(frames):
        return y
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    starts = (frames - 1) * HOP
    places = starts[:, np.newaxis] + np.arange(WINDOW)
    voicing, aspiration = track.voicing[frames, np.newaxis], track.aspiration[frames, np.newaxis]
    source = folds[places] * voicing + breath[places] * (0.25 * aspiration + BREATH * voice.breath * voicing)
    before = np.fft.rfft(source * window, N_FFT, axis=1).astype(np.complex64)
    spectrum = before * _tract(track.formants[frames], voice)
    spectrum *= _evening(_power(before), _power(spectrum))[:, np.newaxis]
    hissing = np.flatnonzero(track.frication[frames] > 0)
    noise = np.fft.rfft(breath[places[hissing]] * window, N_FFT, axis=1)
    level, peak_hz = track.frication[frames][hissing, np.newaxis], track.frication_hz[frames][hissing, np.newaxis]
    spectrum[hissing] += 0.5 * level * noise * _hiss(peak_hz)
    blocks = np.fft.irfft(spectrum, N_FFT, axis=1).astype(np.float32)
    for offset in range(0, N_FFT, HOP):  # hop by hop, so that no two windows write to one place
        y[starts[:, np.newaxis] + np.arange(offset, offset + HOP)] += blocks[:, offset : offset + HOP]
    sung = np.sqrt(np.mean(np.square(track.voicing[frames])))
    rms = np.sqrt(np.mean(np.square(y[places[:, :HOP]])))
    return (LEVEL * sung / max(rms, 1e-9)) * y


def _power(spectrum: np.ndarray) -> np.ndarray:
    return np.sum(np.square(spectrum.real) + np.square(spectrum.imag), axis=1)


def _evening(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Factor on each frame that moves what the mouth did to its level towards the mean."""
    smooth = np.hanning(EVENNESS_FRAMES)
    gain = np.sqrt(np.convolve(after, smooth, mode="full") / (np.convolve(before, smooth, mode="full") + 1e-9))
    gain = gain[EVENNESS_FRAMES // 2 :][: len(after)]
    return ((gain / gain.mean() + 0.05) ** -EVENNESS).astype(np.float32)


def _tract(formants: np.ndarray, voice: Voice) -> np.ndarray:
    """Response of the resonators in series, one row a frame."""
    scale = REFERENCE_TRACT_CM / voice.tract_cm
    cycles = np.fft.rfftfreq(N_FFT)
    turn = np.exp(-2j * np.pi * cycles).astype(np.complex64)
    lift = (1 + (cycles * VOICE_SR / (scale * HIGHER_POLES_HZ)) ** 2).astype(np.complex64)
    response = np.repeat(lift[np.newaxis], len(formants), axis=0)
    high = np.broadcast_to([scale * hz for hz in HIGH_FORMANTS], (len(formants), len(HIGH_FORMANTS)))
    for centre, bandwidth in zip(np.concatenate([formants, high], axis=1).T, BANDWIDTHS, strict=True):
        radius = np.exp(-np.pi * bandwidth * scale / VOICE_SR)
        cosine = (2 * radius * np.cos(2 * np.pi * centre / VOICE_SR)).astype(np.float32)[:, np.newaxis]
        square = np.float32(radius**2)
        response *= (1 - cosine + square) / (1 - cosine * turn + square * turn**2)
    return response


def _hiss(peak_hz: np.ndarray) -> np.ndarray:
    """A broad band around each frame's peak."""
    hz = np.fft.rfftfreq(N_FFT, 1 / VOICE_SR)
    return np.exp(-0.5 * ((hz - peak_hz) / (0.25 * peak_hz + 400)) ** 2)
