"""What a request for a clip means, and what no request can mean."""

import io

import numpy as np
import pytest
import soundfile

from models.clip_wish import derived_seed
from models.errors import BadWish
from service.errors import Conflict, Invalid, NotFound
from service.usecases.clip_plans import plan_clip
from service.usecases.tracks import classify_track, receive_upload
from tests.support.clips import heard_track, make

NOWHERE = "0" * 26


@pytest.fixture(scope="module")
def parts(make_shared_parts):
    """Nothing here depends on what else there is, so that one is enough."""
    return make_shared_parts()


@pytest.fixture
def plan(parts):
    def of(**request):
        return plan_clip({"seed": 1, **request}, services=parts)[1]

    return of


@pytest.fixture(scope="module")
def track(parts):
    """A track of 4 s that is jazz at 120 bpm in A minor."""
    return heard_track(parts, wav(0.1 * np.sin(np.arange(32000))))


@pytest.fixture
def clip(parts):
    """Two takes of 2 s of reggae at 76 bpm."""
    return make(parts, seconds=2.0, tempo_bpm=76.0, takes=2)


def test_a_genre_is_enough(plan):
    (take,) = plan(genre="waltz")
    assert (take.wish["genre"], take.wish["seconds"], take.wish["seed"], take.source) == ({"waltz": 1.0}, 10, 1, None)


def test_takes_differ_by_seeds_that_follow_from_the_first(plan, parts):
    assert [take.wish["seed"] for take in plan(genre="jazz", takes=3)] == [derived_seed(1, k) for k in range(3)]
    drawn = [plan_clip({"genre": "jazz"}, services=parts)[0] for _ in range(2)]
    assert drawn[0] != drawn[1]


def test_like_a_track_is_as_it_was_heard_but_for_what_is_given(plan, track):
    (take,) = plan(like=track)
    assert max(take.wish["genre"], key=take.wish["genre"].get) == "jazz"
    assert (take.wish["tempo_bpm"], take.wish["key"]) == (120.0, "A minor")
    (take,) = plan(like=track, genre={"rock": 0.5}, tempo_bpm=90.0, key="C major")
    assert take.wish["genre"]["rock"] > 0.5  # half, and the little that was heard
    assert (take.wish["tempo_bpm"], take.wish["key"]) == (90.0, "C major")
    assert plan(like=track, genre="rock")[0].wish["genre"] == {"rock": 1.0}


def test_like_needs_an_answer(plan, parts, tone):
    unheard = receive_upload(io.BytesIO(tone()), "song.wav", services=parts)
    with pytest.raises(Conflict, match=rf"no answer yet.*/v1/tracks/{unheard.id}"):
        plan(like=unheard.id)
    parts.jobs.cancel(parts.jobs.submit("classify", track_id=unheard.id).id)
    with pytest.raises(Conflict, match=rf"cancelled.*POST /v1/tracks/{unheard.id}/classifications"):
        plan(like=unheard.id)
    silence = receive_upload(io.BytesIO(wav(np.zeros(16000))), "silence.wav", services=parts)
    classify_track(silence.id, services=parts)
    with pytest.raises(Invalid, match="genre"):
        plan(like=silence.id)
    assert plan(like=silence.id, genre="jazz")


def wav(y, sr=8000):
    file = io.BytesIO()
    soundfile.write(file, y, sr, format="WAV")
    return file.getvalue()


def test_a_variation_is_of_the_wish_of_its_take(plan, clip):
    (take,) = plan(vary={"clip": clip.id, "take": 1, "strength": 0.25}, energy=0.9)
    assert take.wish["genre"] == {"reggae": 1.0}
    assert (take.wish["tempo_bpm"], take.wish["energy"], take.wish["seed"]) == (76.0, 0.9, 1)
    assert take.source == {
        "clip": clip.id,
        "take": 1,
        "use": "vary",
        "start_s": 0.0,
        "end_s": 2.0,
        "strength": 0.25,
        "seconds": 2.0,
    }
    assert plan(vary={"clip": clip.id})[0].source["take"] == clip.best.number


