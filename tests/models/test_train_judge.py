import json

import numpy as np
import pytest
import soundfile

from datasets.manifest import Manifest, Recording, read_manifest, write_manifest
from features.cache import FeatureCache
from models.errors import ModelError
from models.evaluation.clip_statistics import FIGURES
from models.evaluation.real_reference import RealReference
from models.judge import Judge
from models.train_judge import Settings, hear_recordings, reference_of, train
from tests.support.heard_music import DIM, small_ears

SR = 16000
HZ = {"blues": 150.0, "jazz": 3000.0}
SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A genre is a low tone, the other a high one; 10 s each."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    recordings = []
    for genre, hz in HZ.items():
        for index, split in enumerate(SPLITS):
            path = folder / f"{genre}-{index}.wav"
            t = np.arange(10 * SR) / SR
            soundfile.write(path, 0.1 * np.sin(2 * np.pi * hz * rng.uniform(0.9, 1.1) * t), SR)
            details = {"tempo_bpm": 100.0, "key": "A minor"}
            recordings.append(Recording(path, genre, split=split, licence="none", details=details))
    write_manifest(Manifest("tones", tuple(recordings)), folder / "manifest.jsonl")
    return folder


def test_a_judge_and_a_reference_come_of_a_corpus(corpus, tmp_path):
    settings = Settings(data=corpus, judge=tmp_path / "judge", reference=tmp_path / "reference")
    card = train(settings, ears=small_ears())
    assert card["test"]["accuracy"] == 1.0
    assert card["named"] == ["blues", "jazz"]
    judge, reference = Judge.load(settings.judge), RealReference.load(settings.reference)
    assert reference.genres == judge.genres == ("blues", "jazz")
    assert reference.ids[0] == "blues-0"
    assert (reference.genre == [0] * 3 + [1] * 3).all()
    assert (reference.split == [0, 1, 2] * 2).all()
    assert reference.true_key[0] == "A minor"
    assert judge.probabilities(reference.embedding[:3]).argmax() == 0
    facts = json.loads((settings.reference / "card.json").read_text())["data"]
    assert (facts["corpus"], facts["n_recordings"], facts["licences"]) == ("tones", 6, ["none"])
    assert any("Groove MIDI" in source for source in facts["sources"])


def test_what_was_heard_is_kept(corpus, tmp_path):
    recordings = read_manifest(corpus / "manifest.jsonl").recordings[:1]
    cache = FeatureCache(tmp_path, max_bytes=10**7)
    first = hear_recordings(recordings, small_ears(), cache=cache)[0].arrays

    class Deaf:
        def __call__(self, *_):
            raise AssertionError("heard twice")

    ears = small_ears()
    ears.judge._network = Deaf()
    again = hear_recordings(recordings, ears, cache=cache)[0].arrays
    assert again["embedding"].shape == (3, DIM)
    assert again["figures"].shape == (len(FIGURES),)
    assert all((again[name] == first[name]).all() or np.isnan(first[name]).any() for name in first)


def test_recordings_of_unknown_tempo_are_no_reference(corpus):
    recordings = read_manifest(corpus / "manifest.jsonl").recordings[:1]
    heard = hear_recordings([Recording(recordings[0].path, "blues", split="train")], small_ears())
    with pytest.raises(ModelError, match="expected a rendered recording with split, tempo_bpm and key"):
        reference_of(heard, ("blues",), name="r")


def test_every_genre_needs_every_split(corpus, tmp_path):
    manifest = read_manifest(corpus / "manifest.jsonl")
    some = manifest.select(r for r in manifest if (r.label, r.split) != ("jazz", "validation"))
    write_manifest(some, corpus / "manifest.jsonl")
    try:
        with pytest.raises(ModelError, match="no validation clip of jazz"):
            train(Settings(data=corpus, judge=tmp_path / "j", reference=tmp_path / "r"), ears=small_ears())
    finally:
        write_manifest(manifest, corpus / "manifest.jsonl")
