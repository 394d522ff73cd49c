"""Questions to several databases side by side, without waiting for one that does not answer."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.model.errors import (
    CheckpointError,
    MetadataTableError,
    NoAnswerError,
    one_line,
)
from airflow_checkpoint_provider.engine.model.masking import masked
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.pacing import PACE
from airflow_checkpoint_provider.plugin.silence import Silences

log = logging.getLogger(__name__)

T = TypeVar("T")

_MOST_LEFT_BEHIND = 3  # threads for one place, each in a driver that cannot be interrupted
_SLOW_S = 2.0  # a place whose question is under way for longer is not asked another one


@dataclass(frozen=True, slots=True)
class Trouble:
    """
    The reason why a place is left out.

    :param detail: the error, for those who may see the connection
    :param silent: it has not answered, so it is unknown whether it has carried out the request
    """

    place: Place
    detail: str
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Answers(Generic[T]):
    """The answers of the places that gave one; a place without a metadata table has none."""

    by_place: dict[Place, T]
    troubles: list[Trouble]


def hook_of(place: Place) -> CheckpointHook:
    """Return the hook that reads the checkpoints of a place."""
    return CheckpointHook(place.conn_id, place.table, team=place.team or None)


class Reader:
    """
    Asks places through their hooks, each question in a thread of its own: one that hangs holds up no other place.

    :param timeout: seconds that a page waits for all places
    :param probe: seconds that it waits for a place that has not answered lately
    """

    def __init__(self, timeout: float = 5.0, probe: float = 0.5, silences: Silences | None = None) -> None:
        self._timeout = timeout
        self._probe = min(probe, timeout)
        self._silences = silences or Silences(_MOST_LEFT_BEHIND)

    def ask(self, places: Iterable[Place], question: Callable[[CheckpointHook], T]) -> Answers[T]:
        """Ask every place the same question."""
        return self.ask_each(dict.fromkeys(places, question))

    def ask_each(self, questions: Mapping[Place, Callable[[CheckpointHook], T]]) -> Answers[T]:
        """Ask every place its question."""
        asked: dict[Place, Future[T]] = {}
        patience: dict[Place, float] = {}
        answers: Answers[T] = Answers({}, [])
        began = time.monotonic()
        for place, question in questions.items():
            if (since := self._silences.still(place, _SLOW_S)) is not None:
                answers.troubles.append(Trouble(place, since, silent=True))
            else:
                patience[place] = self._probe if self._silences.known(place) else self._timeout
                asked[place] = self._begin(place, question)
        for place, answer in sorted(asked.items(), key=lambda one: patience[one[0]]):
            wait([answer], timeout=max(began + patience[place] - time.monotonic(), 0))
        for place, answer in asked.items():
            if not answer.done():
                detail = self._silences.note(place, patience[place])
                answers.troubles.append(Trouble(place, detail, silent=True))
            elif (trouble := _trouble_of(place, answer)) is not None:
                answers.troubles.append(trouble)
            elif not isinstance(answer.exception(), MetadataTableError):
                answers.by_place[place] = answer.result()
        return answers

    def _begin(self, place: Place, question: Callable[[CheckpointHook], T]) -> Future[T]:
        """Ask in a thread that may be left behind: drivers cannot be interrupted."""
        answer: Future[T] = Future()
        done = self._silences.asked(place)

        def run() -> None:
            try:
                with PACE.measured():
                    result = question(hook_of(place))
            except BaseException as error:
                done()
                answer.set_exception(error)
            else:
                done()
                answer.set_result(result)

        threading.Thread(target=run, name=f"checkpoint-view-{place.conn_id}", daemon=True).start()
        return answer


def _trouble_of(place: Place, answer: Future[Any]) -> Trouble | None:
    error = answer.exception()
    if error is None or isinstance(error, MetadataTableError):
        return None
    if not isinstance(error, (CheckpointError, sa.exc.SQLAlchemyError)):
        text = masked("".join(traceback.format_exception(error)))
        log.error("The checkpoints of connection %s could not be read\n%s", place, text)
    answered = isinstance(error, CheckpointError) and not isinstance(error, NoAnswerError)
    return Trouble(place, one_line(error), silent=not answered)
