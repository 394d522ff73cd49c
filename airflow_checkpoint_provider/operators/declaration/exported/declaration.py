"""The transfers of a group of tasks as a declaration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from airflow.providers.common.compat.sdk import TaskGroup

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.arguments import is_literal
from airflow_checkpoint_provider.operators.declaration.accepted import PLAN
from airflow_checkpoint_provider.operators.declaration.exported.arguments import Differing
from airflow_checkpoint_provider.operators.declaration.exported.groups import (
    has_transfers,
    is_transfer,
    kind_of,
    tasks_of_table,
)
from airflow_checkpoint_provider.operators.declaration.exported.moment import share
from airflow_checkpoint_provider.operators.declaration.exported.order import order, published_by
from airflow_checkpoint_provider.operators.declaration.exported.tables import Table, gather, name_all
from airflow_checkpoint_provider.operators.declaration.one_moment import HOLDER, MOMENT
from airflow_checkpoint_provider.operators.holding import CheckpointHoldMomentOperator
from airflow_checkpoint_provider.operators.moment import CheckpointMomentOperator
from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

_OF_FIRST = ("trigger_rule", "depends_on_past", "wait_for_downstream")


class Exporter:
    """
    Reads the transfers of a DAG.

    ``told`` has what cannot be declared, in words; ``is_complete`` is whether no transfer and no publication is left
    out.

    :param dag: the parsed DAG
    """

    def __init__(self, dag: Any) -> None:
        self._differing = Differing(dag)
        self._tables: list[Table] = []
        self._publication: Any = None
        self._moment: Any = None
        self._holder: Any = None
        self._impossible: defaultdict[str, list[str]] = defaultdict(list)
        self.told: list[str] = []
        self.is_complete = True

    def declare(self, group_id: str, children: Iterable[Any]) -> dict[str, Any]:
        """
        Return the arguments of the group of some tasks.

        :param children: tasks, and groups of tasks
        :raises ArgumentError: when there is no transfer among them that can be declared
        """
        for child in children:
            self._take(child)
        tables = self._tables
        apart = share(tables, self._moment)
        self.told += apart
        self.is_complete &= not apart
        if self._moment is not None:
            self._of_every_task(MOMENT, self._moment)
        self._decide_publication()
        self.told += [
            f"{name}: not possible in YAML, and left out of {', '.join(labels)}."
            for name, labels in self._impossible.items()
        ]
        if not tables:
            raise ArgumentError(
                "\n".join((*self.told, f"{group_id}: there is no transfer that can be declared."))
            )
        content: dict[str, Any] = {"group_id": group_id}
        if self._moment is not None:
            content["as_of"] = "now"
        together: frozenset[str] = frozenset()
        if self._publication is not None:
            together = published_by(self._publication)
            self._publish_together(together)
            content["publish_together"] = True
        names = name_all(tables)
        taking = [task for task in (self._moment, self._holder) if task is not None]
        self.told += order(tables, names, self._publication, together, taking)
        own = {names[one.label]: one.arguments for one in tables}
        return {**content, **gather(own), "tables": own}

    def _decide_publication(self) -> None:
        """Take the publication of several tables for that of the group, where it publishes some of its tables."""
        publish = self._publication
        if publish is None:
            return
        declared = frozenset().union(*(one.tasks for one in self._tables))
        together = published_by(publish)
        if not together & declared:
            self._publication = None
            self._leave_publication(publish.task_id)
            return
        self._of_every_task("publish", publish)
        for other in sorted(together - declared):
            self.is_complete = False
            self.told.append(f"{publish.task_id}: that it publishes the rows of {other} is not declared.")

    def _leave_publication(self, task_id: str) -> None:
        self.is_complete = False
        self.told.append(
            f"{task_id}: this publication cannot be declared; without it, what its transfers load stays in stages."
        )

    def _publish_together(self, together: frozenset[str]) -> None:
        """Leave out ``publish`` where the declaration gives it, and write it where it would give another."""
        for table in self._tables:
            mode, is_staged = table.arguments.get("write_mode"), bool(table.tasks & together)
            if mode == "replace_atomic" and is_staged:
                table.arguments.pop("publish", None)
            elif mode == "replace_atomic" or not is_literal(mode):
                table.arguments["publish"] = not is_staged

    def _take(self, child: Any) -> None:
        kind = kind_of(child)
        if isinstance(child, TaskGroup):
            self._take_group(child)
        elif kind is CheckpointPublishOperator and child.label == "publish":
            self._publication = child
        elif kind is CheckpointMomentOperator and child.label == MOMENT:
            self._moment = child
        elif kind is CheckpointHoldMomentOperator and child.label == HOLDER:
            self._holder = child
        elif issubclass(kind, CheckpointPublishOperator):
            self._leave_publication(child.task_id)
        elif type(child) is CheckpointedTransferOperator:
            self._take_table(str(child.label), child, child)
        else:
            self.is_complete &= not is_transfer(child)
            what = "a mapped transfer" if kind is CheckpointedTransferOperator else f"a {kind.__name__}"
            self.told.append(f"{child.task_id}: {what} cannot be declared.")

    def _take_group(self, child: Any) -> None:
        if found := tasks_of_table(child):
            self._take_table(str(child.label), *found)
        elif has_transfers(child):
            self.told.append(f"{child.group_id}: this group has tables of its own; export it by its name.")
        else:
            self.told.append(f"{child.group_id}: a group without a transfer of its own cannot be declared.")
            for one in child.children.values():
                if isinstance(one, TaskGroup):
                    self._take_group(one)
                elif issubclass(kind_of(one), CheckpointPublishOperator):
                    self._leave_publication(one.task_id)

    def _take_table(self, label: str, first: Any, load: Any, publish: Any = None) -> None:
        try:
            of_plan = self._differing.of_operator(first, PLAN) if first is not load else {}
            own = {**of_plan, **self._differing.of_operator(load)}
        except ArgumentError as error:
            self.is_complete = False
            self.told.append(f"{load.task_id}: {error}; the table is not declared.")
            return
        own |= self._of_every_task(label, load, is_stage=own.get("publish") is False)
        if first is not load:
            of_first = self._differing.of_every_task(first)
            own |= {name: of_first[name] for name in _OF_FIRST if name in of_first}
        if publish is not None:
            own.pop("publish", None)
            self._of_every_task(f"{label}.publish", publish)
        made = [one for one in (first, load, publish) if one is not None]
        tasks = frozenset(one.task_id for one in made)
        after = frozenset().union(*(one.downstream_task_ids for one in made)) - tasks
        self._tables.append(Table(label, first, tasks, after, own))

    def _of_every_task(self, label: str, task: Any, *, is_stage: bool = False) -> dict[str, Any]:
        found = {}
        for name, value in self._differing.of_every_task(task).items():
            if self._differing.is_possible(name, value):
                found[name] = value
            elif value or name != "outlets" or not is_stage:  # a declaration gives a stage none
                self._impossible[name].append(label)
        return found
