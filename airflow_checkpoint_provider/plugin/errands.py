"""Work in a database that may take long: it makes no place silent, and ends by itself while a page waits for others."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from fastapi import HTTPException, status

from airflow_checkpoint_provider.engine.model.masking import masked
from airflow_checkpoint_provider.hooks.transfers import Place

log = logging.getLogger(__name__)

R = TypeVar("R")

_PATIENCE_S = 4.0
_MOST, _MOST_OF_ONE = 6, 2
_RETRY_AFTER_S = 10


class StillAtWorkError(Exception):
    """An errand takes longer than a page waits; it goes on."""


class Errands:
    """
    Does work in threads of its own, a few at a time.

    :param patience: seconds that a page waits for its errand
    :param most: errands at work at the same time
    :param most_of_one: errands of one place among them
    """

    def __init__(
        self, patience: float = _PATIENCE_S, most: int = _MOST, most_of_one: int = _MOST_OF_ONE
    ) -> None:
        self._patience = patience
        self._most = most
        self._most_of_one = most_of_one
        self._lock = threading.Lock()
        self._at_work: Counter[Place] = Counter()

    def do(self, place: Place, work: Callable[[], R]) -> R:
        """
        Do work whose statements have limits of their own, and return its result.

        :param place: where it is done
        :raises StillAtWorkError: when it takes longer than a page waits
        :raises HTTPException: 503, where too much is at work already
        """
        with self._lock:
            if self._at_work.total() >= self._most or self._at_work[place] >= self._most_of_one:
                raise HTTPException(
                    status.HTTP_503_SERVICE_UNAVAILABLE,
                    f"Earlier requests are still at work in {place}. Try again in a moment.",
                    {"Retry-After": str(_RETRY_AFTER_S)},
                )
            self._at_work[place] += 1
        done: Future[R] = Future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:
                self._leave(place)
                done.set_exception(error)
            else:
                self._leave(place)
                done.set_result(result)

        threading.Thread(target=run, name=f"checkpoint-errand-{place.conn_id}", daemon=True).start()
        wait([done], timeout=self._patience)
        if not done.done():
            done.add_done_callback(lambda late: _log(place, late))
            raise StillAtWorkError
        return done.result()

    def _leave(self, place: Place) -> None:
        with self._lock:
            self._at_work[place] -= 1


def _log(place: Place, late: Future[Any]) -> None:
    """Log an error that no page waits for any more."""
    if error := late.exception():
        text = masked("".join(traceback.format_exception(error)))
        log.error("A request to %s has failed after its page was answered\n%s", place, text)
