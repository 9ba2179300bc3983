import pytest

from datasets.errors import DatasetError
from datasets.readers.gtzan import read_gtzan
from datasets.taggrams import GTZAN_GENRES

FIRST = [f"{genre}/{genre}.00000.wav" for genre in GTZAN_GENRES]
LISTS = {
    "train_filtered.txt": "blues/blues.00000.wav\njazz/jazz.00054.wav\n\n",
    "valid_filtered.txt": "rock/rock.00000.wav\n",
    "test_filtered.txt": "pop/pop.00000.wav\n",
}


def names(manifest) -> list[str]:
    return [each.path.name for each in manifest]


@pytest.mark.parametrize("root", ["genres", "genres_original", "Data/genres_original", "any name"])
def test_all_copies_are_read_from_their_root_or_their_genres(put, root):
    folder = put(*(f"{root}/{name}" for name in FIRST), f"{root}/rock/._rock.00001.wav", f"{root}/rock/.mf")
    for given in (folder / root, folder) if root != "any name" else (folder / root,):
        manifest = read_gtzan(given)
        assert manifest.name == "gtzan"
        assert manifest.labels == GTZAN_GENRES
        assert [each.path for each in manifest] == [folder / root / name for name in FIRST]
        assert {(each.artist, each.split) for each in manifest} == {("", "")}


def test_the_original_is_au(put):
    folder = put(*(f"genres/{name}".replace(".wav", ".au") for name in FIRST))
    assert names(read_gtzan(folder))[0] == "blues.00000.au"


def test_known_faults_are_in_the_details(put):
    folder = put(*(f"genres/{name}" for name in FIRST), "genres/pop/pop.00022.wav", "genres/jazz/jazz.00054.wav")
    faults = {each.path.stem: each.details["faults"] for each in read_gtzan(folder) if each.details}
    assert faults == {
        "jazz.00054": [{"kind": "unreadable"}],
        "pop.00022": [{"kind": "exact repetition", "same_as": ["pop.00015"]}],
    }


def test_lists_give_the_split_and_leave_the_rest_out_only_if_asked_to(put):
    # jazz.00054 is in a list and not there, as in copies that left out what cannot be decoded.
    folder = put(*(f"genres/{name}" for name in FIRST), **LISTS)
    splits = {"blues": "train", "pop": "test", "rock": "validation"}
    assert {each.label: each.split for each in read_gtzan(folder, fault_filtered=True)} == splits
    everything = read_gtzan(folder)
    assert len(everything) == 10
    assert {each.label: each.split for each in everything if each.split} == splits


def test_lists_may_lie_elsewhere_and_hold_bare_names(put):
    folder = put(*(f"genres/{name}" for name in FIRST), **{"lists/train_filtered.txt": "blues.00000\nrock.00000.au\n"})
    manifest = read_gtzan(folder, fault_filtered=True, lists=folder / "lists")
    assert [(each.path.stem, each.split) for each in manifest] == [("blues.00000", "train"), ("rock.00000", "train")]
    with pytest.raises(DatasetError, match="no list of the fault-filtered split, expected train_filtered"):
        read_gtzan(folder, fault_filtered=True)
    with pytest.raises(DatasetError, match="genres: no list of the fault-filtered split"):
        read_gtzan(folder, lists=folder / "genres")


def test_artists_come_from_the_index_where_it_is_there(put):
    index = "# artists\nblues.00000.wav ::: John Lee Hooker ::: One Bourbon\nrock.00000.wav ::: ::: \n"
    folder = put(*(f"genres/{name}" for name in FIRST), **{"GTZANindex.txt": index})
    blues, rock = (each for each in read_gtzan(folder) if each.label in ("blues", "rock"))
    assert (blues.artist, blues.details) == ("John Lee Hooker", {"title": "One Bourbon"})
    assert (rock.artist, rock.details) == ("", {})
