"""What a request for a clip means: one wish for each take, and from what it starts.

Everything that the request names is looked up and checked here, before a job is made of it, so that whoever asked is
told at once what cannot be; and a job that is done again after its process was killed makes the same takes.
"""

from collections.abc import Mapping
from dataclasses import replace
from secrets import randbelow
from typing import TYPE_CHECKING, Any

from datasets.composers import GENRES
from models.clip_wish import MAX_SEED, ClipWish, derived_seed
from models.errors import BadWish
from models.preferences import RatedTake, propose
from service.errors import Conflict, Invalid
from service.storage.clips import Take, TakePlan
from service.storage.tracks import Track
from service.usecases.clip_beginnings import STRENGTH, beginning_of, source_of
from service.usecases.generate import wish_like

if TYPE_CHECKING:
    from service.services import Services

WISHED = tuple(name for name in ClipWish.__dataclass_fields__ if name != "seed")
BEGINNINGS = ("source", "vary", "follow")  # of which a request names one at most
BEST = 5  # stars of a take that is varied
EVERY = 3  # of the takes that follow ratings, every third one varies the best one


def plan_clip(request: Mapping[str, Any], *, services: "Services") -> tuple[int, list[TakePlan]]:
    """Seed and takes of a request.

    Parameters
    ----------
    request : mapping
        As in the HTTP contract, its types checked; what is missing or None was not given.
    services : Services
        Where tracks and clips are that it names.

    Raises
    ------
    BadWish, Invalid
        If a value cannot be met; the message names it and what can.
    Conflict
        If what it names is not ready for it.
    NotFound
        If it names what does not exist.
    """
    given = {name: request[name] for name in WISHED if request.get(name) is not None}
    n = 1 if request.get("takes") is None else request["takes"]
    seed = randbelow(MAX_SEED + 1) if request.get("seed") is None else request["seed"]
    if not 1 <= n <= services.settings.clip_max_takes:
        raise Invalid(f"takes={n}: expected 1 to {services.settings.clip_max_takes} on this server")
    _refuse_contradictions(request)
    if (followed := request.get("follow")) is not None:
        takes = _following(followed, given, n=n, seed=seed, services=services)
    else:
        beginning, base = beginning_of(request, services=services)
        wish = _wish(request, base | given | {"seed": seed}, services)
        source = None if beginning is None else source_of(beginning, wish, services=services)
        takes = [TakePlan(wish.with_seed(derived_seed(seed, k)).to_dict(), source) for k in range(n)]
    longest = services.settings.clip_max_duration_s
    for take in takes:
        if take.wish["seconds"] > longest:
            raise BadWish(f"seconds={take.wish['seconds']:g}: expected at most {longest:g} on this server")
    return seed, takes


def _refuse_contradictions(request: Mapping[str, Any]) -> None:
    named = [name for name in BEGINNINGS if request.get(name) is not None]
    if len(named) > 1:
        raise Invalid(f"{' and '.join(named)}: a clip can begin with one of them only")
    if request.get("like") is not None and {"vary", "follow"} & set(named):
        raise Invalid(f"like and {named[0]}: the genre can come from one of them only")
    if request.get("loop") and {"source", "vary"} & set(named):
        raise Invalid(f"loop and {named[0]}: a clip that starts from a recording cannot be a loop")


def _wish(request: Mapping[str, Any], given: Mapping[str, Any], services: "Services") -> ClipWish:
    if (like := request.get("like")) is not None:
        return wish_like(_answer(services.tracks.get(like)), given=given)
    if "genre" not in given:
        raise Invalid(
            f"genre is missing: expected one or shares of some of {', '.join(GENRES)}; or `like` with the id of a "
            "track, `vary` or `source` with a take, or `follow` with a clip"
        )
    return ClipWish.from_dict(given)


def _answer(track: Track) -> Mapping[str, Any]:
    if track.classification is not None:
        return track.classification
    if track.state in ("queued", "running"):
        raise Conflict(
            f"like: track {track.id} has no answer yet. Please wait until GET /v1/tracks/{track.id} says done."
        )
    raise Conflict(
        f"like: track {track.id} has no answer: its state is {track.state}. "
        f"POST /v1/tracks/{track.id}/classifications has it heard again, or give a genre."
    )


def _following(clip_id: str, given: Mapping[str, Any], *, n: int, seed: int, services: "Services") -> list[TakePlan]:
    """Takes as the ratings of a clip, and of those that it followed, would have them."""
    chain = services.clips.chain(clip_id)
    rated = [
        RatedTake(_as_heard(take), take.rating, age)
        for age, clip in enumerate(chain)
        for take in clip.takes
        if take.rating is not None
    ]
    if not rated:
        raise Conflict(
            f"follow: no take of clip {clip_id} was rated. PUT /v1/clips/{clip_id}/takes/0/rating with "
            '{"stars": 1 to 5} says what to follow.'
        )
    base = ClipWish.from_dict(chain[0].plan[0].wish)
    wishes = [ClipWish.from_dict({**wish.to_dict(), **given}) for wish in propose(rated, base=base, n=n, seed=seed)]
    best = next((take for clip in chain for take in clip.takes if take.rating == BEST), None)
    takes = [TakePlan(wish.to_dict()) for wish in wishes]
    if best is None or base.loop or given.get("loop"):
        return takes
    return [
        _variation(best, wish, given) if k % EVERY == min(EVERY, n) - 1 and n > 1 else TakePlan(wish.to_dict())
        for k, wish in enumerate(wishes)
    ]


def _as_heard(take: Take) -> ClipWish:
    """The wish of a take; a tempo that was left open is the one that was heard."""
    wish = ClipWish.from_dict(take.report["wish"])
    tempo_bpm = take.report.get("tempo_bpm")
    if wish.tempo_bpm is not None or tempo_bpm is None:
        return wish
    try:
        return replace(wish, tempo_bpm=tempo_bpm)
    except BadWish:
        return wish


def _variation(best: Take, wish: ClipWish, given: Mapping[str, Any]) -> TakePlan:
    """A take that varies the best one, as that was wished for."""
    own = {**best.report["wish"], **{name: value for name, value in given.items() if name != "seconds"}}
    return TakePlan(
        {**ClipWish.from_dict(own).to_dict(), "seed": wish.seed},
        {
            "clip": best.clip_id,
            "take": best.number,
            "use": "vary",
            "start_s": 0.0,
            "end_s": best.seconds,
            "strength": STRENGTH,
            "seconds": best.seconds,
        },
    )
