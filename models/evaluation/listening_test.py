"""Blind listening tests: who hears what, in which order, and what the answers say about the systems compared.

A system is whatever made a sound: a model, a baseline, people. Listeners give stars to single clips and say which of
two they prefer; they are the unit of all intervals, because the answers of one of them depend on each other.

References
----------
ITU-T P.800, "Methods for subjective determination of transmission quality", 1996.
Bradley and Terry, "Rank analysis of incomplete block designs: the method of paired comparisons", Biometrika 39, 1952.
Hunter, "MM algorithms for generalized Bradley-Terry models", Annals of Statistics 32(1), 2004.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from models.agreement import Answer, AnswerTable, agreement
from models.errors import ModelError

STARS = (1, 5)
CHOICES = ("a", "b", "same")
REPEAT_GAP = 2  # questions at least between a pair and its repetition, where there are so many
N_RESAMPLES = 500  # of listeners
LEVEL = 0.95
MM_STEPS, MM_CLOSE = 500, 1e-9


@dataclass(frozen=True)
class Item:
    """A sound of a system. Only items of one topic, such as a genre, are compared with each other."""

    id: str
    system: str
    topic: str = ""


@dataclass(frozen=True)
class Question:
    """What a listener is asked: stars for `a`, or whether `a` or `b` is better.

    Attributes
    ----------
    kind : "rating" or "pair"
        Which of the two.
    a, b : str
        Ids of items; `b` is None in a rating.
    repeats : int or None
        Index of the pair of the same session that this one asks about again, the other way round.
    """

    kind: str
    a: str
    b: str | None = None
    repeats: int | None = None


@dataclass(frozen=True)
class Given:
    """An answer: 1 to 5 stars, or the side that was preferred."""

    listener: str
    question: Question
    answer: int | str
    original: str | None = None  # of a repetition, what was answered the first time


def session(
    items: Sequence[Item], *, n_pairs: int, n_ratings: int, n_repeats: int, listener: int, seed: int
) -> list[Question]:
    """The questions of one listener.

    Over listeners in turn, each two systems meet equally often, each stands first as often as second, topics and items
    come in turn; a listener never rates an item twice, nor compares the same two but for repetitions.

    Parameters
    ----------
    items : sequence of Item
        What can be heard.
    n_pairs, n_ratings : int
        How many of each are asked at most; fewer where there are not so many different ones.
    n_repeats : int
        How many of the pairs are asked again, with sides exchanged, to see how consistent a listener is.
    listener : int
        Number of the listener, from 0: where in the turns the session begins.
    seed : int
        Of the test.

    Raises
    ------
    ModelError
        If a number is negative, or no two systems have items of a common topic and pairs are asked for.
    """
    if min(n_pairs, n_ratings, n_repeats, listener) < 0:
        raise ModelError(f"n_pairs={n_pairs}, n_ratings={n_ratings}, n_repeats={n_repeats}: expected 0 or more each")
    rng = np.random.default_rng([seed, listener])
    pairs = _pairs(_Turns(items, seed), n_pairs, listener)
    ratings = _ratings(_Turns(items, seed), n_ratings, listener)
    first = [pairs[index] for index in rng.permutation(len(pairs))]
    again = sorted(rng.permutation(len(first))[:n_repeats].tolist())
    # Pairs and ratings are two parts: changing tasks with every question tires.
    asked = [*first, *(Question("pair", str(first[index].b), first[index].a, repeats=index) for index in again)]
    asked = _spread(asked, len(first), rng)
    return asked + [ratings[index] for index in rng.permutation(len(ratings))]


def results(given: Sequence[Given], systems: Mapping[str, str]) -> dict[str, Any]:
    """What the answers say.

    Parameters
    ----------
    given : sequence of Given
        All answers of all listeners. Repetitions only tell of consistency.
    systems : mapping of str to str
        System of each item by its id.

    Returns
    -------
    dict
        JSON-ready; where nothing can be said, None: `n_answers`, `n_listeners`; `opinions`, `preferences`,
        `strengths`, `agreement`, `consistency` as the functions of this module give them.
    """
    first = [each for each in given if each.question.repeats is None]
    pairs = [each for each in first if each.question.kind == "pair"]
    names = sorted(set(systems.values()))
    return {
        "n_answers": len(given),
        "n_listeners": len({each.listener for each in given}),
        "opinions": mean_opinions(
            [
                (each.listener, systems[each.question.a], int(each.answer))
                for each in first
                if each.question.kind == "rating"
            ],
            names,
        ),
        "preferences": preferences(_outcomes(pairs, systems), names),
        "strengths": strengths(_outcomes(pairs, systems), names),
        "agreement": _agreement(first),
        "consistency": consistency([each for each in given if each.original is not None]),
    }


def mean_opinions(ratings: Sequence[tuple[str, str, int]], systems: Sequence[str]) -> list[dict[str, Any]]:
    """Mean opinion score of each system.

    Parameters
    ----------
    ratings : sequence of (listener, system, stars)
        Stars from 1 to 5.
    systems : sequence of str
        Names, in the order wanted.

    Returns
    -------
    list of dict
        `system`, `n_ratings`, `n_listeners`, `mean` over listeners of their means, and its 95 % interval `low`, `high`
        by Student's t over listeners, within 1 to 5; no interval for fewer than two.
    """
    by_system: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for listener, system, stars in ratings:
        if not STARS[0] <= stars <= STARS[1]:
            raise ModelError(f"{stars} stars: expected {STARS[0]} to {STARS[1]}")
        by_system[system][listener].append(stars)
    found = []
    for system in systems:
        means = np.array([np.mean(stars) for stars in by_system[system].values()])
        low, high = _t_interval(means)
        found.append(
            {
                "system": system,
                "n_ratings": sum(map(len, by_system[system].values())),
                "n_listeners": len(means),
                "mean": float(means.mean()) if len(means) else None,
                "low": low,
                "high": high,
            }
        )
    return found


def preferences(outcomes: Sequence[tuple[str, str, str, float]], systems: Sequence[str]) -> list[dict[str, Any]]:
    """How often each system was preferred to each other.

    Parameters
    ----------
    outcomes : sequence of (listener, system a, system b, share)
        Share of `a`: 1 where it was preferred, 0 where `b` was, 0.5 where neither.
    systems : sequence of str
        Names.

    Returns
    -------
    list of dict
        For each two systems that met: `a`, `b`, `n`, `wins_a`, `wins_b`, `ties`; `share` of a, a tie being half a win,
        with Wilson's 95 % interval `low`, `high`.
    """
    found = []
    for a, b in combinations(systems, 2):
        shares = [share if (x, y) == (a, b) else 1 - share for _, x, y, share in outcomes if {x, y} == {a, b}]
        if not shares:
            continue
        counts = Counter(shares)
        low, high = _wilson(sum(shares), len(shares))
        figures = {"n": len(shares), "wins_a": counts[1.0], "wins_b": counts[0.0], "ties": counts[0.5]}
        found.append({"a": a, "b": b, **figures, "share": sum(shares) / len(shares), "low": low, "high": high})
    return found


def strengths(outcomes: Sequence[tuple[str, str, str, float]], systems: Sequence[str]) -> list[dict[str, Any]]:
    """Bradley-Terry strengths: the difference of two is the logarithm of the odds that one is preferred to the other.

    To each two systems one tie is added, so that one that always wins is not infinitely strong.

    Returns
    -------
    list of dict
        Strongest first: `system`, `strength` (natural logarithm, mean 0), and the 95 % interval `low`, `high` when
        listeners are drawn again, for two or more of them; empty without outcomes.
    """
    if not outcomes or len(systems) < 2:
        return []
    index = {system: number for number, system in enumerate(systems)}
    by_listener: dict[str, np.ndarray] = defaultdict(lambda: np.zeros((len(systems), len(systems))))
    for listener, a, b, share in outcomes:
        by_listener[listener][index[a], index[b]] += share
        by_listener[listener][index[b], index[a]] += 1 - share
    wins = np.array(list(by_listener.values()))
    found = bradley_terry(wins.sum(axis=0))
    low = high = np.full(len(systems), np.nan)
    if len(wins) > 1:
        drawn = np.random.default_rng(0).integers(0, len(wins), (N_RESAMPLES, len(wins)))
        tail = (1 - LEVEL) / 2
        low, high = np.quantile(bradley_terry(wins[drawn].sum(axis=1)), [tail, 1 - tail], axis=0)
    order = sorted(range(len(systems)), key=lambda number: -found[number])
    return [
        {
            "system": systems[number],
            "strength": float(found[number]),
            "low": None if np.isnan(low[number]) else float(low[number]),
            "high": None if np.isnan(high[number]) else float(high[number]),
        }
        for number in order
    ]


def bradley_terry(wins: np.ndarray) -> np.ndarray:
    """Strengths of mean 0, (..., k), by how often each of k systems (row) was preferred to each other, (..., k, k)."""
    different = 1 - np.eye(wins.shape[-1])
    wins = wins + 0.5 * different
    met = wins + np.swapaxes(wins, -1, -2)
    won = wins.sum(axis=-1)
    worth = np.ones(won.shape)
    for _ in range(MM_STEPS):
        asked = (met / (worth[..., :, np.newaxis] + worth[..., np.newaxis, :]) * different).sum(axis=-1)
        before, worth = worth, won / asked
        worth = worth / np.exp(np.log(worth).mean(axis=-1, keepdims=True))
        if np.abs(worth / before - 1).max() < MM_CLOSE:
            break
    return np.log(worth)


def consistency(repeats: Sequence[Given]) -> dict[str, Any]:
    """Share of repeated pairs that were answered as the first time.

    Returns
    -------
    dict
        `n`, `same`, `share` and Wilson's 95 % interval `low`, `high`.
    """
    swapped = {"a": "b", "b": "a", "same": "same"}
    same = sum(swapped[str(each.answer)] == each.original for each in repeats)
    low, high = _wilson(same, len(repeats)) if repeats else (None, None)
    share = same / len(repeats) if repeats else None
    return {"n": len(repeats), "same": same, "share": share, "low": low, "high": high}


def _agreement(first: Sequence[Given]) -> dict[str, Any]:
    """How far listeners agree on what several of them heard: nominal on pairs, by distance on stars."""
    pairs: dict[tuple[str, str], Answer] = {}
    stars: dict[str, dict[str, int]] = defaultdict(dict)
    for each in first:
        a, b = each.question.a, each.question.b
        if b is None:
            stars[a][each.listener] = int(each.answer)
            continue
        preferred = {"a": {a}, "b": {b}, "same": set()}[str(each.answer)]
        pair = "/".join(sorted((a, b)))
        pairs[pair, each.listener] = Answer(pair, each.listener, frozenset(preferred))
    measured = agreement(AnswerTable.of(pairs.values()))
    return {
        "n_pairs": measured.items,
        "pairs_same": measured.observed,
        "pairs_alpha": measured.krippendorff,
        "n_ratings": sum(len(of_item) > 1 for of_item in stars.values()),
        "ratings_alpha": _interval_alpha(stars),
    }


def _interval_alpha(stars: Mapping[str, Mapping[str, int]]) -> float | None:
    import krippendorff

    common = [list(of_item.values()) for of_item in stars.values() if len(of_item) > 1]
    scale = [*range(STARS[0], STARS[1] + 1)]
    counts = np.array([[values.count(each) for each in scale] for values in common]).reshape(-1, len(scale))
    if (counts.sum(axis=0) > 0).sum() < 2:
        return None
    return float(krippendorff.alpha(value_counts=counts, value_domain=scale, level_of_measurement="interval"))


def _outcomes(pairs: Sequence[Given], systems: Mapping[str, str]) -> list[tuple[str, str, str, float]]:
    share = {"a": 1.0, "b": 0.0, "same": 0.5}
    return [
        (each.listener, systems[each.question.a], systems[str(each.question.b)], share[str(each.answer)])
        for each in pairs
    ]


def _wilson(wins: float, n: int) -> tuple[float, float]:
    """Wilson's interval of a share, for which a tie may be half a win."""
    from scipy.stats import norm

    z = float(norm.ppf((1 + LEVEL) / 2))
    share = wins / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def _t_interval(values: np.ndarray) -> tuple[float | None, float | None]:
    from scipy.stats import t

    if len(values) < 2:
        return None, None
    half = float(t.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return max(STARS[0], float(values.mean()) - half), min(STARS[1], float(values.mean()) + half)


class _Turns:
    """Items by system and topic, each list in a random order of the test's own."""

    def __init__(self, items: Sequence[Item], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.by_system: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for item in sorted(items, key=lambda item: item.id):
            self.by_system[item.system][item.topic].append(item.id)
        for topics in self.by_system.values():
            for ids in topics.values():
                self.rng.shuffle(ids)
        self.systems = self._shuffled(sorted(self.by_system))

    def meetings(self) -> list[tuple[str, str, list[str]]]:
        """Each two systems that have topics in common, with these."""
        found = []
        for a, b in combinations(self.systems, 2):
            if common := sorted(self.by_system[a].keys() & self.by_system[b].keys()):
                found.append((a, b, self._shuffled(common)))
        return [found[index] for index in self.rng.permutation(len(found))]

    def _shuffled(self, names: list[str]) -> list[str]:
        return [names[index] for index in self.rng.permutation(len(names))]


def _pairs(turns: _Turns, n: int, listener: int) -> list[Question]:
    meetings = turns.meetings()
    if n and not meetings:
        raise ModelError("no two systems have items of one topic: add a second system, or ask for ratings only")
    found: dict[frozenset[str], Question] = {}
    for turn in range(listener * n, (listener + 1) * n):
        time, meeting = divmod(turn, len(meetings))
        a, b, topics = meetings[meeting]
        round_, which = divmod(time, len(topics))
        ids_a, ids_b = turns.by_system[a][topics[which]], turns.by_system[b][topics[which]]
        shift, place = divmod(round_, len(ids_a))
        cycle = shift // len(ids_b)  # after it every two items have met
        first, second = ids_a[place], ids_b[(place + shift) % len(ids_b)]
        if (round_ + which + shift + cycle) % 2:
            first, second = second, first
        found.setdefault(frozenset((first, second)), Question("pair", first, second))
    return list(found.values())


def _ratings(turns: _Turns, n: int, listener: int) -> list[Question]:
    in_turn = {system: _alternating(list(topics.values())) for system, topics in turns.by_system.items()}
    found: dict[str, Question] = {}
    for turn in range(listener * n, (listener + 1) * n):
        time, which = divmod(turn, len(turns.systems))
        ids = in_turn[turns.systems[which]]
        item = ids[time % len(ids)]
        found.setdefault(item, Question("rating", item))
    return list(found.values())


def _alternating(lists: Sequence[Sequence[str]]) -> list[str]:
    longest = max(map(len, lists))
    return [ids[index] for index in range(longest) for ids in lists if index < len(ids)]


def _spread(asked: list[Question], n_first: int, rng: np.random.Generator) -> list[Question]:
    """Put each repetition somewhere after what it repeats, and let it point to where that comes to stand."""
    order: list[int] = list(range(n_first))
    for index in range(n_first, len(asked)):
        earliest = order.index(int(asked[index].repeats or 0)) + 1 + REPEAT_GAP
        order.insert(int(rng.integers(min(earliest, len(order)), len(order) + 1)), index)
    place = {index: position for position, index in enumerate(order)}

    def pointed(question: Question) -> Question:
        if question.repeats is None:
            return question
        return Question(question.kind, question.a, question.b, repeats=place[question.repeats])

    return [pointed(asked[index]) for index in order]
