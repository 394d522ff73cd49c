"""The operator that holds one moment of a source, as long as the loads of many tables read it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_checkpoint_provider.engine.model.checks import ID_LENGTH, is_names, text
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, MomentGoneError
from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.operators.arguments import is_literal
from airflow_checkpoint_provider.operators.stopping import end_by_signal

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

HELD = "moment"
"""The key of the XCom with the held moment."""
_NOT_BEGUN = frozenset((None, "scheduled", "queued", "restarting", "upstream_failed", "skipped", "removed"))
OVER = frozenset(("success", "failed", "upstream_failed", "skipped", "removed"))
"""The states of a task that has ended, or never begins."""


class CheckpointHoldMomentOperator(BaseOperator):
    """
    Hold the present moment of a source of which a session has to do so, such as Postgres, until its readers have ended.

    It works beside the ``CheckpointMomentOperator`` that waits for it, and beside the loads, and takes a slot as long.
    Its session is idle in a transaction. For a source with moments that nobody has to hold it ends at once. An attempt
    after one that was lost fails: nobody can hold that moment again.

    :param source_conn_id: the connection that the loads read from. (templated)
    :param source_hook_params: parameters of the source's hook
    :param moment_task_id: the ``CheckpointMomentOperator``. (templated)
    :param readers: the ids of the tasks that read as of the moment, loads and plans. (templated)
    :param start_timeout: seconds in which the ``CheckpointMomentOperator`` has to begin; it needs a slot, too
    :param poll_interval: seconds between two questions whether the readers have ended
    """

    template_fields: Sequence[str] = ("source_conn_id", "moment_task_id", "readers")
    ui_color = "#cfe8d5"

    def __init__(
        self,
        *,
        source_conn_id: str,
        source_hook_params: dict[str, Any] | None = None,
        moment_task_id: str,
        readers: Sequence[str],
        start_timeout: float = 600,
        poll_interval: float = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source_conn_id = source_conn_id
        self.source_hook_params = source_hook_params
        self.moment_task_id = moment_task_id
        self.readers = readers
        self.start_timeout = start_timeout
        self.poll_interval = poll_interval
        if is_literal(source_conn_id):
            text("source_conn_id", source_conn_id, most=ID_LENGTH)
        if is_literal(readers) and not (is_names(readers) and readers):
            raise ArgumentError(f"readers: {shown(readers)} is not a list of tasks.")

    def execute(self, context: Context) -> str | None:
        """
        Hold the moment, which the XCom ``moment`` has meanwhile.

        :return: the moment, ``None`` where nobody has to hold one
        :raises MomentGoneError: when the moment of the run was lost with an earlier attempt
        :raises CheckpointError: when the source cannot be asked, or the connection is lost, or no reader begins
        """
        # Here, so that parsing a DAG does not pay for imports that only a running task needs.
        from airflow_checkpoint_provider.engine.transfer.shared_moment import hold
        from airflow_checkpoint_provider.hooks.databases import open_database

        ti = context["ti"]
        source = open_database(self.source_conn_id, "source_conn_id", self.source_hook_params)
        with hold(source) as held:
            if held is None:
                self.log.info("The source keeps its moments by itself: nothing to hold")
                return None
            self._refuse_again(ti)
            ti.xcom_push(key=HELD, value=held.moment)
            self.log.info("Holding %s until %s have ended", held.moment, ", ".join(self.readers))
            deadline = time.monotonic() + self.start_timeout
            while not self._is_over(ti):
                held.check()
                if time.monotonic() > deadline and state_of(ti, self.moment_task_id) in _NOT_BEGUN:
                    raise ArgumentError(no_slot(self.moment_task_id, self.task_id, self.start_timeout))
                pause(self.poll_interval)
            return held.moment

    def on_kill(self) -> None:
        """End the process, and so the session that holds the moment."""
        end_by_signal()

    def _refuse_again(self, ti: Any) -> None:
        if state_of(ti, self.moment_task_id) == "success":
            raise MomentGoneError(
                f"as_of: the moment of this run, which {self.moment_task_id} has returned, is gone with the session "
                "of an earlier attempt. Loads that have not begun to read as of it fail. Clear all tables that share "
                f"it, together with {self.moment_task_id} and this task, to load them as of a new one."
            )

    def _is_over(self, ti: Any) -> bool:
        states = states_of(ti, self.readers)
        return set(states) >= set(self.readers) and all(
            state in OVER for found in states.values() for state in found
        )


def state_of(ti: Any, task_id: str) -> str | None:
    """Return the state of another task of the run."""
    return next(iter(states_of(ti, [task_id]).get(task_id, ())), None)


def has_begun(states: Sequence[str | None]) -> bool:
    """Return whether a task, or a mapped instance of it, has begun since it was cleared."""
    return any(state not in _NOT_BEGUN for state in states)


def states_of(ti: Any, tasks: Sequence[str]) -> Mapping[str, list[str | None]]:
    """Return the states of other tasks of the run, of each mapped instance one."""
    if not tasks:
        return {}
    found: dict[str, list[str | None]] = {}
    states = ti.get_task_states(ti.dag_id, task_ids=list(tasks), run_ids=[ti.run_id]).get(ti.run_id, {})
    for name, state in states.items():
        # The name of a mapped instance ends with its index.
        task_id = name if name in tasks else name.rpartition("_")[0]
        found.setdefault(task_id, []).append(None if state is None else str(state))
    return found


def no_slot(waited_for: str, waiting: str, seconds: float) -> str:
    """Return in words that a task has not begun beside another one, which waits for it."""
    return (
        f"as_of: {waited_for} has not begun for {seconds:g} seconds, and {waiting} waits for it. The task that holds a "
        "moment works beside the one that takes it, and beside the loads: give the run at least two slots "
        "(parallelism, max_active_tasks, pools), and clear the whole group."
    )


def pause(seconds: float) -> None:
    """Wait until it is time to ask again."""
    threading.Event().wait(seconds)
