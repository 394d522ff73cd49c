"""The checkpoints of a task in a run, as one load of a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from airflow_checkpoint_provider.engine.model.checkpoint import PARTITION, Checkpoint
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.model.status import Status

TaskOfRun = tuple[str, str, str]
"""The ids of a DAG, a task and a run."""


@dataclass(frozen=True, slots=True)
class TableLoad:
    """
    The checkpoints of a task in a run that load one table: several where the task is mapped.

    :param checkpoints: of partitions, those of the newest plan
    """

    key: TaskOfRun
    checkpoints: tuple[Checkpoint, ...]

    @property
    def rows(self) -> int:
        """Its committed rows."""
        return sum(one.rows for one in self.checkpoints)

    @property
    def started_at(self) -> datetime:
        """When its newest part began."""
        return max(one.started_at for one in self.checkpoints)

    @property
    def completed_at(self) -> datetime | None:
        """When its last part was completed; ``None`` while one is not, or a partition of the plan is missing."""
        if any(one.status is not Status.COMPLETED or one.completed_at is None for one in self.checkpoints):
            return None
        parts = [part for one in self.checkpoints if (part := _part(one))]
        if parts and len({part.index for part in parts}) < parts[0].of:
            return None
        return max(one.completed_at for one in self.checkpoints if one.completed_at)

    @property
    def is_mapped(self) -> bool:
        """Whether other instances of the task may have parts of which nothing is known here."""
        return any(one.identity.map_index >= 0 or one.identity.name for one in self.checkpoints) and not any(
            _part(one) for one in self.checkpoints
        )


def loads_of(checkpoints: Iterable[Checkpoint]) -> list[TableLoad]:
    """Combine the checkpoints of one table."""
    found: dict[TaskOfRun, list[Checkpoint]] = defaultdict(list)
    for one in checkpoints:
        found[one.identity.dag_id, one.identity.task_id, one.run_id].append(one)
    return [TableLoad(key, tuple(_of_newest_plan(together))) for key, together in found.items()]


def _of_newest_plan(checkpoints: list[Checkpoint]) -> list[Checkpoint]:
    """Leave out partitions of earlier plans, which another plan has replaced."""
    planned = [(one, part) for one in checkpoints if (part := _part(one))]
    if not planned:
        return checkpoints
    newest = max(planned, key=lambda pair: pair[0].started_at)[1]
    return [one for one, part in planned if part.plan == newest.plan]


def _part(checkpoint: Checkpoint) -> Partition | None:
    return Partition.of_text(checkpoint.fingerprint.get(PARTITION))
