"""Requests for the next attempts of several task instances of a run, wherever their checkpoints are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from itertools import chain
from typing import TypeVar

from fastapi import HTTPException, status

from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS, Checkpoint
from airflow_checkpoint_provider.hooks.airflow_internals.conditions import TaskRun
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import actions
from airflow_checkpoint_provider.plugin.actions import Action
from airflow_checkpoint_provider.plugin.reading import Answers
from airflow_checkpoint_provider.plugin.services import reader
from airflow_checkpoint_provider.plugin.tasks.clearing import checkpoints_of, number_of

T = TypeVar("T")

Found = Mapping[Place, list[Checkpoint]]
_LOOPS = "A task loop is among them, whose iterations are cleared in Airflow, one by one. Nothing was done."


def checkpoints_found(dag_id: str, run_id: str, instances: Collection[TaskRun], number: int) -> Found:
    """
    Return the checkpoints that task instances of one run have moved last.

    :param number: of the checkpoints that the page has shown
    :raises HTTPException: where others are found, or a place does not answer: without its request, a load would start
        from the beginning
    """
    task_ids = sorted({task_id for _, task_id, *_ in instances})
    places = actions.own_places(dag_id, task_ids) if task_ids else {}

    def find(hook: CheckpointHook, task_ids: list[str]) -> list[Checkpoint]:
        found = hook.list(dag_id=dag_id, task_id=task_ids, run_id=[run_id, ALL_RUNS], limit=None)
        return [one for one in found if one.run_id == run_id]

    questions = {place: partial(find, task_ids=task_ids) for place, task_ids in places.items()}
    read = _all_answers(reader().ask_each(questions))
    if any(one.iteration for one in chain.from_iterable(read.values())):
        raise refused(_LOOPS)
    found = {place: checkpoints_of(instances, some) for place, some in read.items()}
    there = number_of(chain.from_iterable(found.values()))
    if there != number:
        raise refused(
            f"{there:,} checkpoints of these task instances are found, and not the {number:,} that this page has "
            "shown. Nothing was done. Reload the page before you decide."
        )
    return found


def record_all(found: Found, action: Action, who: str, reason: str) -> None:
    """Record a request for each checkpoint, unless there is one already."""

    def ask(hook: CheckpointHook, mine: list[Checkpoint]) -> None:
        requests = hook.pending_requests(mine)
        todo = [one.identity for one in mine if requests.get(one.identity) != action.value]
        if todo:
            hook.request_each(action, todo, who=who, reason=reason or None)

    _all_answers(reader().ask_each({place: partial(ask, mine=mine) for place, mine in found.items()}))


def refused(detail: str) -> HTTPException:
    """Return the refusal of a request that does not fit the load as it is now."""
    return HTTPException(status.HTTP_409_CONFLICT, detail)


def _all_answers(answers: Answers[T]) -> Mapping[Place, T]:
    """
    Return the answers of all places.

    :raises HTTPException: where one has none
    """
    for trouble in answers.troubles:
        actions.only(answers, trouble.place)
    return answers.by_place
