"""The operator that lists tables at run time, for a mapped transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_checkpoint_provider.engine.model.checks import is_names, refuse
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.partition import MOST_PARTS
from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.operators.arguments import is_literal
from airflow_checkpoint_provider.operators.declaration.accepted import TRANSFER, unknown
from airflow_checkpoint_provider.operators.declaration.common import check_common, is_without
from airflow_checkpoint_provider.operators.declaration.tables import DeclaredTable, read_tables
from airflow_checkpoint_provider.operators.declaration.tasks import default_args_of
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

_NOT_MAPPED = ("partition", "publish", "checkpoint_name")
_NAMED = "{{ task.source_table }}"


class CheckpointTablesOperator(BaseOperator):
    """
    List the tables to load when the DAG runs, as the arguments of a mapped transfer.

    Each table has a checkpoint by its name, so one that is added or removed disturbs no other. Give the output to
    ``CheckpointedTransferOperator.partial(...).expand_kwargs(tables.output)``, or let :meth:`transfer` do it.

    :param source_conn_id: the connection whose tables are listed. (templated)
    :param source_hook_params: parameters of its hook
    :param include: patterns of names with ``*`` and ``?``, such as ``["erp.*"]``; without a schema, tables of
        the default one. Upper and lower case are the same. (templated)
    :param exclude: patterns of tables to leave out; one without a schema leaves them out of all schemas. (templated)
    :param mapping_table: instead of ``include``, a table with a row for each table to load. (templated)
    :param mapping_conn_id: the connection to the mapping table; by default ``source_conn_id``. (templated)
    :param mapping_columns: the columns of the mapping table, by the arguments that they stand for: ``"source_table"``,
        ``"enabled"`` for the flag that switches a table on, and arguments of the transfer. (templated)
    :param defaults: arguments of each transfer, in texts with ``{table}`` and ``{schema}`` for the table's name and
        schema. (templated)
    """

    template_fields: Sequence[str] = (
        "source_conn_id",
        "include",
        "exclude",
        "mapping_table",
        "mapping_conn_id",
        "mapping_columns",
        "defaults",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"mapping_columns": "json", "defaults": "json"}
    ui_color = "#cfe8d5"

    def __init__(
        self,
        *,
        source_conn_id: str,
        source_hook_params: dict[str, Any] | None = None,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        mapping_table: str | None = None,
        mapping_conn_id: str | None = None,
        mapping_columns: Mapping[str, str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source_conn_id = source_conn_id
        self.source_hook_params = source_hook_params
        self.include = include
        self.exclude = exclude
        self.mapping_table = mapping_table
        self.mapping_conn_id = mapping_conn_id
        self.mapping_columns = mapping_columns
        self.defaults = defaults
        self._check()

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """
        List the tables.

        :return: one mapping for each table: the arguments of its transfer
        :raises CheckpointError: when it cannot; the message has the reason and the remedy
        """
        self._check()
        tables = read_tables(self._listed(), self.defaults or {}, {}, {}, listed=True)
        if len(tables) > MOST_PARTS:
            raise ArgumentError(
                f"include: these are {len(tables):,} tables, and Airflow maps a task over at most {MOST_PARTS:,} "
                "([core] max_map_length). List them in several tasks, such as one for each schema."
            )
        for table in tables:
            self.log.info("Table %s", table.name)
        return [_arguments(table) for table in tables]

    def transfer(self, task_id: str, **arguments: Any) -> Any:
        """
        Make the mapped task that copies the listed tables, each shown by its name.

        :param task_id: its id
        :param arguments: those of ``CheckpointedTransferOperator`` and of every task that all tables have in common
        :return: the mapped task, behind this one
        :raises ArgumentError: for an argument that the tables cannot have in common
        """
        shared = default_args_of(self.task_group) if self.task_group else {}
        check_common(
            {**shared, **(arguments.get("default_args") or {}), **arguments},
            self.defaults or {},
            self.mapping_columns or {},
        )
        given = {
            "source_conn_id": self.source_conn_id,
            "source_hook_params": self.source_hook_params,
            "map_index_template": _NAMED,
            **arguments,
        }
        return CheckpointedTransferOperator.partial(task_id=task_id, **given).expand_kwargs(self.output)

    def _listed(self) -> dict[str, dict[str, Any]]:
        # Here, so that parsing a DAG does not pay for imports that only a running task needs.
        from airflow_checkpoint_provider.engine.admin.table_names import tables_mapped, tables_named
        from airflow_checkpoint_provider.hooks.databases import open_database

        if self.mapping_table:
            conn_id, argument, params = self.mapping_conn_id, "mapping_conn_id", None
        else:
            conn_id, argument, params = None, "source_conn_id", self.source_hook_params
        database = open_database(conn_id or self.source_conn_id, argument, params)
        connection = database.open()
        try:
            if self.mapping_table:
                found = tables_mapped(connection, self.mapping_table, self.mapping_columns or {})
            else:
                found = {
                    name: {} for name in tables_named(connection, self.include or (), self.exclude or ())
                }
        finally:
            connection.close()
        if not found:
            how = (
                f"mapping_table: {self.mapping_table} switches no table on"
                if self.mapping_table
                else ("exclude: it leaves no table")
            )
            raise ArgumentError(
                f"{how}, and a mapped task without an instance would look like a load that is done."
            )
        return found

    def _check(self) -> None:
        """
        Check the arguments, as far as they are known.

        :raises ArgumentError: when one is wrong, or two contradict each other
        """
        if bool(self.include) == bool(self.mapping_table):
            raise ArgumentError(
                "include: give patterns of tables, or the mapping_table that has them, and not both."
            )
        if bool(self.mapping_table) != bool(self.mapping_columns):
            raise ArgumentError(
                "mapping_columns: give the columns of the mapping_table, such as {'source_table': 'SRC_TABLE'}."
            )
        if self.exclude and self.mapping_table:
            raise ArgumentError(
                "exclude: it goes with include; a mapping_table has a flag for that, 'enabled'."
            )
        for name in ("include", "exclude"):
            value = getattr(self, name)
            if value and is_literal(value) and not is_names(value):
                raise refuse(name, value, "a list of patterns")
        for argument in ("defaults", "mapping_columns"):
            value = getattr(self, argument)
            if value and not isinstance(value, Mapping):
                raise ArgumentError(f"{argument}: {shown(value)} is not a mapping of arguments.")
            known = {"enabled", *TRANSFER} if argument == "mapping_columns" else set(TRANSFER)
            for name in value or ():
                if name not in known:
                    raise ArgumentError(f"{argument}: {unknown(name, known)}")
                if name in _NOT_MAPPED:
                    raise ArgumentError(
                        f"{argument}: {name} is not an argument of a listed table; leave it out."
                    )


def _arguments(table: DeclaredTable) -> dict[str, Any]:
    given = dict(table.arguments)
    deciding = [name for name in ("strategy", "checkpoint_enabled") if name in given]
    if not any(is_without(name, given[name]) for name in deciding):
        given["checkpoint_name"] = table.name
    return given