@pytest.mark.parametrize(
    ("use", "asked", "span"),
    [
        ("continue", {}, (1.5, 4.0)),  # half of the five seconds that are wished for
        ("continue", {"end_s": 3.0}, (0.5, 3.0)),
        ("continue", {"start_s": 1.0, "end_s": 3.0}, (1.0, 3.0)),
        ("restyle", {}, (0.0, 4.0)),
        ("restyle", {"start_s": 3.0}, (3.0, 4.0)),
        ("inpaint", {"start_s": 1.0, "end_s": 2.0}, (1.0, 2.0)),
        ("inpaint", {"end_s": 4.04}, (0.0, 4.04)),  # a header may be a little off
    ],
)
def test_the_span_of_a_recording(plan, track, use, asked, span):
    source = plan(genre="jazz", seconds=5.0, source={"track": track, "use": use, **asked})[0].source
    assert (source["track"], source["use"]) == (track, use)
    assert (source["start_s"], source["end_s"]) == span


def test_a_take_is_continued_as_it_was_wished_for_or_like_a_track(plan, clip, track):
    source = {"clip": clip.id, "take": 0, "use": "continue"}
    (take,) = plan(source=source, seconds=4.0)
    assert (take.wish["genre"], take.wish["tempo_bpm"]) == ({"reggae": 1.0}, 76.0)
    (take,) = plan(source=source, seconds=4.0, like=track)
    assert (take.wish["genre"]["jazz"] > 0.5, take.wish["tempo_bpm"]) == (True, 120.0)


def test_ratings_are_followed(plan, parts, clip):
    with pytest.raises(Conflict, match=rf"no take of clip {clip.id} was rated.*PUT"):
        plan(follow=clip.id)
    parts.clips.rate(clip.id, 0, 4)
    takes = plan(follow=clip.id, takes=4, key="E minor")
    assert [take.source for take in takes] == [None] * 4
    assert takes[0].wish["tempo_bpm"] == 76.0
    assert {(take.wish["key"], take.wish["seconds"]) for take in takes} == {("E minor", 2.0)}
    assert len({take.wish["temperature"] for take in takes}) == 4
    assert plan(follow=clip.id, takes=4, key="E minor") == takes


def test_what_has_five_stars_is_varied_too(plan, parts, clip):
    parts.clips.rate(clip.id, 1, 5)
    varied = [take.source and (take.source["clip"], take.source["take"]) for take in plan(follow=clip.id, takes=4)]
    assert varied == [None, None, (clip.id, 1), None]
    assert [bool(take.source) for take in plan(follow=clip.id, takes=2)] == [False, True]
    assert [bool(take.source) for take in plan(follow=clip.id)] == [False]
    assert not any(take.source for take in plan(follow=clip.id, takes=3, loop=True))


def test_ratings_of_what_was_followed_count_too(plan, parts, clip):
    parts.clips.rate(clip.id, 0, 5)
    later = make(parts, follow=clip.id)
    assert plan(follow=later.id)[0].wish["genre"] == {"reggae": 1.0}


