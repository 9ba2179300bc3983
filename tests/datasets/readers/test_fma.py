import pytest

from datasets.errors import DatasetError
from datasets.readers.faults import NO_AUDIO, SHORT, Fault
from datasets.readers.fma import CLIPS_WITHOUT_AUDIO, SHORT_CLIPS, faults_of, read_fma

# The three lines of the original's header, with fewer columns.
HEADER = (
    ",album,artist,artist,artist,set,set,track,track,track\n"
    ",comments,bio,id,name,split,subset,genre_top,license,title\n"
    "track_id,,,,,,,,,\n"
)
ROWS = (
    '2,0,"A bio\nof two lines, with a comma",1,AWOL,training,small,Hip-Hop,CC BY-NC-SA 3.0,Food\n'
    "10,0,,6,Kurt Vile,validation,small,Pop,CC BY-NC-ND 3.0,\n"
    "1486,0,,6,Kurt Vile,test,medium,Rock,,Gone\n"
    "98565,0,,9,NA,training,large,,,Brief\n"
)
TABLE = {"fma_metadata/tracks.csv": HEADER + ROWS}


def clips(size: str, *tracks: str) -> list[str]:
    return [f"fma_{size}/{track[:3]}/{track}.mp3" for track in tracks]


def test_small_is_read_with_split_artist_and_licence(put):
    folder = put(*clips("small", "000002", "000010"), **TABLE)
    food, untitled = manifest = read_fma(folder)
    assert manifest.name == "fma_small"
    assert (food.path, food.label) == (folder / "fma_small/000/000002.mp3", "Hip-Hop")
    assert (food.artist, food.licence, food.split) == ("1", "CC BY-NC-SA 3.0", "train")
    assert food.details == {"title": "Food", "artist_name": "AWOL"}
    assert (untitled.split, untitled.details) == ("validation", {"artist_name": "Kurt Vile"})


def test_a_size_holds_the_smaller_ones_and_its_clips_have_their_known_faults(put):
    folder = put(*clips("large", "000002", "000010", "001486", "098565"), **TABLE)
    assert len(read_fma(folder, size="small")) == 2
    assert len(read_fma(folder, size="medium")) == 3
    large = read_fma(folder)
    assert [each.details.get("faults") for each in large] == [None, None, [{"kind": "no audio"}], [{"kind": "short"}]]
    assert (large.recordings[3].label, large.recordings[3].details["artist_name"]) == ("", "NA")


def test_full_tracks_have_no_faults_of_clips(put):
    folder = put(*clips("full", "000002", "000010", "001486", "098565"), **TABLE)
    manifest = read_fma(folder)
    assert (manifest.name, len(manifest)) == ("fma_full", 4)
    assert not any("faults" in each.details for each in manifest)


def test_missing_audio_is_an_error_unless_it_is_allowed(put):
    folder = put(*clips("large", "000010"), **TABLE)
    with pytest.raises(DatasetError, match=r"3 recordings \(.*000002\.mp3, .*, .*098565\.mp3\) are listed but"):
        read_fma(folder)
    assert [each.path.stem for each in read_fma(folder, missing_ok=True)] == ["000010"]
    (folder / "fma_large/000/000010.mp3").unlink()
    with pytest.raises(DatasetError, match="no tracks of the size large with audio in fma_large"):
        read_fma(folder, missing_ok=True)


def test_twenty_one_clips_are_known_to_be_cut_wrongly():
    assert (len(CLIPS_WITHOUT_AUDIO), len(SHORT_CLIPS)) == (15, 6)
    assert (faults_of(99134), faults_of(108924), faults_of(2)) == ((Fault(NO_AUDIO),), (Fault(SHORT),), ())


def test_a_size_that_is_unknown_or_not_there_is_refused(put):
    folder = put(*clips("small", "000002"), **TABLE)
    with pytest.raises(DatasetError, match="size 'tiny': expected one of small, medium, large, full"):
        read_fma(folder, size="tiny")
    with pytest.raises(DatasetError, match="no folder of audio, expected fma_medium or a larger one"):
        read_fma(folder, size="medium")
