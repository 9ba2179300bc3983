from datasets.manifest import Manifest, Recording
from models.corpus_facts import corpus_facts


def corpus(*splits, licence="MIT"):
    recordings = [
        Recording(path=f"{i}.wav", label="jazz", split=split, sha256=f"{i:064x}", licence=licence)
        for i, split in enumerate(splits)
    ]
    return Manifest("clips", tuple(recordings))


def test_name_size_and_licences():
    facts = corpus_facts(corpus("train", "test"), "manifest")
    assert (facts["corpus"], facts["layout"], facts["n_recordings"]) == ("clips", "manifest", 2)
    assert facts["licences"] == ["MIT"]
    assert corpus_facts(corpus("train", licence=""), "manifest")["licences"] == []


def test_the_hash_tells_another_split_but_not_another_order():
    one = corpus("train", "test")
    turned = Manifest("clips", tuple(reversed(one.recordings)))
    assert corpus_facts(turned, "x")["split_sha256"] == corpus_facts(one, "x")["split_sha256"]
    assert corpus_facts(corpus("test", "train"), "x")["split_sha256"] != corpus_facts(one, "x")["split_sha256"]
