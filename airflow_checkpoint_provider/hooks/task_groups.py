"""The groups of tasks in a serialized DAG that load several tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TransferGroup:
    """
    A group of tasks with several transfers.

    :param transfers: the ids of its transfers, each of which loads a table
    :param others: the ids of its other tasks, such as those that plan and publish
    """

    dag_id: str
    group_id: str
    transfers: tuple[str, ...]
    others: tuple[str, ...] = ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """The ids of all its tasks."""
        return (*self.transfers, *self.others)

    def label(self, task_id: str) -> str:
        """Return the id of one of its tasks without that of the group; of a table's partitions, without ``load``."""
        own = task_id.removeprefix(f"{self.group_id}.")
        return own.removesuffix(".load") if task_id in self.transfers else own


def groups_of(dag_id: str, dag: Mapping[str, Any], transfers: Collection[str]) -> list[TransferGroup]:
    """
    Return the groups of a serialized DAG that have several transfers, each task in the innermost of them.

    The tasks of a table with partitions are a group within, which has a single transfer.

    :param transfers: the ids of the DAG's transfers
    """
    root = dag.get("dag", {}).get("task_group") or {}
    found: dict[str, list[str]] = {}
    _assign(root, "", set(transfers), found)
    return [
        TransferGroup(
            dag_id,
            group_id,
            tuple(one for one in tasks if one in transfers),
            tuple(one for one in tasks if one not in transfers),
        )
        for group_id, tasks in sorted(found.items())
        if any(one in transfers for one in tasks)
    ]


def _assign(
    group: Mapping[str, Any], group_id: str, transfers: Collection[str], found: dict[str, list[str]]
) -> list[str]:
    """Add the groups below one and itself; return those of its tasks that are in none of these."""
    left: list[str] = []
    for key, (kind, child) in _children(group):
        left += _assign(child, key, transfers, found) if kind == "taskgroup" else [key]
    if group_id and sum(one in transfers for one in _tasks(group)) > 1:
        found[group_id] = left
        return []
    return left


def _tasks(group: Mapping[str, Any]) -> Iterator[str]:
    for key, (kind, child) in _children(group):
        if kind == "taskgroup":
            yield from _tasks(child)
        else:
            yield key


def _children(group: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Any]]]:
    for key, child in (group.get("children") or {}).items():
        yield key, (child[0], child[1])
