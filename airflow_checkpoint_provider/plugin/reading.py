"""Asking several databases side by side, without waiting for the one that does not answer."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.errors import CheckpointError, MetadataTableError, one_line
from airflow_checkpoint_provider.engine.model.masking import masked
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.plugin.transfers import Place

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Trouble:
    """
    Why a place is left out.

    :param detail: what the driver says, for those who may see the connection
    """

    place: Place
    detail: str


@dataclass(frozen=True, slots=True)
class Answers(Generic[T]):
    """What those places said that answered; one without a metadata table has nothing to say."""

    by_place: dict[Place, T]
    troubles: list[Trouble]


class Reader:
    """
    Asks places through their hooks, each in a thread of its own.

    :param timeout: seconds that a page waits for all of them
    """

    def __init__(self, timeout: float = 5.0) -> None:
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="checkpoint-view")
        self._lock = threading.Lock()
        self._hanging: dict[Place, Future[object]] = {}

    def ask(self, places: Iterable[Place], question: Callable[[CheckpointHook], T]) -> Answers[T]:
        """Ask every place the same question."""
        asked: dict[Place, Future[T]] = {}
        answers: Answers[T] = Answers({}, [])
        for place in places:
            if self._hangs(place):
                # Drivers cannot be interrupted: one thread waits for this database, and no second one.
                answers.troubles.append(Trouble(place, "It has not answered yet since it was last asked."))
            else:
                asked[place] = self._threads.submit(question, CheckpointHook(place.conn_id, place.table))
        wait(asked.values(), timeout=self._timeout)
        for place, answer in asked.items():
            try:
                answers.by_place[place] = answer.result(timeout=0)
            except TimeoutError:
                if not answer.done() and not answer.cancel():
                    with self._lock:
                        self._hanging[place] = answer  # type: ignore[assignment]
                answers.troubles.append(
                    Trouble(place, f"It did not answer within {self._timeout:g} seconds.")
                )
            except MetadataTableError:
                continue
            except (CheckpointError, sa.exc.SQLAlchemyError) as error:
                answers.troubles.append(Trouble(place, one_line(error)))
            except Exception as error:
                text = masked(traceback.format_exc())
                log.error("The checkpoints of connection %r could not be read\n%s", place.conn_id, text)
                answers.troubles.append(Trouble(place, one_line(error)))
        return answers

    def _hangs(self, place: Place) -> bool:
        with self._lock:
            hanging = self._hanging.get(place)
            if hanging and hanging.done():
                del self._hanging[place]
                return False
            return hanging is not None