@pytest.mark.parametrize(
    ("request_", "error", "says"),
    [
        ({}, Invalid, r"genre is missing.*blues.*`like`"),
        ({"genre": "polka"}, BadWish, "polka.*blues"),
        ({"genre": "jazz", "takes": 0}, Invalid, "takes=0: expected 1 to 8"),
        ({"genre": "jazz", "takes": 9}, Invalid, "takes=9: expected 1 to 8"),
        ({"genre": "jazz", "seconds": 0}, BadWish, "seconds=0: expected 1 to 300"),
        ({"genre": "jazz", "seconds": 10_000}, BadWish, "seconds=10000: expected 1 to 300"),
        ({"genre": "jazz", "tempo_bpm": 5000}, BadWish, "tempo_bpm=5000: expected"),
        ({"genre": "jazz", "key": "H moll"}, BadWish, "key='H moll'"),
        ({"like": NOWHERE}, NotFound, "no track"),
        ({"follow": NOWHERE}, NotFound, "no clip"),
        ({"follow": "../x"}, NotFound, "no clip"),
        ({"vary": {"clip": NOWHERE}}, NotFound, "no clip"),
        ({"genre": "jazz", "source": {"use": "continue"}}, Invalid, "expected `track`"),
        ({"genre": "jazz", "source": {"use": "continue", "track": NOWHERE}}, NotFound, "no track"),
        ({"source": {"use": "continue", "clip": NOWHERE}}, NotFound, "no clip"),
        ({"source": {"use": "continue", "clip": NOWHERE, "track": NOWHERE}}, Invalid, "expected `track`"),
        ({"follow": NOWHERE, "vary": {"clip": NOWHERE}}, Invalid, "vary and follow"),
        ({"follow": NOWHERE, "like": NOWHERE}, Invalid, "like and follow"),
        ({"vary": {"clip": NOWHERE}, "like": NOWHERE}, Invalid, "like and vary"),
        ({"vary": {"clip": NOWHERE}, "loop": True}, Invalid, "loop and vary"),
    ],
)
def test_what_cannot_be_says_what_can(plan, request_, error, says):
    with pytest.raises(error, match=says):
        plan(**request_)


@pytest.mark.parametrize(
    ("source", "seconds", "says"),
    [
        ({"use": "continue", "end_s": 4.5}, 10, r"source.end_s=4.5: expected 0 to 4.00"),
        ({"use": "continue", "start_s": 99}, 10, r"source.start_s=99: expected 0 to 4.00"),
        ({"use": "restyle", "start_s": 2, "end_s": 1}, 10, "span of 0.5 s or more"),
        ({"use": "restyle", "start_s": 2, "end_s": 2.1}, 10, "span of 0.5 s or more"),
        ({"use": "inpaint"}, 10, "start_s and end_s"),
        ({"use": "continue", "start_s": 0, "end_s": 4}, 4, r"seconds=4: expected more than the 4.0 s"),
    ],
)
def test_a_span_lies_in_its_recording(plan, track, source, seconds, says):
    with pytest.raises(Invalid, match=says):
        plan(genre="jazz", seconds=seconds, source={"track": track, **source})


def test_a_recording_that_cannot_be_used_says_why(plan, parts, tone):
    track = receive_upload(io.BytesIO(tone()), "song.wav", services=parts)
    job = parts.jobs.claim(parts.jobs.submit("classify", track_id=track.id).id)
    parts.jobs.fail(job, {"status": 422, "title": "t", "type": "t", "detail": "the stream ends in the middle"})
    with pytest.raises(Invalid, match=r"song.wav cannot be used: the stream ends"):
        plan(genre="jazz", source={"track": track.id, "use": "continue"})


def test_limits_are_those_of_the_server(make_parts, tone):
    parts = make_parts(clip_max_duration_s=3.0, clip_max_takes=2)
    track = heard_track(parts, tone(4.0))
    for request, says in (
        ({"seconds": 4}, "seconds=4: expected at most 3"),
        ({"takes": 3}, "takes=3: expected 1 to 2"),
        (
            {"seconds": 3, "source": {"track": track, "use": "restyle", "end_s": 4}},
            "a span of 4.0 s, expected at most 3",
        ),
        (
            {"seconds": 3, "source": {"track": track, "use": "inpaint", "end_s": 1}},
            "a recording to inpaint of 4.0 s, expected at most 3",
        ),
    ):
        with pytest.raises((BadWish, Invalid), match=says):
            plan_clip({"genre": "jazz", **request}, services=parts)
