"""What all readers have in common: they are asked for by layout, and refuse what is not laid out so."""

import subprocess
import sys

import pytest

from datasets.errors import DatasetError
from datasets.readers import LAYOUTS, read_corpus
from datasets.taggrams import GTZAN_GENRES

GTZAN = [f"genres/{genre}/{genre}.00000.wav" for genre in GTZAN_GENRES]
BALLROOM = [f"{dance}/a.wav" for dance in ("ChaChaCha", "Jive", "Quickstep", "Rumba", "Samba", "Tango")]
BALLROOM += ["VienneseWaltz/a.wav", "Waltz/Media-1.wav"]
FMA = ["fma_small/000/000002.mp3"]
FMA_HEADER = (
    ",set,set,track,track,track,artist,artist\n"
    ",split,subset,genre_top,license,title,id,name\n"
    "track_id,,,,,,,\n"
)  # fmt: skip
JAM = """{"annotations": [{"namespace": "tag_open", "data":
[{"time": 0, "duration": 1, "value": "rock", "confidence": 1}]}]}"""


def table(text: str) -> dict[str, str]:
    return {"t.csv": text}


def tracks(text: str) -> dict[str, str]:
    return {"fma_metadata/tracks.csv": text}


@pytest.mark.parametrize(
    ("layout", "clips", "texts", "label"),
    [
        ("folders", ["rock/a.wav"], {}, "rock"),
        ("csv", ["a.wav"], table("path,label\na.wav,rock\n"), "rock"),
        ("manifest", ["a.wav"], {"manifest.jsonl": '{"path": "a.wav", "label": "rock"}\n'}, "rock"),
        ("rendered", ["a.wav"], {"manifest.jsonl": '{"path": "a.wav", "label": "rock"}\n'}, "rock"),
        ("gtzan", GTZAN, {}, "blues"),
        ("ballroom", BALLROOM, {}, "ChaChaCha"),
        ("fma", FMA, tracks(f"{FMA_HEADER}2,training,small,Rock,,,1,\n"), "Rock"),
        ("jams", ["a.wav"], {"a.jams": JAM}, "rock"),
    ],
)
def test_every_layout_has_its_reader(put, layout, clips, texts, label):
    manifest = read_corpus(put(*clips, **texts), layout)
    assert manifest.recordings[0].label == label
    assert all(each.path.is_file() for each in manifest)


def test_an_unknown_layout_is_refused_with_those_that_there_are(tmp_path):
    with pytest.raises(DatasetError, match="layout 'msd': expected one of folders, csv, manifest, rendered, gtzan"):
        read_corpus(tmp_path, "msd")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_that_is_not_there_is_named(tmp_path, layout):
    with pytest.raises(DatasetError, match=r"nowhere: no (such folder|table can be read)"):
        read_corpus(tmp_path / "nowhere", layout)


