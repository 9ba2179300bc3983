"""Agreement counts first, then attempts, then what is shared."""

from models.take_order import doubts_of


def report(tried: int = 1, run_s: float = 0.5, shared: float = 0.1) -> dict:
    return {"takes_tried": tried, "originality": {"longest_run_s": run_s, "shared_ngrams": shared}}


def test_each_figure_counts_only_where_those_before_it_are_equal():
    best_first = [
        doubts_of(0.9, report(tried=4, run_s=2.0)),
        doubts_of(0.8, report(tried=1)),
        doubts_of(0.8, report(tried=2, run_s=0.1)),
        doubts_of(0.8, report(tried=2, run_s=0.2, shared=0.0)),
        doubts_of(0.8, report(tried=2, run_s=0.2, shared=0.1)),
        doubts_of(None, report()),
    ]
    shuffled = [best_first[index] for index in (3, 0, 5, 1, 4, 2)]
    assert sorted(shuffled) == best_first


def test_what_cannot_be_heard_is_as_good_as_what_is_not_agreed_with():
    assert doubts_of(None, report()) == doubts_of(0.0, report())
