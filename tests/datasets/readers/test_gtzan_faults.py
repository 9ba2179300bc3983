from collections import Counter
from pathlib import Path

import pytest

from datasets.manifest import Manifest, Recording
from datasets.readers.faults import DISTORTION, EXACT_REPETITION, MISLABELLING, UNREADABLE, Fault
from datasets.readers.gtzan_faults import EXACT_REPETITIONS, faults_of, without_faults


def corpus(*names: str) -> Manifest:
    return Manifest("gtzan", tuple(Recording(Path(f"{name}.wav"), name.split(".")[0]) for name in names))


def test_the_catalogue_counts_fifty_excerpts_that_repeat_another():
    # Sturm 2012: "50 exact replicas (including one that is in two classes)".
    assert sum(len(group) - 1 for group in EXACT_REPETITIONS) == 50
    assert [group for group in EXACT_REPETITIONS if len({name.split(".")[0] for name in group}) > 1] == [
        ("rock.00016", "metal.00058")
    ]
    names = Counter(name for group in EXACT_REPETITIONS for name in group)
    assert set(names.values()) == {1}
    assert all(len(name.split(".")[1]) == 5 for name in names)


def test_faults_name_what_a_recording_repeats():
    assert faults_of("disco.00051") == (Fault(EXACT_REPETITION, ("disco.00050", "disco.00070")),)
    assert faults_of("metal.00058") == (Fault(EXACT_REPETITION, ("rock.00016",)), Fault(MISLABELLING))
    assert faults_of("reggae.00086") == (Fault(DISTORTION),)
    assert faults_of("jazz.00054") == (Fault(UNREADABLE),)
    assert faults_of("blues.00000") == faults_of("no such name") == ()


def test_without_faults_one_of_each_is_left_in_the_order_of_the_corpus():
    manifest = corpus(
        *("rock.00016", "reggae.00092", "reggae.00091", "metal.00058", "reggae.00086", "jazz.00054", "disco.00070"),
        *("disco.00051", "disco.00050", "blues.00001"),
    )
    assert without_faults(manifest) == corpus("rock.00016", "reggae.00091", "disco.00050", "blues.00001")


@pytest.mark.shared
def test_the_fault_filtered_split_keeps_at_most_one_of_each(shared_data: Path):
    lists = [shared_data / "gtzan_taggrams" / name for name in ("train_filtered.txt", "valid_filtered.txt")]
    kept = {Path(line).stem for each in lists for line in each.read_text().split()}
    assert all(len(kept & set(group)) <= 1 for group in EXACT_REPETITIONS)
    assert not kept & {"metal.00058", "reggae.00086"}
