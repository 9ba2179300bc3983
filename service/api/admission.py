"""How much one web process takes on at once; what is over that is refused at once and politely.

An upload holds one of the process's threads from its first byte to its answer, as do a picture and an event stream,
so each kind has its share of the threads: the page, job states and health checks are answered whatever goes on.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.errors import Cancelled, TooBusy
from service.settings import Settings

KEPT_FREE = 2  # threads that none of the below takes
POLL_S = 0.5
RETRY_AFTER_S = 5.0


class Places:
    """A number of places; taking one when there is none left is `TooBusy`."""

    def __init__(self, count: int, *, what: str) -> None:
        self.count = count
        self._what = what
        self._free = threading.BoundedSemaphore(count)

    def take(self) -> None:
        """Take a place, or raise `TooBusy`."""
        if not self._free.acquire(blocking=False):
            raise TooBusy(
                f"{self.count} {self._what} are under way already. Please try again in a few seconds.",
                retry_after_s=RETRY_AFTER_S,
            )

    def give_back(self) -> None:
        """Leave the place."""
        self._free.release()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place while the body runs."""
        self.take()
        try:
            yield
        finally:
            self.give_back()


class Admission:
    """The places of one web process.

    Attributes
    ----------
    uploads : Places
        Uploads that are being received or analysed.
    pictures : Places
        Pictures that are being drawn.
    streams : Places
        Open event streams.
    """

    def __init__(self, settings: Settings) -> None:
        quarter = settings.threads // 4
        self.uploads = Places(max(1, settings.threads - 2 * quarter - KEPT_FREE), what="uploads")
        self.pictures = Places(max(1, quarter), what="pictures")
        self.streams = Places(max(1, quarter), what="event streams")
        self._analyses = threading.BoundedSemaphore(settings.decode_workers)

    @contextmanager
    def analysis(self, cancelled: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Hold one of the decoding processes, after waiting for it as long as `cancelled` stays false.

        Only who has a place among the uploads or pictures waits here, so that the queue cannot grow.
        """
        while not self._analyses.acquire(timeout=POLL_S):
            if cancelled():
                raise Cancelled("the client went away")
        try:
            yield
        finally:
            self._analyses.release()