@pytest.mark.parametrize(
    ("layout", "clips", "texts", "words"),
    [
        ("folders", [], {"rock/a.txt": "no audio"}, "no recordings, expected <genre>/<recording>"),
        ("folders", ["rock/a.wav", "b.wav"], {}, r"b\.wav: lies in no genre's folder"),
        ("folders", ["train/a.wav", "test/rock/b.wav"], {}, r"train/a\.wav: lies in no genre's folder"),
        ("folders", ["train/rock/a.wav", "jazz/b.wav"], {}, "jazz/ lies beside train/, expected genres only or splits"),
        ("manifest", ["a.wav"], {}, r"no manifest\.jsonl, expected one line of JSON per recording"),
        ("manifest", [], {"manifest.jsonl": "{}\n"}, r"manifest\.jsonl, line 1: no path"),
        ("manifest", [], {"manifest.jsonl": "\n"}, "lists no recordings"),
        ("manifest", [], {"manifest.jsonl": '{"path": "a.wav"}\n'}, r"1 recording \(.*a\.wav\) is listed but not"),
        ("csv", ["a.wav"], {}, r"0 tables \(\.csv\), expected one"),
        ("csv", [], table(""), r"line 1: no column path or label, expected .* it has nothing"),
        ("csv", [], table("file,label\n"), "line 1: no column path, expected a header .* it has file, label"),
        ("csv", [], table("path|label\n"), r"no column path or label, .* it has path\|label"),
        ("csv", [], table("path,label,Path\n"), "line 1: column path comes twice"),
        ("csv", [], table("path,label\n"), "no rows below the header"),
        ("csv", [], table("path,label\n\na.wav\n"), "line 3: 1 cells, expected 2 as in the header"),
        ("csv", [], table("path,label\n,rock\n"), "line 2, column path: '', expected the path of a recording"),
        ("csv", [], table("path,label\na\0.wav,rock\n"), r"line 2, column path: 'a\\x00\.wav'"),
        ("csv", [], table("path,label\na.wav,rock\n"), r"line 2, column path: a\.wav is no file"),
        ("csv", [], table(f"path,label\n{'a' * 5000},rock\n"), "line 2, column path: a+ is no file"),
        ("csv", [], table("path,label\n..,rock\n"), r"line 2, column path: \.\. leaves the table's folder"),
        ("csv", ["a.wav"], table("path,label\na.wav,x\n./a.wav,y\n"), r"line 3, column path: a\.wav comes on line 2"),
        ("csv", ["a.wav"], table("path,label,split\na.wav,x,dev\n"), "line 2, column split: 'dev', expected one of"),
        ("csv", ["a.wav"], table("path,label,sha256\na.wav,x,12\n"), "line 2, column sha256: '12', expected 64"),
        ("csv", ["a.wav"], table('path,label\na.wav,"rock\n'), "line 2: unexpected end of data, expected cells with"),
        ("csv", [], table(f"path,label\n{'a' * 200_000},rock\n"), r"line 2: field larger than field limit"),
        ("gtzan", ["a.wav"], {}, "not GTZAN, expected genres/<genre>/<genre>.00000.wav with the genres blues, "),
        ("gtzan", GTZAN[1:], {}, "genres: no folder blues; expected genres/<genre>"),
        ("gtzan", [*GTZAN, "genres/rock/pop.00001.wav"], {}, r"rock/pop\.00001\.wav: not a name of GTZAN"),
        ("gtzan", [*GTZAN, "genres/rock/rock.00001.0.wav"], {}, r"rock\.00001\.0\.wav: not a name of GTZAN"),
        ("gtzan", [*GTZAN, "genres/rock/rock.00000.au"], {}, r"rock\.00000 comes twice, as rock\.00000\.au too"),
        ("gtzan", [], {f"genres/{genre}/x.txt": "" for genre in GTZAN_GENRES}, "genres: no recordings"),
        ("gtzan", GTZAN, {"train_filtered.txt": "blues/blues.00099.wav"}, r"1 recording \(blues\.00099\) is in a"),
        ("gtzan", GTZAN, {"train_filtered.txt": "\nblues\n"}, r"_filtered\.txt, line 2: 'blues', expected a line"),
        (
            "gtzan",
            GTZAN,
            {"test_filtered.txt": "pop.00000\npop.00000"},
            r"line 2: pop\.00000 comes twice, first for test",
        ),
        ("gtzan", GTZAN, {"GTZANindex.txt": "blues.00000.wav, Ann\n"}, r"line 1: 'blues.* expected <name>\.wav :::"),
        ("ballroom", ["Jive/a.wav"], {}, "not Ballroom, no folder ChaChaCha, Quickstep, .* expected BallroomData/"),
        ("ballroom", BALLROOM, {"Media-1.bpm": "fast"}, r"Media-1\.bpm: could not convert .* expected one number"),
        ("ballroom", BALLROOM, {"Media-1.bpm": "120\n130\n"}, r"Media-1\.bpm: 2 lines, expected one number"),
        ("ballroom", BALLROOM, {"Media-1.bpm": "nan"}, "a tempo of nan bpm, expected one number"),
        ("ballroom", BALLROOM, {"Media-1.beats": "0.5 1\n"}, r"Media-1\.beats: 1 lines, expected a line per beat"),
        ("ballroom", BALLROOM, {"Media-1.beats": "1 1\n1 2\n"}, "a tempo of inf bpm, expected a line per beat"),
        (
            "fma",
            ["small/000/000002.mp3"],
            {},
            "no folder of audio, expected fma_small, fma_medium, fma_large, fma_full",
        ),
        ("fma", FMA, {}, r"tracks\.csv: no table can be read there .* fma_metadata\.zip"),
        ("fma", FMA, tracks("track_id,genre\n2,Rock\n"), "2 lines, expected 3 header lines"),
        ("fma", FMA, tracks("track_id,genre\n2,Rock\n3,Pop\n"), r"no column set\.split, set\.subset, .*track_id"),
        ("fma", FMA, tracks(FMA_HEADER), r"tracks\.csv: damaged"),
        ("fma", FMA, tracks(f"{FMA_HEADER}2,training\n"), r"tracks\.csv: damaged"),
        ("fma", FMA, tracks(f'{FMA_HEADER}2,training,small,"Rock,,,1,\n'), r"tracks\.csv: damaged"),
        ("fma", FMA, tracks(f"{FMA_HEADER}../x,training,small,Rock,,,1,\n"), "row 1, column track_id: '../x'"),
        ("fma", FMA, tracks(f"{FMA_HEADER}2,dev,small,Rock,,,1,\n"), "row 1, column split: 'dev', expected training"),
        ("jams", ["a.wav"], {}, r"no JAMS files, expected <name>\.jams beside <name>\.wav"),
        ("jams", ["a.wav"], {"a.jams": "{}"}, "no JAMS file has tags, expected annotations such as tag_gtzan"),
        ("jams", [], {"a.jams": "{}"}, r"a\.jams: no recording; expected one that its sandbox or identifiers name"),
    ],
)
def test_what_is_not_laid_out_so_is_refused_by_name(put, layout, clips, texts, words):
    folder = put(*clips, **texts)
    with pytest.raises(DatasetError, match=words):
        read_corpus(folder, layout)


def test_readers_are_loaded_when_they_are_asked_for():
    code = "import sys, datasets.readers; print({'jams', 'pandas', 'datasets.readers.fma'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
