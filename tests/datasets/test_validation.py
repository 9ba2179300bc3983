"""Corpora with known faults: each is found, and a sound one has none."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.manifest import Manifest, Recording
from datasets.validation import KINDS, Finding, ValidationReport, ValidationSettings, validate_manifest
from features.inspection import InspectorPool
from tests.support.audio_files import GOOD, sound_file
from tests.support.melodies import melody

SR = 22050
SETTINGS = ValidationSettings(recordings_per_label=1)


@pytest.fixture(scope="module")
def pool() -> Iterator[InspectorPool]:
    with InspectorPool(1) as pool:
        yield pool


@pytest.fixture
def add(tmp_path: Path) -> Callable[..., Recording]:
    """Writes a recording, and gives its entry."""

    def add(name: str, sound: np.ndarray | bytes, *, label: str = "blues", sr: int = SR, **fields) -> Recording:
        path = tmp_path / name
        path.write_bytes(sound if isinstance(sound, bytes) else sound_file(sound, sr, format="WAV"))
        return Recording(path, label, **fields)

    return add


def _validated(pool: InspectorPool, *recordings: Recording, settings: ValidationSettings = SETTINGS):
    return validate_manifest(Manifest("corpus", recordings), settings=settings, pool=pool)


def _found(report: ValidationReport) -> dict[str, list[list[str]]]:
    """Names of the files by kind of finding."""
    found: dict[str, list[list[str]]] = {}
    for finding in report.findings:
        found.setdefault(finding.kind, []).append([path.name for path in finding.paths])
    return found


def test_a_sound_corpus_has_no_findings(pool, add) -> None:
    recordings = [
        add(f"{k}.wav", melody(k), artist=f"artist {k // 2}", split="train" if k < 4 else "test") for k in range(6)
    ]
    report = _validated(pool, *recordings)
    assert report.findings == ()
    assert (report.corpus, report.n_recordings, report.n_readable) == ("corpus", 6, 6)
    assert report.duration_s == pytest.approx(72.0)
    assert "nothing was found" in report.text()


def test_broken_files_cost_themselves_only(pool, add, tmp_path: Path) -> None:
    flac = GOOD["flac"](melody(1)[:, None], SR)
    report = _validated(
        pool,
        add("cut.flac", flac[: len(flac) // 2]),
        add("good.wav", melody(2)),
        add("text.mp3", b"no music"),
        add("empty.wav", b""),
        Recording(tmp_path / "missing.wav", "blues"),
        Recording(tmp_path, "blues"),
    )
    assert [[path.name for path in finding.paths] for finding in report.of_kind("unreadable")] == [
        ["cut.flac"],
        ["text.mp3"],
        ["empty.wav"],
        ["missing.wav"],
        [tmp_path.name],
    ]
    assert (report.n_recordings, report.n_readable) == (6, 1)
    assert set(_found(report)) == {"unreadable"}


def test_a_decoder_that_breaks_down_costs_one_recording(add) -> None:
    scripts = [add(name, name.encode()) for name in ("good", "segfault", "nonsense", "no audio error", "another good")]
    with InspectorPool(1, worker_module="tests.support.misbehaving_inspector") as pool:
        report = _validated(pool, *scripts)
    assert _found(report)["unreadable"] == [["segfault"], ["nonsense"], ["no audio error"]]
    assert report.n_readable == 2


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("silent", lambda y: np.zeros_like(y)),
        ("silent", lambda y: 0.001 * y),
        ("too_short", lambda y: y[: 2 * SR]),
        ("clipped", lambda y: np.clip(5 * y, -1, 1)),
        ("clipped", lambda y: 0.5 * np.clip(5 * y, -1, 1)),
        ("dc_offset", lambda y: 0.8 * y + 0.05),
        ("steady_level", lambda y: 0.1 * np.random.default_rng(0).standard_normal(y.size)),
        ("narrow_band", lambda y: _dull(y)),
        ("unusual_duration", lambda y: np.tile(y, 5)),
    ],
)
def test_one_bad_recording_is_found_by_its_fault(pool, add, kind: str, spoil) -> None:
    good = [add(f"{k}.wav", melody(k)) for k in range(3)]
    report = _validated(pool, *good, add("bad.wav", spoil(melody(9))))
    expected = {kind, "unusual_duration"} if kind == "too_short" else {kind}
    assert _found(report) == {key: [["bad.wav"]] for key in expected}


def _dull(y: np.ndarray) -> np.ndarray:
    """Without anything above 2 kHz."""
    spectrum = np.fft.rfft(y)
    spectrum[np.fft.rfftfreq(y.size, 1 / SR) > 2000] = 0
    return np.fft.irfft(spectrum, y.size)


def test_a_low_sampling_rate(pool, add) -> None:
    report = _validated(pool, add("good.wav", melody(1)), add("low.wav", melody(2, sr=11025), sr=11025))
    assert _found(report) == {"low_sampling_rate": [["low.wav"]]}
    assert report.findings[0].detail == "11025 Hz"


def test_mono_as_stereo_is_fine(pool, add) -> None:
    assert _validated(pool, add("a.wav", np.repeat(melody(1)[:, None], 2, axis=1))).findings == ()


def test_copies_in_other_forms_are_one_group(pool, add) -> None:
    stereo = np.repeat(melody(1)[:, None], 2, axis=1)
    report = _validated(
        pool,
        add("a.wav", melody(1)),
        add("other.wav", melody(2)),
        add("quiet.mp3", GOOD["mp3-lame"](0.2 * stereo, SR)),
        add("later.ogg", GOOD["ogg"](stereo[2 * SR :], SR)),
    )
    assert _found(report) == {"duplicates": [["a.wav", "quiet.mp3", "later.ogg"]]}
    assert "fingerprint bits differ" in report.findings[0].detail


@pytest.mark.parametrize(
    ("first", "second", "kinds"),
    [
        ({"split": "train"}, {"split": "train"}, {"duplicates"}),
        ({"split": "train"}, {"split": ""}, {"duplicates"}),
        ({"split": "train"}, {"split": "test"}, {"duplicates", "duplicates_across_splits"}),
        ({"label": "blues"}, {"label": ""}, {"duplicates"}),
        ({"label": "blues"}, {"label": "jazz"}, {"duplicates", "duplicates_with_different_labels"}),
    ],
)
def test_copies_across_splits_or_labels_are_leaks(pool, add, first: dict, second: dict, kinds: set[str]) -> None:
    report = _validated(pool, add("a.wav", melody(1), **first), add("b.flac", melody(1), **second))
    assert _found(report) == {key: [["a.wav", "b.flac"]] for key in kinds}


def test_an_artist_on_both_sides(pool, add) -> None:
    report = _validated(
        pool,
        add("a.wav", melody(1), artist="Ella", split="train"),
        add("b.wav", melody(2), artist="Ella", split="test"),
        add("c.wav", melody(3), artist="Ella"),
        add("d.wav", melody(4), artist="", split="train"),
        add("e.wav", melody(5), artist="", split="test"),
    )
    assert _found(report) == {"artist_across_splits": [["a.wav", "b.wav"]]}
    assert report.findings[0].detail == "Ella: 1 in test, 1 in train"


def test_small_classes(pool, add) -> None:
    recordings = [add(f"{k}.wav", melody(k), label=("jazz", "fado", "jazz", "")[k]) for k in range(4)]
    report = _validated(pool, *recordings, settings=ValidationSettings(recordings_per_label=2))
    assert _found(report) == {"small_class": [["1.wav"]]}
    assert report.findings[0].detail == "fado: 1 recordings, 2 or more are wanted"


def test_the_report_is_ready_for_json_and_for_people(pool, add) -> None:
    report = _validated(pool, add("a.wav", melody(1)), add("b.wav", np.zeros(5 * SR)), add("c.wav", b"no music"))
    data = json.loads(json.dumps(report.to_dict()))
    assert data["n_readable"] == 2
    assert set(data["counts"]) == set(KINDS)
    assert {kind: count for kind, count in data["counts"].items() if count} == {"unreadable": 1, "silent": 1}
    assert [finding["kind"] for finding in data["findings"]] == ["unreadable", "silent"]
    text = report.text()
    assert text.startswith("corpus: 3 recordings, 2 of them readable")
    assert "unreadable (1): cannot be decoded\n" in text
    assert "b.wav: peak 0.0e+00" in text


def test_a_long_list_is_cut_for_people_and_nothing_moves_their_terminal() -> None:
    findings = tuple(Finding("silent", (Path(f"\x1b[2J{k}.wav"),), "peak 0") for k in range(25))
    report = ValidationReport("corpus", 25, 25, 0.0, findings)
    assert "and 15 more" in report.text()
    assert "\x1b" not in report.text()
    assert len(report.to_dict()["findings"]) == 25


def test_an_empty_corpus(pool) -> None:
    report = _validated(pool)
    assert (report.n_recordings, report.findings) == (0, ())


def test_own_processes_are_started_where_none_are_given(add) -> None:
    report = validate_manifest(Manifest("corpus", (add("a.wav", melody(1)),)))
    assert _found(report) == {"small_class": [["a.wav"]]}


def test_bad_input_is_refused_by_name() -> None:
    with pytest.raises(DatasetError, match="silent_peak=-1"):
        ValidationSettings(silent_peak=-1)
    with pytest.raises(DatasetError, match="duration_factor=0"):
        ValidationSettings(duration_factor=0.5)
    with pytest.raises(DatasetError, match="no kind 'odd'"):
        ValidationReport("corpus", 0, 0, 0.0, ()).of_kind("odd")


def test_what_spoils_figures_is_serious_and_advice_is_not(pool, add) -> None:
    same = melody(1)
    recordings = [
        add("a.wav", same),
        add("b.wav", same, label="rock"),
        add("text.wav", b"no sound"),
        add("c.wav", melody(2)),
    ]
    report = _validated(pool, *recordings, settings=ValidationSettings())
    assert {finding.kind for finding in report.serious} == {"unreadable", "duplicates_with_different_labels"}
    assert {"small_class", "duplicates"} <= {finding.kind for finding in report.findings}
    assert report.to_dict()["n_serious"] == 2


def test_progress_counts_recordings_and_what_it_raises_ends_the_work(pool, add) -> None:
    manifest = Manifest("corpus", tuple(add(f"{k}.wav", b"no sound") for k in range(5)))
    told: list[tuple[int, int]] = []
    validate_manifest(manifest, settings=SETTINGS, pool=pool, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 5) for done in range(1, 6)]

    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        validate_manifest(manifest, settings=SETTINGS, pool=pool, progress=stop)
