"""Plans the parts of a table and loads them, without a running Airflow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.transfer.partitioning.planner import Plan, SplitSpec, split
from airflow_checkpoint_provider.engine.transfer.result import Result
from airflow_checkpoint_provider.engine.transfer.transfer import Transfer
from tests.support.databases.db import Db
from tests.support.loads import Load


def plan(source: Db, partitions: int, **arguments: Any) -> Plan:
    if "sql" not in arguments:
        arguments = {"source_table": "t", **arguments}
    return split(SplitSpec(partitions=partitions, **arguments), source.database("src"))


class PartLoad(Load):
    """A mapped task instance that loads one part."""

    part: Partition

    @classmethod
    def of(cls, source: Db, destination: Db, part: Partition, **arguments: Any) -> PartLoad:
        load = cls(source, destination, {"source_table": "t", "partition": part.as_dict(), **arguments})
        load.part = part
        return load

    def transfer(self, *args: Any, **changes: Any) -> Transfer:
        transfer = super().transfer(*args, **changes)
        run = transfer._identity.run_id
        transfer._identity = Identity("a_dag", "a_task", run, self.part.index)
        return transfer


def load_all(source: Db, destination: Db, parts: list[Partition], **arguments: Any) -> list[Result]:
    return [PartLoad.of(source, destination, part, **arguments).attempt() for part in parts]


def moved(part: Partition, **changes: Any) -> Partition:
    """The same index in another plan."""
    return replace(part, plan="another", **changes)
