"""Linear algebra is held to one thread while anybody wants it, and let go afterwards."""

import threading

import pytest
from threadpoolctl import threadpool_info

import models.blas_threads as module
from models.blas_threads import one_blas_thread


class Watched:
    """Stands in for the library: notes when it is held and let go."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def limit(self, *, limits: int, user_api: str) -> "Watched":
        self.told.append(f"{user_api} held to {limits}")
        return self

    def restore_original_limits(self) -> None:
        self.told.append("let go")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Watched:
    watched = Watched()
    monkeypatch.setattr(module, "_linear_algebra", lambda: watched)
    return watched


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_the_library_is_held_to_one_thread():
    before = blas_threads()
    with one_blas_thread():
        assert min(blas_threads()) == 1
    assert blas_threads() == before


def test_it_is_held_once_and_let_go_by_the_last(library):
    with one_blas_thread():
        with one_blas_thread():
            pass
        assert library.told == ["blas held to 1"]
    assert library.told == ["blas held to 1", "let go"]


def test_who_leaves_first_does_not_let_go_for_the_others(library):
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with one_blas_thread():
            inside.set()
            leave.wait(timeout=60)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(timeout=60)
    with one_blas_thread():
        leave.set()
        thread.join()
        assert library.told == ["blas held to 1"]
    assert library.told == ["blas held to 1", "let go"]


def test_an_error_lets_go_too(library):
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        raise ZeroDivisionError
    assert library.told == ["blas held to 1", "let go"]
