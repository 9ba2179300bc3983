import pytest

from datasets.errors import DatasetError
from datasets.readers.ballroom import DANCES, EXACT_REPETITIONS, RECORDING_REPETITIONS, faults_of, read_ballroom
from datasets.readers.faults import EXACT_REPETITION, RECORDING_REPETITION, Fault

FOLDERS = [*(dance for dance in DANCES if dance != "Rumba"), "Rumba-American", "Rumba-International", "Rumba-Misc"]
CLIPS = [f"BallroomData/{folder}/Media-{number}.wav" for number, folder in enumerate(FOLDERS, start=100)]


@pytest.mark.parametrize("root", [".", "BallroomData"])
def test_dances_are_folders_and_rumba_has_several(put, root):
    folder = put(*CLIPS, "BallroomData/nada/x.wav")
    manifest = read_ballroom(folder / root)
    assert manifest.name == "ballroom"
    assert manifest.labels == tuple(sorted(DANCES))
    assert sorted(each.path.relative_to(folder).as_posix() for each in manifest) == sorted(CLIPS)
    assert [each.details for each in manifest if each.label == "Rumba"] == [
        {"variant": "Rumba-American"},
        {"variant": "Rumba-International"},
        {"variant": "Rumba-Misc"},
    ]


def test_tempo_is_that_of_the_annotation_or_of_the_median_beat(put):
    # Beats every half second, one of them missing: 120 to the minute.
    folder = put(
        *CLIPS,
        **{
            "ballroomGroundTruth/Media-100.bpm": "126.5\n",
            "BallroomAnnotations/Media-100.beats": "0.5 1\n1.5 2\n",
            "BallroomAnnotations/Media-101.beats": "0.1\t1\n0.6\t2\n1.1\t3\n1.6\t4\n2.6\t2\n\n",
        },
    )
    tempi = {each.path.stem: each.details.get("tempo_bpm") for each in read_ballroom(folder)}
    assert (tempi["Media-100"], tempi["Media-101"], tempi["Media-102"]) == (126.5, 120.0, None)
    elsewhere = read_ballroom(folder / "BallroomData", annotations=folder / "BallroomAnnotations")
    assert [each.details.get("tempo_bpm") for each in elsewhere if each.path.stem == "Media-100"] == [60.0]


def test_the_list_says_which_recordings_must_be_there(put):
    lines = [f"./{name.removeprefix('BallroomData/')}" for name in CLIPS]
    folder = put(*CLIPS, **{"BallroomData/allBallroomFiles": "\n".join([*lines, "./nada/x.wav"])})
    assert len(read_ballroom(folder)) == len(CLIPS)
    put(**{"BallroomData/allBallroomFiles": "\n".join([*lines, "./Jive/Media-1.wav", "./Waltz/Media-2.wav"])})
    with pytest.raises(DatasetError, match=r"2 recordings \(Jive/Media-1\.wav, Waltz/Media-2\.wav\) are in"):
        read_ballroom(folder)


def test_thirteen_recordings_repeat_another(put):
    assert (len(EXACT_REPETITIONS), len(RECORDING_REPETITIONS)) == (4, 9)
    names = [name for pair in (*EXACT_REPETITIONS, *RECORDING_REPETITIONS) for name in pair]
    assert len(set(names)) == 26
    assert faults_of("Albums-Fire-09") == (Fault(EXACT_REPETITION, ("Albums-Fire-08",)),)
    assert faults_of("Media-103415") == (Fault(RECORDING_REPETITION, ("Media-103402",)),)
    assert faults_of("Media-100") == ()
    manifest = read_ballroom(put(*CLIPS, "BallroomData/Samba/Albums-Fire-09.wav"))
    assert [each.details for each in manifest if each.details.get("faults")] == [
        {"faults": [{"kind": "exact repetition", "same_as": ["Albums-Fire-08"]}]}
    ]
