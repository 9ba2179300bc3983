from datasets.manifest import MANIFEST_FILE, Manifest, Recording, write_manifest
from datasets.readers.manifest_folder import read_manifest_folder


def test_what_was_written_into_the_folder_is_read(put):
    folder = put("rock/a.wav", "rock/not listed.wav")
    written = Manifest("rendered", (Recording(folder / "rock/a.wav", "rock", artist="7", details={"tempo_bpm": 120}),))
    write_manifest(written, folder / MANIFEST_FILE)
    assert read_manifest_folder(folder) == written
