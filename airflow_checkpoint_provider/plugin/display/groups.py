"""A group of tasks in one run as one line that opens to its tables."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.hooks.airflow_internals.group_runs import BegunRun, States
from airflow_checkpoint_provider.hooks.task_groups import TransferGroup
from airflow_checkpoint_provider.plugin.display.group_tables import ORDER, SKIPPED, TableLoad
from airflow_checkpoint_provider.plugin.models import View


@dataclass(frozen=True, slots=True)
class GroupLoad:
    """
    The tables of a group in one run.

    :param tables: those first that may need a person, then by name
    :param others: the ids of other tasks that have failed, such as those that plan or publish
    """

    group: TransferGroup
    run: BegunRun
    tables: Sequence[TableLoad]
    others: Sequence[str]

    @classmethod
    def of(
        cls,
        group: TransferGroup,
        run: BegunRun,
        instances: States,
        views: Mapping[str, Sequence[View]],
    ) -> GroupLoad:
        """
        Combine what Airflow and the metadata tables know of a run.

        :param views: the checkpoints that the run has moved last, by task
        """
        tables = [
            TableLoad(one, group.label(one), views.get(one, ()), instances.get(one, Counter()))
            for one in group.transfers
        ]
        failed = (one for one in group.others if instances.get(one, Counter())["failed"])
        return cls(group, run, [], list(failed)).with_tables(tables)

    def with_tables(self, tables: Sequence[TableLoad]) -> GroupLoad:
        """Return it with these tables."""
        ordered = sorted(tables, key=lambda table: (ORDER.index(table.state), table.name))
        return replace(self, tables=ordered)

    @property
    def states(self) -> list[tuple[str, int]]:
        """The number of tables in each state."""
        counts = Counter(table.state for table in self.tables)
        return [(state, counts[state]) for state in sorted(counts, key=ORDER.index)]

    @property
    def state(self) -> str:
        """The state of the table that may most need a person; failed where only another task has failed."""
        return Status.FAILED.value if self.others else self.tables[0].state

    def count(self, *states: str) -> int:
        """Count the tables in some states."""
        return sum(table.state in states for table in self.tables)

    @property
    def done(self) -> int:
        """The number of tables that are loaded, or skipped."""
        return self.count(Status.COMPLETED.value, SKIPPED)

    @property
    def rows(self) -> int:
        """The committed rows of all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def rejected(self) -> int:
        """The number of rows that destinations have refused."""
        return sum(table.rejected for table in self.tables)

    @property
    def slowest(self) -> TableLoad | None:
        """The table whose load has taken longest, of those at work if there are any."""
        at_work = [table for table in self.tables if any(not view.over for view in table.views)]
        loaded = [table for table in self.tables if table.views]
        return max(at_work or loaded, key=lambda table: table.seconds, default=None)

    @property
    def rate(self) -> float | None:
        """Recent rows a second of all that run, where they were measured."""
        return sum(view.pace.rate or 0.0 for table in self.tables for view in table.views) or None

    @property
    def newest(self) -> View | None:
        """The checkpoint that has committed last."""
        found = filter(None, (table.newest for table in self.tables))
        return max(found, key=lambda view: view.checkpoint.committed_at, default=None)

    @property
    def moves(self) -> bool:
        """Whether a table is at work."""
        return self.count(Status.RUNNING.value) > 0

    @property
    def key(self) -> str:
        """A name that stays when others come and go, and is no markup."""
        return hashlib.sha256(self.href.encode()).hexdigest()[:16]

    @property
    def href(self) -> str:
        """The address of its page, from a page beside it."""
        return group_href(self.group.dag_id, self.group.group_id, self.run.run_id)

    @property
    def urgency(self) -> tuple[int, float]:
        """The order of groups: those first that may need a person, then the newest run."""
        return ORDER.index(self.state), -self.run.after.timestamp()

    def table_href(self, table: TableLoad) -> str:
        """Return the address of the page of one of its tables in this run."""
        if table.view:
            return table.view.href
        ids = {"dag_id": self.group.dag_id, "task_id": table.task_id, "run_id": self.run.run_id}
        return f"task?{urlencode(ids)}"


def group_href(dag_id: str, group_id: str, run_id: str = "") -> str:
    """Return the address of a group's page in a run; without one, in the newest."""
    ids = {"dag_id": dag_id, "group_id": group_id, "run_id": run_id}
    return f"group?{urlencode({name: value for name, value in ids.items() if value})}"
