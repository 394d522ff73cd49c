"""The operator that takes one moment of a source for the loads of many tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_checkpoint_provider.engine.model.checks import ID_LENGTH, text
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.arguments import is_literal
from airflow_checkpoint_provider.operators.holding import (
    HELD,
    OVER,
    has_begun,
    no_slot,
    pause,
    state_of,
    states_of,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
    from airflow_checkpoint_provider.engine.transfer.partitioning.planner import SplitSpec

    Spec = TypeVar("Spec", TransferSpec, SplitSpec)


class CheckpointMomentOperator(BaseOperator):
    """
    Take the present moment of a source, for loads of several tables that are all to be read as of it.

    Name this task in ``as_of_task_id`` of the loads and of the plans of partitions, and put it before them. Its
    retries, and a clear of it without all of these tasks, keep the moment that the others were read as of.

    :param source_conn_id: the connection that the loads read from, one to Oracle or Postgres. (templated)
    :param source_hook_params: parameters of the source's hook
    :param held_by_task_id: of Postgres, the ``CheckpointHoldMomentOperator`` that holds the moment, and works beside
        this task. (templated)
    :param start_timeout: seconds in which that task has to begin
    :param poll_interval: seconds between two questions whether it has
    """

    template_fields: Sequence[str] = ("source_conn_id", "held_by_task_id")
    ui_color = "#cfe8d5"

    def __init__(
        self,
        *,
        source_conn_id: str,
        source_hook_params: dict[str, Any] | None = None,
        held_by_task_id: str | None = None,
        start_timeout: float = 600,
        poll_interval: float = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source_conn_id = source_conn_id
        self.source_hook_params = source_hook_params
        self.held_by_task_id = held_by_task_id
        self.start_timeout = start_timeout
        self.poll_interval = poll_interval
        self._cutters: list[Callable[[], None]] = []
        if is_literal(source_conn_id):
            text("source_conn_id", source_conn_id, most=ID_LENGTH)

    def execute(self, context: Context) -> str:
        """
        Take the moment.

        :return: the moment, as the source writes it
        :raises CheckpointError: when the source has none; or when tables of this run were read as of several
        """
        # Here, so that parsing a DAG does not pay for imports that only a running task needs.
        from airflow_checkpoint_provider.engine.databases.sockets import cutter
        from airflow_checkpoint_provider.engine.transfer.shared_moment import is_held, take
        from airflow_checkpoint_provider.hooks.databases import open_database

        kept = _kept(context["ti"], list(self._loads()))
        if kept:
            self.log.info("Tables of this run are read as of %s: keeping it", kept)
            return kept
        source = open_database(self.source_conn_id, "source_conn_id", self.source_hook_params)
        opened = lambda raw: self._cutters.append(cutter(raw))  # noqa: E731
        moment = take(source, opened) or self._held(context["ti"], partial(is_held, source, opened=opened))
        self.log.info("All tables are read as of %s", moment)
        return moment

    def on_kill(self) -> None:
        """End the running statement, with its connection."""
        for cut in self._cutters:
            cut()

    def _held(self, ti: Any, is_held: Callable[[str], bool]) -> str:
        """
        Wait for the moment that another task holds.

        :raises ArgumentError: when there is no such task, it has ended, or it does not begin
        """
        holder = self.held_by_task_id
        if not holder:
            raise ArgumentError(
                "held_by_task_id: a session has to hold a moment of this source. Put a CheckpointHoldMomentOperator "
                "beside this task, and give its id."
            )
        deadline = time.monotonic() + self.start_timeout
        while True:
            state, moment = state_of(ti, holder), ti.xcom_pull(task_ids=holder, key=HELD)
            # An XCom may be left of an attempt before a clear.
            if state == "running" and moment and is_held(moment):
                return str(moment)
            if state in OVER:
                raise ArgumentError(
                    f"as_of: {holder} has ended ({state}), and holds no moment. Clear it, too."
                )
            if time.monotonic() > deadline:
                raise ArgumentError(no_slot(holder, self.task_id, self.start_timeout))
            pause(self.poll_interval)

    def _loads(self) -> Iterator[str]:
        """Return the ids of the tasks that read as of the moment."""
        dag = self.get_dag()
        for task in dag.tasks if dag else ():
            given = getattr(task, "partial_kwargs", None)
            named = vars(task).get("as_of_task_id") if given is None else given.get("as_of_task_id")
            if named == self.task_id:
                yield task.task_id


def with_shared_moment(spec: Spec, context: Context) -> Spec:
    """
    Return arguments with the moment that the task has taken which they name, if they name one.

    :raises ArgumentError: when the task has returned none
    """
    task_id = spec.as_of_task_id
    if not task_id:
        return spec
    moment = context["ti"].xcom_pull(task_ids=task_id)
    if not isinstance(moment, str) or not moment:
        raise ArgumentError(
            f"as_of_task_id: {task_id!r} has returned no moment in this run. It has to be a CheckpointMomentOperator "
            "that has succeeded before this task; clear it, too."
        )
    return replace(spec, moment=moment)


def _kept(ti: Any, tasks: Sequence[str]) -> str | None:
    """
    Return the moment as of which tables of the run have been read, ``None`` where none has begun.

    :raises ArgumentError: when there are several, or it is not known
    """
    begun = sorted(task_id for task_id, states in states_of(ti, tasks).items() if has_begun(states))
    if not begun:
        return None
    # Of tasks that are at work or have failed, the moment is not known here.
    moments = {moment for task_id in begun for moment in _moments(ti.xcom_pull(task_ids=task_id))}
    if len(moments) == 1:
        return moments.pop()
    has = f"were read as of {' and '.join(sorted(moments))}" if moments else "have begun to read"
    raise ArgumentError(
        f"as_of: {', '.join(begun)} {has}, and all tables of a run are to be of one moment. Clear these tasks together "
        "with this one, so that all are loaded as of a new moment."
    )


def _moments(returned: Any) -> Iterator[str]:
    """Return the moments in what a load, its mapped instances or a plan have returned."""
    if isinstance(returned, Mapping):
        found = returned.get("as_of") or returned.get("moment")
        if found:
            yield str(found)
    elif isinstance(returned, Sequence) and not isinstance(returned, str):
        for one in returned:
            yield from _moments(one)
