from datasets.readers.folders import read_folders


def found(manifest, folder) -> list[tuple[str, str, str, str]]:
    return [(r.path.relative_to(folder).as_posix(), r.label, r.artist, r.split) for r in manifest]


def test_a_folder_is_a_genre_and_a_folder_below_it_an_artist(put):
    folder = put("rock/b.WAV", "rock/The Examples/live/a.mp3", "jazz/x.flac", "jazz/y.aiff")
    manifest = read_folders(folder)
    assert manifest.name == folder.name
    assert found(manifest, folder) == [
        ("jazz/x.flac", "jazz", "", ""),
        ("jazz/y.aiff", "jazz", "", ""),
        ("rock/The Examples/live/a.mp3", "rock", "The Examples", ""),
        ("rock/b.WAV", "rock", "", ""),
    ]


def test_what_is_hidden_or_no_audio_is_passed_over(put):
    folder = put(
        *("rock/a.wav", "rock/._a.wav", "rock/.cache/b.wav", ".trash/c.wav", "images/cover.png", "rock/notes.txt"),
        **{"README.md": "words", "rock/list.csv": "a,b"},
    )
    assert found(read_folders(folder), folder) == [("rock/a.wav", "rock", "", "")]


def test_splits_may_lie_above_the_genres(put):
    folder = put("train/rock/a.wav", "train/jazz/Ann/b.wav", "val/rock/c.wav", "Test/jazz/d.wav", "images/cover.png")
    assert sorted(found(read_folders(folder), folder)) == [
        ("Test/jazz/d.wav", "jazz", "", "test"),
        ("train/jazz/Ann/b.wav", "jazz", "Ann", "train"),
        ("train/rock/a.wav", "rock", "", "train"),
        ("val/rock/c.wav", "rock", "", "validation"),
    ]


def test_links_are_followed_and_loops_end(put, tmp_path):
    folder = put("corpus/rock/a.wav", "elsewhere/b.wav")
    (folder / "corpus" / "rock" / "Ann").symlink_to(folder / "elsewhere")
    (folder / "corpus" / "rock" / "loop").symlink_to(folder / "corpus" / "rock")
    assert found(read_folders(folder / "corpus"), folder / "corpus") == [
        ("rock/Ann/b.wav", "rock", "Ann", ""),
        ("rock/a.wav", "rock", "", ""),
    ]
