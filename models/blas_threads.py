"""Linear algebra on one thread, for work whose products are small: threads would wait for each other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

# The limit is the whole process's: the first who comes sets it, and the last who leaves lifts it. (OpenBLAS 0.3.31 pays
# no heed to other threads once the main thread has set a limit: a process that mixes both sets OPENBLAS_NUM_THREADS.)
_LOCK = threading.Lock()
_inside = 0
_limit = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold NumPy's BLAS to one thread; several threads of the process may be inside at the same time."""
    global _inside, _limit
    with _LOCK:
        if _inside == 0:
            _limit = _linear_algebra().limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _LOCK:
            _inside -= 1
            if _inside == 0:
                assert _limit is not None
                _limit.restore_original_limits()
                _limit = None


@cache
def _linear_algebra() -> ThreadpoolController:
    """NumPy's BLAS; finding it takes milliseconds."""
    return ThreadpoolController()
