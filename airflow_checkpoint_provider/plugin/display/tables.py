"""A destination table as a line of the page of all tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from airflow_checkpoint_provider.engine.admin.outlook import is_stalled
from airflow_checkpoint_provider.hooks.airflow_internals.conditions import Task
from airflow_checkpoint_provider.hooks.tables.last_loads import Kept
from airflow_checkpoint_provider.hooks.tables.lines import TableLine
from airflow_checkpoint_provider.plugin.display.words import duration
from airflow_checkpoint_provider.plugin.models import instance_href, query_of
from airflow_checkpoint_provider.plugin.tasks.early import EarlyFailure


@dataclass(frozen=True, slots=True)
class TableView:
    """
    A table as it is shown.

    :param early: failures of its tasks without a checkpoint, since their newest loads began
    """

    line: TableLine
    early: Sequence[EarlyFailure]
    shown_at: datetime
    stalled_after: timedelta

    @classmethod
    def of(
        cls, line: TableLine, early: Mapping[Task, EarlyFailure], now: datetime, stalled_after: timedelta
    ) -> TableView:
        """Describe a table as of ``now``."""
        failures = []
        for writer in line.current:
            failure = early.get(writer.task)
            began = max((one.started_at for _, one in writer.newest), default=None)
            if failure and (began is None or failure.failed.ended_at > began):
                failures.append(failure)
        return cls(line, failures, now, stalled_after)

    @property
    def where(self) -> str:
        """The connection of the table, and its team."""
        return f"{self.line.conn_id} of team {self.line.team}" if self.line.team else self.line.conn_id

    @property
    def stalled(self) -> list[Kept]:
        """The checkpoints at work that have committed nothing for long."""
        return [kept for kept in self.line.at_work if self._is_stalled(kept)]

    @property
    def running(self) -> list[Kept]:
        """The other ones at work."""
        return [kept for kept in self.line.at_work if not self._is_stalled(kept)]

    @property
    def failures(self) -> int:
        """The number of task instances whose newest load has failed."""
        return len(self.line.failed) + len(self.early)

    @property
    def failed_href(self) -> str:
        """The address of what has failed: of one load its page, of several that of their task."""
        if not self.line.failed:
            return instance_href(*self.early[0].failed.instance)
        return _href(self.line.failed)

    @property
    def failed_outside(self) -> bool:
        """Whether that address is a page of Airflow's own, which has the log."""
        return not self.line.failed

    @property
    def work_href(self) -> str:
        """The address of the load at work."""
        return _href(self.line.at_work)

    @property
    def last_href(self) -> str:
        """The address of the last complete load."""
        last = self.line.last
        return f"task?{query_of(last.checkpoint.identity, last.place)}" if last else ""

    @property
    def age(self) -> float | None:
        """Seconds since the last complete load."""
        return (self.shown_at - self.line.last.at).total_seconds() if self.line.last else None

    @property
    def age_in_words(self) -> str:
        """The age by its two largest units."""
        return "" if self.age is None else duration(self.age)

    @property
    def has_several(self) -> bool:
        """Whether more than one task loads it."""
        return len(self.line.current) > 1

    def _is_stalled(self, kept: Kept) -> bool:
        return is_stalled(kept[1], self.shown_at, self.stalled_after)


def _href(several: Sequence[Kept]) -> str:
    place, one = several[0]
    if len(several) == 1:
        return f"task?{query_of(one.identity, place)}"
    return task_href((one.identity.dag_id, one.identity.task_id), run_id=one.identity.run_id)


def task_href(task: Task, **more: str) -> str:
    """Return the address of the page of a task."""
    return f"task?{urlencode({'dag_id': task[0], 'task_id': task[1], **more})}"


FILTERS: dict[str, Callable[[TableView], bool]] = {
    "failed": lambda table: table.failures > 0,
    "running": lambda table: bool(table.running),
    "stalled": lambda table: bool(table.stalled),
    "never": lambda table: table.line.last is None and not table.line.is_unsure,
    "several": lambda table: table.has_several,
}
"""The choices of the page, each with its condition."""

ORDERS: dict[str, Callable[[TableView], Any]] = {
    "table": lambda table: (table.line.table, table.line.conn_id),
    # The table that was never loaded is the oldest.
    "age": lambda table: (table.age is None, table.age or 0.0),
    "rows": lambda table: (table.line.last.rows or 0) if table.line.last else -1,
    "failures": lambda table: table.failures,
}
"""The columns to sort by."""


def in_order(tables: Collection[TableView], sort: str) -> list[TableView]:
    """Sort by a column, with ``-`` in front for descending; tables that are equal in it stay in the order of names."""
    return sorted(tables, key=ORDERS[sort.removeprefix("-")], reverse=sort.startswith("-"))


def has_text(table: TableView, text: str) -> bool:
    """Return whether a text is part of the table's name, its connection's, or an id of its tasks."""
    line = table.line
    tasks = (part for writer in line.writers for part in writer.task)
    return any(text.lower() in part.lower() for part in (line.table, line.conn_id, *tasks))
