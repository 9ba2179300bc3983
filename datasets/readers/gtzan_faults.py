"""Known faults of single recordings of GTZAN, by their names such as "disco.00050".

Exact repetitions and the distortion are those of the catalogue [1]_: 50 excerpts repeat another one, among them one
under two genres (the excerpt of rock.00016 is also metal.00058; the fault-filtered split [2]_ keeps it as rock).
jazz.00054 is whole in the original archive and cannot be decoded in copies that are in wide use. The catalogue's
other mislabellings and its repetitions of recordings, artists and versions are not repeated here: the fault-filtered
split is free of them, see `datasets.readers.gtzan`.

References
----------
.. [1] Sturm, "The GTZAN dataset: its contents, its faults, their effects on evaluation, and its future use",
   arXiv:1306.1461, 2013; "An analysis of the GTZAN music genre dataset", ACM MIRUM, 2012.
.. [2] Kereliuk, Sturm and Larsen, "Deep learning and music adversaries", IEEE Trans. Multimedia 17(11), 2015.
"""

from datasets.manifest import Manifest
from datasets.readers.faults import DISTORTION, EXACT_REPETITION, MISLABELLING, UNREADABLE, Fault

# Numbers of the excerpts that are the same, within a genre.
_SAME_NUMBERS = {
    "disco": ((50, 51, 70), (55, 60, 89), (71, 74), (98, 99)),
    "hiphop": ((39, 45), (76, 78)),
    "jazz": (
        *((33, 51), (34, 53), (35, 55), (36, 58), (37, 60), (38, 62), (39, 65)),
        *((40, 67), (42, 68), (43, 69), (44, 70), (45, 71), (46, 72)),
    ),
    "metal": ((4, 13), (34, 94), (40, 61), (41, 62), (42, 63), (43, 64), (44, 65), (45, 66)),
    "pop": ((15, 22), (30, 31), (45, 46), (47, 80), (52, 57), (54, 60), (56, 59), (67, 71), (87, 90)),
    "reggae": (
        *((3, 54), (5, 56), (8, 57), (10, 60), (13, 58), (41, 69), (73, 74)),
        *((75, 91, 92), (80, 81, 82)),
    ),
}
EXACT_REPETITIONS = (
    *(
        tuple(f"{genre}.{number:05d}" for number in numbers)
        for genre, groups in _SAME_NUMBERS.items()
        for numbers in groups
    ),
    ("rock.00016", "metal.00058"),
)
OTHER_FAULTS = {
    "jazz.00054": UNREADABLE,
    "metal.00058": MISLABELLING,
    "reggae.00086": DISTORTION,  # all but its first 5 s are noise
}
_GROUP_OF = {name: group for group in EXACT_REPETITIONS for name in group}


def faults_of(name: str) -> tuple[Fault, ...]:
    """Faults of a recording; none for names that are not of the corpus."""
    faults = []
    if name in _GROUP_OF:
        faults.append(Fault(EXACT_REPETITION, tuple(other for other in _GROUP_OF[name] if other != name)))
    if name in OTHER_FAULTS:
        faults.append(Fault(OTHER_FAULTS[name]))
    return tuple(faults)


def without_faults(manifest: Manifest) -> Manifest:
    """The corpus without these faults: of excerpts that are the same, the first that is there is kept.

    Parameters
    ----------
    manifest : Manifest
        Recordings whose files are named as in the corpus, such as "disco.00050.wav".
    """
    kept = []
    taken: set[tuple[str, ...]] = set()
    for recording in sorted(manifest, key=lambda each: each.path.stem):
        name = recording.path.stem
        group = _GROUP_OF.get(name, (name,))
        if name not in OTHER_FAULTS and group not in taken:
            taken.add(group)
            kept.append(recording.path)
    return manifest.select(recording for recording in manifest if recording.path in set(kept))
