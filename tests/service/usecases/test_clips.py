"""Clips are made, read in every format, and go: with the stand-in generator, and everything else real."""

import io
import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
import soundfile

from features.clip_file import read_provenance
from models.errors import BackboneMissing, ModelError
from service.errors import Cancelled, NotFound, TooBusy
from service.generation import Generation
from service.storage.clips import ClipStore
from service.storage.ids import new_id
from service.usecases.clips import delete_clip, make_clip, prune_clips, request_clip, sound_file
from service.usecases.tracks import remove_orphans
from tests.support import stand_in_generator
from tests.support.clips import heard_track, make

FOR_EVER = timedelta(seconds=-1)


@pytest.fixture
def generator(parts):
    return parts.generation.generator


@pytest.fixture
def clip(parts):
    return make(parts, seconds=2.0, key="A minor", takes=2)


def blobs(parts):
    return list(parts.blobs.keys(older_than=FOR_EVER))


def sound(parts, clip, number=0, format="flac"):
    file = sound_file(clip.id, number, format, services=parts)
    with parts.blobs.open(file.blob) as content:
        return content.read()


def test_a_clip_is_made_take_by_take(parts, clip, generator):
    assert (clip.state, len(clip.takes), clip.problem) == ("done", 2, None)
    assert [wish.seed for wish in generator.made] == [take.report["seed"] for take in clip.takes]
    y, sr = soundfile.read(io.BytesIO(sound(parts, clip)))
    assert (sr, len(y)) == (22050, 44100)
    spectrum = np.abs(np.fft.rfft(y))
    assert np.argmax(spectrum) / 2.0 == pytest.approx(440, abs=1)
    np.testing.assert_array_equal(parts.clips.codes(clip.id, 0).shape, (4, 87))
    assert parts.clips.waveform(clip.id, 0)["peaks"]
    assert clip.takes[0].genre_agreement == 0.02  # the stand-in hears jazz in everything that sounds


def test_the_file_says_how_it_was_made(parts, clip, tmp_path):
    path = tmp_path / "take.flac"
    path.write_bytes(sound(parts, clip, 1))
    account = read_provenance(path)
    assert (account["generated"], account["model"]) == (True, "stand-in-generator-1")
    assert account["wish"] == clip.takes[1].report["wish"]
    assert account["genre_agreement"] == clip.takes[1].genre_agreement
    json.dumps(account)


@pytest.mark.parametrize("format", ["wav", "ogg", "mp3"])
def test_other_formats_are_made_once_and_say_the_same(parts, clip, tmp_path, format):
    before = len(blobs(parts))
    path = tmp_path / f"take.{format}"
    path.write_bytes(sound(parts, clip, 0, format))
    assert sound(parts, clip, 0, format) == path.read_bytes()
    assert len(blobs(parts)) == before + 1
    flac = tmp_path / "take.flac"
    flac.write_bytes(sound(parts, clip))
    assert read_provenance(path) == read_provenance(flac)
    if format == "wav":
        np.testing.assert_array_equal(soundfile.read(path, dtype="int16")[0], soundfile.read(flac, dtype="int16")[0])


def test_of_two_who_make_the_same_format_one_leaves_nothing(parts, clip, monkeypatch):
    first = sound_file(clip.id, 0, "wav", services=parts)
    before = blobs(parts)
    file = ClipStore.file
    monkeypatch.setattr(ClipStore, "file", lambda self, *named: None if named[2:] == ("wav",) else file(self, *named))
    assert sound_file(clip.id, 0, "wav", services=parts) == first
    assert blobs(parts) == before


def test_a_clip_starts_from_a_span_of_a_track(parts, generator, tone):
    source = {"track": heard_track(parts, tone(4.0)), "use": "restyle", "start_s": 1.0, "end_s": 3.0}
    assert make(parts, genre="jazz", seconds=2.0, source=source).state == "done"
    (given,) = generator.sources
    assert (given.use, given.codes.shape[1], given.start_frame, given.stop_frame) == ("restyle", 173, 43, 129)


def test_of_a_long_recording_only_the_span_is_read(parts, generator, tone, monkeypatch):
    monkeypatch.setattr("service.usecases.clips.SECONDS", (1.0, 3.0))
    source = {"track": heard_track(parts, tone(4.0)), "use": "restyle", "start_s": 1.0, "end_s": 3.0}
    assert make(parts, genre="jazz", seconds=2.0, source=source).state == "done"
    (given,) = generator.sources
    assert (given.codes.shape[1], given.start_frame, given.stop_frame) == (87, 0, 86)


def test_a_variation_starts_from_the_codes_as_they_were_drawn(parts, generator, clip):
    varied = make(parts, vary={"clip": clip.id, "take": 1, "strength": 0.3})
    given = generator.sources[-1]
    np.testing.assert_array_equal(given.codes, parts.clips.codes(clip.id, 1))
    assert (given.use, given.strength) == ("vary", 0.3)
    assert varied.state == "done"


