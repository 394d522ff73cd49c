"""The operator that plans the partitions of a table, for many tasks to load."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_checkpoint_provider.engine.model.checks import is_text
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.partition import check_partitions
from airflow_checkpoint_provider.engine.model.stored_text import LONGEST_NAME, shown
from airflow_checkpoint_provider.engine.transfer.arguments.checks import check_arguments
from airflow_checkpoint_provider.operators.arguments import is_literal

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

_OWN = ("partitions", "partition_column", "split")
_NAMES = ("sql", "source_table", "where", "parameters", "checkpoint_column", "as_of", "as_of_task_id", *_OWN)


class CheckpointPartitionOperator(BaseOperator):
    """
    Split a query or a table by ranges of its key into partitions of about as many rows, one for each mapped task.

    Together the partitions have every row once, up to the greatest key at the time of planning. Give them to
    ``CheckpointedTransferOperator.partial(...).expand(partition=plan.output)``.

    :param sql: the query to split, one SELECT, as a string or a ``.sql`` file. (templated)
    :param source_table: instead of ``sql``, a table: ``table`` or ``schema.table``. (templated)
    :param where: with ``source_table``, the condition on the rows to split, as the load has it. (templated)
    :param parameters: bind parameters of ``sql``, in the style of the source's driver. (templated)
    :param source_conn_id: the connection to read from. (templated)
    :param source_hook_params: parameters of the source's hook
    :param checkpoint_column: the column, or columns, that the load will read by; the first one is split. By default
        the primary key of ``source_table``. (templated)
    :param partitions: the number of partitions to make; fewer where there are fewer values. (templated)
    :param partition_column: split by this column instead, such as a date or a tenant: a partition for each value, or
        for several where there are more than ``partitions``. (templated)
    :param split: ``"key"``, or ``"rowid"`` for ranges of ROWID of an Oracle table, which need neither an index nor a
        read of the rows. With ``source_table``; its load goes with ``write_mode`` ``"append"``, ``"upsert"`` or
        ``"replace_atomic"``. (templated)
    :param as_of: ``"now"`` reads the table as of one moment: in the plan, in each partition and in all of their
        attempts. With ``source_table`` of Oracle. (templated)
    :param as_of_task_id: with ``as_of``, the ``CheckpointMomentOperator`` of the DAG run whose moment it is, which the
        table shares with others. (templated)
    """

    template_fields: Sequence[str] = (
        "sql",
        "source_table",
        "where",
        "parameters",
        "source_conn_id",
        "checkpoint_column",
        "partitions",
        "partition_column",
        "split",
        "as_of",
        "as_of_task_id",
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "where": "sql", "parameters": "json"}
    ui_color = "#cfe8d5"

    def __init__(
        self,
        *,
        sql: str | None = None,
        source_table: str | None = None,
        where: str | None = None,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        source_conn_id: str,
        source_hook_params: dict[str, Any] | None = None,
        checkpoint_column: str | Sequence[str] | None = None,
        partitions: int | str,
        partition_column: str | None = None,
        split: str = "key",
        as_of: str | None = None,
        as_of_task_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql = sql
        self.source_table = source_table
        self.where = where
        self.parameters = parameters
        self.source_conn_id = source_conn_id
        self.source_hook_params = source_hook_params
        self.checkpoint_column = checkpoint_column
        self.partitions = partitions
        self.partition_column = partition_column
        self.split = split
        self.as_of = as_of
        self.as_of_task_id = as_of_task_id
        self._cutters: list[Callable[[], None]] = []
        self._checked({name: value for name, value in self._given().items() if is_literal(value)})

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """
        Plan the partitions.

        :return: one mapping for each partition: its bounds, and the digest of its plan
        :raises CheckpointError: when it cannot; the message has the reason and the remedy
        """
        # Here, so that parsing a DAG does not pay for imports that only a running task needs.
        from airflow_checkpoint_provider.engine.databases.sockets import cutter
        from airflow_checkpoint_provider.engine.transfer.partitioning.planner import SplitSpec, split
        from airflow_checkpoint_provider.hooks.databases import open_database
        from airflow_checkpoint_provider.operators.moment import with_shared_moment

        spec = with_shared_moment(SplitSpec(**self._checked(self._given())), context)
        source = open_database(self.source_conn_id, "source_conn_id", self.source_hook_params)
        plan = split(spec, source, lambda raw: self._cutters.append(cutter(raw)))
        self.log.info(
            "%d partitions by %s, of about %s rows in all, by %s (plan %s)",
            len(plan.parts),
            plan.parts[0].column,
            f"{plan.parts[0].rows_in_all:,}",
            plan.how,
            plan.parts[0].plan,
        )
        if plan.parts[0].moment:
            self.log.info("All partitions read %s", plan.parts[0].moment)
        for part in plan.parts:
            self.log.info("Partition %d: about %s rows, %s", part.index, f"{part.rows:,}", part.as_words())
        return [part.as_dict() for part in plan.parts]

    def _given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _NAMES}

    @staticmethod
    def _checked(given: dict[str, Any]) -> dict[str, Any]:
        """
        Check arguments, as far as they are known, and give the rendered number its type.

        :raises ArgumentError: when one is wrong, or two contradict each other
        """
        check_arguments({name: value for name, value in given.items() if name not in _OWN})
        column = given.get("partition_column")
        if column is not None and not (is_text(column) and 0 < len(column) <= LONGEST_NAME):
            raise ArgumentError(f"partition_column: {shown(column)} is not the name of a column.")
        _check_split(given)
        if "partitions" in given:
            try:
                given["partitions"] = int(str(given["partitions"]).strip().replace("_", ""))
            except ValueError:
                raise ArgumentError(
                    f"partitions: {shown(given['partitions'])} is not a whole number."
                ) from None
            check_partitions(given["partitions"])
        return given

    def on_kill(self) -> None:
        """End the running statement, with its connection."""
        for cut in self._cutters:
            cut()


def _check_split(given: Mapping[str, Any]) -> None:
    if "split" in given and given["split"] not in ("key", "rowid"):
        raise ArgumentError(f"split: {shown(given['split'])} is not one of 'key', 'rowid'.")
    if given.get("split") != "rowid":
        return
    if given.get("sql"):
        raise ArgumentError("split: 'rowid' goes with source_table; the rows of a query have no ROWID.")
    if given.get("partition_column") or given.get("checkpoint_column"):
        raise ArgumentError(
            "split: 'rowid' splits by no column; leave partition_column and checkpoint_column out of the plan."
        )
