"""Many tables in one declaration: a group of tasks, each of which resumes by itself."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from airflow.providers.common.compat.sdk import AirflowException, TaskGroup

from airflow_checkpoint_provider.engine.model.checks import boolean
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.mapping_rows import tables_of_rows
from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.operators.declaration.accepted import unknown
from airflow_checkpoint_provider.operators.declaration.one_moment import MOMENT, share_moment, take_moment
from airflow_checkpoint_provider.operators.declaration.order import edges
from airflow_checkpoint_provider.operators.declaration.problems import DeclarationError, Problem
from airflow_checkpoint_provider.operators.declaration.tables import problem_of, read_tables
from airflow_checkpoint_provider.operators.declaration.tasks import default_args_of, make_tasks
from airflow_checkpoint_provider.operators.declaration.together import (
    behind_publication,
    publish_all,
    stage_all,
)


class CheckpointedTransferGroup(TaskGroup):
    """
    Copy many tables: a task for each, made from one declaration, with a checkpoint of its own.

    The id of a task comes from the name of its table, so the list may be reordered and grow. A table with
    ``partitions`` has a group of tasks: ``plan``, the mapped ``load``, and with ``write_mode="replace_atomic"``
    ``publish``. The arguments are checked when the DAG is parsed; no database is read then.

    :param group_id: the id of the group, the first part of the ids of its tasks
    :param source_conn_id: the connection to read from
    :param destination_conn_id: the connection to write to
    :param tables: a mapping of the name of each table to its arguments, those of ``CheckpointedTransferOperator`` and
        of every task; ``partitions`` with ``partition_column`` and ``split``, and ``depends_on``, a list of tables that
        are loaded before it. ``source_table`` is the name unless it or ``sql`` is given
    :param defaults: arguments of all tables, unless a table has its own. In texts, ``{table}`` is replaced by the name
        of the table without its schema, and ``{schema}`` by its schema
    :param order: ``"listed"`` loads one table after another; ``None`` all of them side by side, except for
        ``depends_on``
    :param as_of: ``"now"`` reads all tables as of one moment of the source, which a task ``moment`` takes before their
        loads: foreign keys between them then hold at the destination. A table with ``as_of=None`` is left out. For
        Oracle, and for Postgres, where a task ``moment_holder`` works beside the loads
    :param publish_together: publish all tables with ``write_mode="replace_atomic"`` in one transaction, by a task
        ``publish`` behind their loads; a table of another write mode that is loaded after one of them waits for it
    :param kwargs: arguments of ``TaskGroup``, such as ``default_args`` and ``tooltip``
    :raises DeclarationError: with all that is wrong, each with its table and its argument
    """

    def __init__(
        self,
        group_id: str,
        *,
        source_conn_id: str,
        destination_conn_id: str,
        tables: Mapping[str, Mapping[str, Any] | None],
        defaults: Mapping[str, Any] | None = None,
        order: str | None = None,
        publish_together: bool = False,
        as_of: str | None = None,
        **kwargs: Any,
    ) -> None:
        common = {"source_conn_id": source_conn_id, "destination_conn_id": destination_conn_id}
        super().__init__(group_id=group_id, **kwargs)
        shared = default_args_of(self)
        declared = read_tables(tables, {} if defaults is None else defaults, common, shared)
        pairs = list(edges(declared, order))
        if as_of not in (None, "now"):
            raise ArgumentError(f"as_of: {shown(as_of)} is not one of None, 'now'.")
        if as_of:
            declared = share_moment(declared, source_conn_id, str(self.child_id(MOMENT)))  # type: ignore[no-untyped-call]
        waiting: Collection[str] = ()
        if boolean("publish_together", publish_together):
            declared = stage_all(declared, shared)
            waiting = behind_publication(declared, pairs)
        self._tasks: dict[str, Any] = {}
        problems: list[Problem] = []
        with self:
            for table in declared:
                try:
                    self._tasks[table.name] = make_tasks(table, self)
                except (ArgumentError, AirflowException, TypeError, ValueError) as error:
                    problems.append(problem_of(table.name, error))
            if as_of and not problems:
                take_moment(declared, self._tasks, source_conn_id)
            if publish_together and not problems:
                publish_all(declared, self._tasks) >> [self._tasks[name] for name in waiting]
        if problems:
            raise DeclarationError(problems)
        for before, after in pairs:
            self._tasks[before] >> self._tasks[after]

    @classmethod
    def from_yaml(cls, path: str | Path, **kwargs: Any) -> Self:
        """
        Make the group of a declaration in a YAML file, with the arguments of the group as its keys.

        :param path: the file; a relative path begins at the folder of the file that calls this
        :param kwargs: arguments of the group, in front of those in the file
        :raises ArgumentError: with all that is wrong, each with its line
        """
        # Here, so that a group without a file does not pay for it.
        from airflow_checkpoint_provider.operators.declaration.yaml_file import DeclarationFile

        file = DeclarationFile(Path(sys._getframe(1).f_code.co_filename).parent / path)
        return file.declare(cls, kwargs)

    @classmethod
    def from_mapping(cls, rows: Iterable[Any], *, columns: Mapping[str, Any], **kwargs: Any) -> Self:
        """
        Make the group of the rows of a mapping table, each of which is a table; one that is switched off is left out.

        Strategies may be in capital letters (``NONE`` and NULL are ``"none"``), flags ``Y`` and ``N``, ``1`` and ``0``,
        and lists of columns texts with commas. A NULL elsewhere leaves the default.

        :param rows: mappings of columns to values, or sequences of values, such as those of an export beside the DAG
        :param columns: the column of each argument, or its place in the sequence: ``"source_table"``, ``"enabled"`` for
            the flag that switches a table on, and any argument of a table
        :param kwargs: the other arguments of the group
        :raises ArgumentError: for rows that cannot be read, and for all that is wrong with the tables
        """
        return cls(**{"tables": tables_of_rows(rows, columns), **kwargs})

    def tasks_of(self, table: str) -> Any:
        """
        Return the task of a table, or the group of its tasks, to put other tasks before or behind it.

        With ``publish_together``, the rows of a table with ``write_mode="replace_atomic"`` are published behind that
        task: put what reads them behind the whole group.

        :param table: its name in the declaration
        :raises ArgumentError: when the group has no such table
        """
        if table not in self._tasks:
            raise ArgumentError(f"table: {unknown(table, self._tasks, 'table')} of {shown(self.group_id)}")
        return self._tasks[table]