def test_codes_of_another_generator_mean_nothing_to_this_one(parts, generator, clip, monkeypatch):
    monkeypatch.setitem(parts.generation.card, "sha256", "0" * 64)
    make(parts, vary={"clip": clip.id, "take": 1})
    assert not np.array_equal(generator.sources[-1].codes, parts.clips.codes(clip.id, 1))


def test_progress_rises_over_all_takes(parts):
    clip = request_clip({"genre": "jazz", "seconds": 3, "takes": 2}, owner="ann", services=parts)
    parts.jobs.claim(clip.job_id)
    shares = []
    assert make_clip(clip.id, services=parts, progress=shares.append) == {"clip": clip.id, "takes": 2}
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert 0.5 in shares


def test_takes_that_were_made_stay_when_it_is_cancelled_and_are_not_made_again(parts, generator):
    clip = request_clip({"genre": "jazz", "seconds": 3, "takes": 3}, owner="ann", services=parts)
    parts.jobs.claim(clip.job_id)
    with pytest.raises(Cancelled):
        make_clip(clip.id, services=parts, cancelled=lambda: len(generator.made) == 2)
    assert [take.number for take in parts.clips.get(clip.id).takes] == [0]
    assert len(blobs(parts)) == 1
    make_clip(clip.id, services=parts)
    assert len(generator.made) == 4  # the second twice, for it was not finished; the first once
    assert len(parts.clips.get(clip.id).takes) == 3


def test_of_two_workers_who_make_the_same_take_one_leaves_nothing(parts, monkeypatch):
    clip = make(parts)
    before = blobs(parts)
    monkeypatch.setattr(ClipStore, "begin", lambda self, clip_id: replace(self.get(clip_id), takes=()))
    make_clip(clip.id, services=parts)
    assert blobs(parts) == before


def test_a_clip_that_is_deleted_while_it_is_made_leaves_nothing(parts, generator, monkeypatch):
    clip = request_clip({"genre": "jazz", "seconds": 1}, owner="ann", services=parts)
    made = generator.make

    def make_and_delete(*arguments, **options):
        delete_clip(clip.id, services=parts)
        return made(*arguments, **options)

    monkeypatch.setattr(generator, "make", make_and_delete)
    with pytest.raises(NotFound):
        make_clip(clip.id, services=parts)
    assert blobs(parts) == []


def test_a_clip_is_none_the_worse_for_a_classifier_that_is_not_there(parts, monkeypatch):
    def missing(path, **_):
        raise BackboneMissing("no weights")

    monkeypatch.setattr(parts.engine, "classify", missing)
    clip = make(parts)
    assert (clip.state, clip.takes[0].genre_agreement, clip.takes[0].rank) == ("done", None, 1)


def test_silence_agrees_with_no_genre(parts, monkeypatch):
    monkeypatch.setattr(stand_in_generator, "_tone", lambda _wish, _codes, n: iter([np.zeros(n, np.float32)]))
    assert make(parts).takes[0].genre_agreement == 0.0


def test_without_a_generator_nothing_is_asked_for(parts):
    def missing():
        raise ModelError("card.json: no model card can be read there")

    parts.generation = Generation(missing, missing)
    with pytest.raises(ModelError, match="no model card"):
        request_clip({"genre": "jazz"}, owner="ann", services=parts)
    assert parts.clips.list().items == []


def test_only_so_many_clips_wait(make_parts):
    parts = make_parts(clip_max_waiting=1)
    request_clip({"genre": "jazz"}, owner="ann", services=parts)
    with pytest.raises(TooBusy, match="1 clips wait"):
        request_clip({"genre": "jazz"}, owner="ann", services=parts)


def test_what_a_clip_has_is_no_orphan_and_goes_with_it(parts, clip, tone):
    heard_track(parts, tone())
    sound_file(clip.id, 0, "mp3", services=parts)
    assert remove_orphans(services=parts, older_than=FOR_EVER) == 0
    assert len(blobs(parts)) == 4
    delete_clip(clip.id, services=parts)
    assert len(blobs(parts)) == 1
    with parts.blobs.stage(io.BytesIO(b"lost"), max_bytes=10) as staged:
        parts.blobs.keep(staged, f"ab/{new_id()}")
    assert remove_orphans(services=parts, older_than=FOR_EVER) == 1


@pytest.mark.parametrize(("days", "left"), [(30, 1), (0, 2)])
def test_old_clips_go_unless_all_are_kept(make_parts, days, left, monkeypatch):
    parts = make_parts(clip_days=days)
    old, new = make(parts), make(parts)
    monkeypatch.setattr(ClipStore, "older_than", lambda self, age: [old.id] if age == timedelta(days=days) else [])
    assert prune_clips(services=parts) == 2 - left
    assert len(parts.clips.list().items) == len(blobs(parts)) == left
    assert parts.clips.get(new.id)
