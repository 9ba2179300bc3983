"""Is a corpus fit to learn from? Every recording is decoded, and what is wrong with it or between them is reported.

Files are untrusted: they are decoded in separate processes under limits (`features.inspection`), and a broken one
costs itself only. Recordings are compared by their sound, so that a copy in another format or at another level is
found. What is reported are findings for a person to judge; nothing is left out of the manifest.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from datasets.errors import DatasetError
from datasets.manifest import Manifest, Recording
from features.errors import FeatureError
from features.fingerprint import Match, find_matches
from features.inspection import Inspection, InspectorPool

# What can be found, the gravest first, and what each means for people.
KINDS: Mapping[str, str] = {
    "unreadable": "cannot be decoded",
    "duplicates_across_splits": "the same sound in more than one split: scores would be too good",
    "artist_across_splits": "an artist in more than one split: scores would be too good",
    "duplicates_with_different_labels": "the same sound under more than one label",
    "duplicates": "the same sound more than once",
    "small_class": "a label with too few recordings",
    "silent": "digital silence, or nearly",
    "too_short": "too short to say anything",
    "clipped": "tops of the waveform are cut off",
    "narrow_band": "no high frequencies",
    "dc_offset": "the waveform does not lie around zero",
    "steady_level": "hardly any dynamics: a tone, hum or noise rather than music",
    "low_sampling_rate": "a low sampling rate",
    "unusual_duration": "much shorter or longer than the others",
}
SERIOUS = (  # cost recordings, or make figures and models wrong
    "unreadable",
    "duplicates_across_splits",
    "artist_across_splits",
    "duplicates_with_different_labels",
    "silent",
)
LINES_PER_KIND = 10  # of the report for people


@dataclass(frozen=True)
class ValidationSettings:
    """From where on something is reported.

    Attributes
    ----------
    shortest_s : float
        Shortest recording that is not too short, in seconds.
    silent_peak : float
        Peak below which a recording is silent; full scale at 1.0, so 0.001 is -60 dB.
    clipped_share : float
        Share of clipped samples, at full scale or flat tops below it.
    bandwidth_hz : float
        Lowest bandwidth of a recording that does not lack high frequencies.
    dc_offset : float
        Mean of a channel, full scale at 1.0.
    level_range_db : float
        Distance between loud and quiet passages in dB, below which there are hardly any.
    sample_rate : int
        Lowest sampling rate in Hz.
    duration_factor : float
        How many times longer or shorter than the median.
    recordings_per_label : int
        Fewest recordings of a label.
    """

    shortest_s: float = 3.0
    silent_peak: float = 0.001
    clipped_share: float = 0.001
    bandwidth_hz: float = 4000.0
    dc_offset: float = 0.01
    level_range_db: float = 1.0
    sample_rate: int = 16000
    duration_factor: float = 4.0
    recordings_per_label: int = 20

    def __post_init__(self) -> None:
        if not all(value >= 0 for value in vars(self).values()) or self.duration_factor < 1:
            raise DatasetError(f"{self}: expected 0 or more, and a duration_factor of 1 or more")


@dataclass(frozen=True)
class Finding:
    """Something that a person should know.

    Attributes
    ----------
    kind : str
        A key of `KINDS`.
    paths : tuple of Path
        The recordings that it is about, in the order of the manifest.
    detail : str
        What was measured, for people.
    """

    kind: str
    paths: tuple[Path, ...]
    detail: str

    def line(self) -> str:
        """Whom it is about and what was measured, on one line that any terminal can show."""
        named = self.kind in ("small_class", "artist_across_splits")  # their detail says whom it is about
        line = self.detail if named else f"{', '.join(map(str, self.paths))}: {self.detail}"
        return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


@dataclass(frozen=True)
class ValidationReport:
    """What is wrong with a corpus.

    Attributes
    ----------
    corpus : str
        Its name.
    n_recordings, n_readable : int
        How many there are, and how many could be decoded.
    duration_s : float
        Of the readable ones together.
    findings : tuple of Finding
        In the order of `KINDS`; within a kind in the order of the manifest.
    """

    corpus: str
    n_recordings: int
    n_readable: int
    duration_s: float
    findings: tuple[Finding, ...]

    def of_kind(self, kind: str) -> tuple[Finding, ...]:
        """The findings of one kind."""
        if kind not in KINDS:
            raise DatasetError(f"no kind {kind!r} of finding, expected one of {', '.join(KINDS)}")
        return tuple(finding for finding in self.findings if finding.kind == kind)

    @property
    def serious(self) -> tuple[Finding, ...]:
        """The findings that must be looked at before anything is learned from the corpus (`SERIOUS`)."""
        return tuple(finding for finding in self.findings if finding.kind in SERIOUS)

    def to_dict(self) -> dict[str, Any]:
        """The report, ready for JSON; `counts` has every kind, `findings` what there is."""
        return {
            "corpus": self.corpus,
            "n_recordings": self.n_recordings,
            "n_readable": self.n_readable,
            "duration_s": self.duration_s,
            "n_serious": len(self.serious),
            "counts": {kind: len(self.of_kind(kind)) for kind in KINDS},
            "findings": [
                {"kind": finding.kind, "paths": [str(path) for path in finding.paths], "detail": finding.detail}
                for finding in self.findings
            ],
        }

    def text(self) -> str:
        """The report for people: what was found, at most ten of a kind by name."""
        lines = [
            f"{self.corpus}: {self.n_recordings} recordings, {self.n_readable} of them readable, "
            f"{self.duration_s / 3600:.1f} h"
        ]
        for kind, meaning in KINDS.items():
            found = self.of_kind(kind)
            if not found:
                continue
            lines += ["", f"{kind} ({len(found)}): {meaning}"]
            lines += [f"  {finding.line()}" for finding in found[:LINES_PER_KIND]]
            if len(found) > LINES_PER_KIND:
                lines.append(f"  and {len(found) - LINES_PER_KIND} more")
        if not self.findings:
            lines += ["", "nothing was found to be wrong with it"]
        return "\n".join(lines) + "\n"


def validate_manifest(
    manifest: Manifest,
    *,
    settings: ValidationSettings = ValidationSettings(),
    pool: InspectorPool | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ValidationReport:
    """Decode every recording of a corpus and report what is wrong with them.

    Parameters
    ----------
    manifest : Manifest
        The corpus.
    settings : ValidationSettings
        From where on something is reported.
    pool : InspectorPool or None
        Decodes the recordings; None starts one process per core, and ends them. What is kept of a recording is 15 kB
        at most.
    progress : callable, optional
        Called with the number of recordings that are decoded and that there are. What it raises ends the work.

    Returns
    -------
    ValidationReport
        The findings. Duplicates are one finding per group of recordings that hold the same sound.
    """
    recordings = manifest.recordings
    if pool is None:
        with InspectorPool(os.cpu_count() or 1) as own_pool:
            inspected = _inspect_all(recordings, own_pool, progress)
    else:
        inspected = _inspect_all(recordings, pool, progress)
    readable = [(recording, found) for recording, found in inspected if isinstance(found, Inspection)]
    findings = [
        *(
            Finding("unreadable", (each.path,), str(found))
            for each, found in inspected
            if isinstance(found, FeatureError)
        ),
        *(finding for recording, found in readable for finding in _of_one(recording, found, settings)),
        *_unusual_durations(readable, settings.duration_factor),
        *_duplicates(readable),
        *_artists_across_splits(recordings),
        *_small_classes(recordings, settings.recordings_per_label),
    ]
    order = list(KINDS)
    return ValidationReport(
        corpus=manifest.name,
        n_recordings=len(manifest),
        n_readable=len(readable),
        duration_s=sum(_duration_s(found) for _, found in readable),
        findings=tuple(sorted(findings, key=lambda finding: order.index(finding.kind))),
    )


Readable = Sequence[tuple[Recording, Inspection]]


def _inspect_all(
    recordings: Sequence[Recording], pool: InspectorPool, progress: Callable[[int, int], None] | None
) -> list[tuple[Recording, Inspection | FeatureError]]:
    def inspect(recording: Recording) -> Inspection | FeatureError:
        try:
            return pool.inspect(recording.path)
        except FeatureError as error:
            return error

    # The threads only wait for the processes: as many as cores keep as many processes busy.
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        inspected = []
        for recording, found in zip(recordings, threads.map(inspect, recordings), strict=True):
            inspected.append((recording, found))
            if progress is not None:
                progress(len(inspected), len(recordings))
        return inspected


def _duration_s(found: Inspection) -> float:
    assert found.info.duration_s is not None
    return found.info.duration_s


def _of_one(recording: Recording, found: Inspection, settings: ValidationSettings) -> Iterator[Finding]:
    def finding(kind: str, detail: str) -> Finding:
        return Finding(kind, (recording.path,), detail)

    if found.info.sample_rate < settings.sample_rate:
        yield finding("low_sampling_rate", f"{found.info.sample_rate} Hz")
    if _duration_s(found) < settings.shortest_s:
        yield finding("too_short", f"{_duration_s(found):.2f} s")
    if abs(found.dc_offset) > settings.dc_offset:
        yield finding("dc_offset", f"{found.dc_offset:+.3f} of full scale")
    if found.peak < settings.silent_peak:
        yield finding("silent", f"peak {found.peak:.1e} of full scale")
        return  # what follows means nothing for silence
    if max(found.full_scale_share, found.flat_top_share) > settings.clipped_share:
        yield finding(
            "clipped", f"{found.full_scale_share:.2%} of samples at full scale, {found.flat_top_share:.2%} in flat tops"
        )
    if found.bandwidth_hz < settings.bandwidth_hz:
        yield finding("narrow_band", f"nothing above {found.bandwidth_hz:.0f} Hz")
    if found.level_range_db < settings.level_range_db:
        yield finding("steady_level", f"{found.level_range_db:.1f} dB between quiet and loud passages")


def _unusual_durations(readable: Readable, factor: float) -> Iterator[Finding]:
    if not readable:
        return
    middle_s = median(_duration_s(found) for _, found in readable)
    for recording, found in readable:
        if not middle_s / factor <= _duration_s(found) <= middle_s * factor:
            detail = f"{_duration_s(found):.1f} s, the median is {middle_s:.1f} s"
            yield Finding("unusual_duration", (recording.path,), detail)


def _duplicates(readable: Readable) -> Iterator[Finding]:
    matches = find_matches([found.fingerprint for _, found in readable])
    bit_errors: dict[int, float] = {}
    for match in matches:
        bit_errors[match.first] = max(bit_errors.get(match.first, 0.0), match.bit_error_rate)
    for group in _groups(matches, len(readable)):
        copies = [readable[number][0] for number in group]
        worst = max(bit_errors.get(number, 0.0) for number in group)
        paths = tuple(recording.path for recording in copies)
        yield Finding("duplicates", paths, f"up to {worst:.1%} of fingerprint bits differ")
        splits, labels = ({getattr(each, name) for each in copies} - {""} for name in ("split", "label"))
        if len(splits) > 1:
            yield Finding("duplicates_across_splits", paths, ", ".join(sorted(splits)))
        if len(labels) > 1:
            yield Finding("duplicates_with_different_labels", paths, ", ".join(sorted(labels)))


def _groups(matches: Sequence[Match], n_recordings: int) -> list[list[int]]:
    """Recordings that are linked by matches, directly or through others; each group and their order ascending."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not matches:
        return []
    ends = np.array([(match.first, match.second) for match in matches])
    links = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n_recordings, n_recordings))
    _, group_of = connected_components(links, directed=False)
    members: dict[int, list[int]] = {}
    for number in np.unique(ends).tolist():
        members.setdefault(group_of[number], []).append(number)
    return list(members.values())


def _artists_across_splits(recordings: Sequence[Recording]) -> Iterator[Finding]:
    by_artist: dict[str, list[Recording]] = {}
    for recording in recordings:
        if recording.artist and recording.split:
            by_artist.setdefault(recording.artist, []).append(recording)
    for artist, own in by_artist.items():
        counts = Counter(recording.split for recording in own)
        if len(counts) > 1:
            listed = ", ".join(f"{count} in {split}" for split, count in sorted(counts.items()))
            yield Finding("artist_across_splits", tuple(recording.path for recording in own), f"{artist}: {listed}")


def _small_classes(recordings: Sequence[Recording], fewest: int) -> Iterator[Finding]:
    counts = Counter(recording.label for recording in recordings if recording.label)
    for label, count in sorted(counts.items()):
        if count < fewest:
            paths = tuple(recording.path for recording in recordings if recording.label == label)
            yield Finding("small_class", paths, f"{label}: {count} recordings, {fewest} or more are wanted")
