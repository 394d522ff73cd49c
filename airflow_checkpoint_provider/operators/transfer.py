"""The operator that copies rows between databases, and resumes after a failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, BaseOperator

from airflow_checkpoint_provider.engine.model.checkpoint import DEFAULT_TABLE
from airflow_checkpoint_provider.links.checkpoint import CheckpointLink
from airflow_checkpoint_provider.operators.arguments import STORED, TEMPLATED, check_literals, rendered
from airflow_checkpoint_provider.operators.identity import describe_attempt, identify
from airflow_checkpoint_provider.operators.stopping import Stopping
from airflow_checkpoint_provider.operators.task_state import TaskStateMarker

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_checkpoint_provider.engine.transfer.planning.load_plan import LoadPlan
    from airflow_checkpoint_provider.hooks.early_failure import EarlyFailure
    from airflow_checkpoint_provider.observability.lineage import Lineage


class CheckpointedTransferOperator(BaseOperator):
    """
    Copy rows from one SQL database to another in committed batches.

    The checkpoint is a row in a metadata table of the destination, updated in the same transaction as each
    batch. An automatic retry goes on after the last committed batch, with every row exactly once; clearing the
    task loads from the start.

    :param sql: the query to read, one SELECT, as a string or a ``.sql`` file. (templated)
    :param source_table: instead of ``sql``, a table to read whole: ``table`` or ``schema.table``. (templated)
    :param columns: with ``source_table``, the columns to read, in this order; by default all of them. (templated)
    :param where: with ``source_table``, the condition on the rows to read, as SQL of the source without the word
        WHERE; by default all rows. (templated)
    :param parameters: bind parameters of ``sql``, in the style of the source's driver. (templated)
    :param source_conn_id: the connection to read from. (templated)
    :param source_hook_params: parameters of the source's hook
    :param destination_table: the table to write to: ``table`` or ``schema.table``. (templated)
    :param destination_conn_id: the connection to write to. (templated)
    :param destination_hook_params: parameters of the destination's hook
    :param destination_columns: columns of the destination, one for each column of the query; or a mapping of
        the query's columns to the destination's, which leaves the others out. By default the columns of the
        query. (templated)
    :param create_table: ``"missing"`` creates the table from the source's columns where it does not exist, with types
        that are known to keep every value. (templated)
    :param column_types: types for some columns of the table that is created, in the destination's words; or for columns
        that are added to it. (templated)
    :param on_new_column: when a column is new at the source since the load has read it: ``"fail"``, ``"ignore"`` leaves
        it out, ``"add"`` adds it to the destination's table. (templated)
    :param strategy: ``"key"`` reads by ``checkpoint_column``, ``"python"`` counts rows and skips them,
        ``"none"`` keeps no checkpoint, ``"auto"`` takes ``checkpoint_column``, else the primary key of
        ``source_table``, else ``"python"``. (templated)
    :param checkpoint_column: a column, or a list of columns, that the query returns and that orders its rows. It
        should be indexed; it need not be unique. (templated)
    :param checkpoint_enabled: ``False`` is ``strategy="none"``. (templated)
    :param batch_size: rows in each committed batch; a batch by key is extended until the key
        changes. (templated)
    :param write_mode: ``"append"`` inserts, ``"upsert"`` inserts or updates by ``conflict_columns``,
        ``"replace"`` deletes all rows when a load starts from the beginning, ``"replace_atomic"`` writes to a stage
        next to the table and swaps all rows at once when the load is complete. (templated)
    :param publish: with ``write_mode="replace_atomic"``, whether the task swaps the rows itself; ``False`` leaves that
        to a ``CheckpointPublishOperator``, which does it for all partitions of a mapped task
    :param conflict_columns: the key of ``"upsert"``; by default the destination's primary key. (templated)
    :param preoperator: SQL run in the destination when a load starts from the beginning, never when it resumes;
        in the transaction that resets the checkpoint. (templated)
    :param rows_processor: called with the rows of each batch, as ``rows_processor(rows, **context)``; returns the
        rows to write
    :param on_clear: what a cleared task does: ``"reload"`` from the start, or ``"resume"``. (templated)
    :param on_source_change: when the query, its columns or its key are not those of the checkpoint, or the rows
        have shifted: ``"fail"``, or ``"reload"`` from the start. (templated)
    :param force_reload: start over once, whatever is stored; automatic retries of that load resume. (templated)
    :param on_null_key: when rows have no value in ``checkpoint_column``: ``"fail"``, or ``"load"`` them as the
        last batch. (templated)
    :param on_bad_row: when the destination refuses a row because of its values: ``"fail"``, or ``"reject"``, which puts
        it into the table ``<checkpoint_table>_reject`` and goes on. (templated)
    :param max_rejected_rows: the most rows of a load to reject, ``None`` for any number; one more ends the
        attempt. The default of 1,000 lets the odd bad row pass, and stops early where a column or the query is wrong
    :param scope: ``"run"`` keeps a checkpoint per DAG run; ``"task"`` keeps a high-water mark across runs, so
        that each run, and each pass of a task loop, loads the new rows. (templated)
    :param lookback: with ``scope="task"``, how far behind the mark a run begins: a number, or a timedelta. Needs
        ``write_mode="upsert"``
    :param checkpoint_name: the identity of a mapped task by its load, such as the name of the table, instead of by its
        map index: the list that it is mapped over may then be reordered and grow. At most 250 characters, and a
        different one for each task instance of a run. (templated)
    :param checkpoint_conn_id: a database other than the destination for the metadata table; delivery is then
        at-least-once. (templated)
    :param checkpoint_table: the metadata table, created on first use. (templated)
    :param allow_duplicates: accept at-least-once delivery, or a reload that appends again, where it would be
        refused
    :param max_reconnects: the most lost connections in a row within one attempt; progress starts the count again
    :param lock_timeout: seconds to wait for another attempt that holds the checkpoint
    :param resume_proof: for counting rows: ``"last_row"`` reads the last committed row again and compares,
        ``"prefix"`` all committed rows
    :param partition: load one partition of the source only, as ``CheckpointPartitionOperator`` planned it: map the task
        over its output. ``"replace"`` then deletes the range of the partition. (templated)
    :param verify: compare the destination with the source before the load counts as complete: by ``"count"`` or by
        ``"digest"`` of all values. (templated)
    :param as_of: ``"now"`` reads the table as of one moment, that of the start of the load, in all attempts and in the
        comparison; a clear takes a new one. With ``source_table`` of Oracle. (templated)
    :param as_of_task_id: with ``as_of``, the ``CheckpointMomentOperator`` of the DAG run whose moment it is, which the
        load shares with others; a clear of this task alone keeps it. (templated)
    """

    template_fields: Sequence[str] = TEMPLATED
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "sql": "sql",
        "preoperator": "sql",
        "where": "sql",
        "columns": "json",
        "column_types": "json",
        "parameters": "json",
        "destination_columns": "json",
        "partition": "json",
    }
    operator_extra_links = (CheckpointLink(),)
    ui_color = "#cfe8d5"

    def __init__(
        self,
        *,
        sql: str | None = None,
        source_table: str | None = None,
        columns: Sequence[str] | None = None,
        where: str | None = None,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        source_conn_id: str,
        source_hook_params: dict[str, Any] | None = None,
        destination_table: str,
        destination_conn_id: str,
        destination_hook_params: dict[str, Any] | None = None,
        destination_columns: Sequence[str] | Mapping[str, str] | None = None,
        create_table: str | None = None,
        column_types: Mapping[str, str] | None = None,
        on_new_column: str = "fail",
        strategy: str = "auto",
        checkpoint_column: str | Sequence[str] | None = None,
        checkpoint_enabled: bool | str = True,
        batch_size: int | str = 100_000,
        write_mode: str = "append",
        publish: bool = True,
        conflict_columns: Sequence[str] | None = None,
        preoperator: str | Sequence[str] | None = None,
        rows_processor: Callable[..., Any] | None = None,
        on_clear: str = "reload",
        on_source_change: str = "fail",
        force_reload: bool | str = False,
        on_null_key: str = "fail",
        on_bad_row: str = "fail",
        max_rejected_rows: int | None = 1_000,
        scope: str = "run",
        lookback: float | Decimal | timedelta | None = None,
        checkpoint_conn_id: str | None = None,
        checkpoint_table: str = DEFAULT_TABLE,
        checkpoint_name: str | None = None,
        allow_duplicates: bool = False,
        max_reconnects: int = 5,
        lock_timeout: float = 60,
        resume_proof: str = "last_row",
        partition: Mapping[str, Any] | None = None,
        verify: str | None = None,
        as_of: str | None = None,
        as_of_task_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql = sql
        self.source_table = source_table
        self.columns = columns
        self.where = where
        self.parameters = parameters
        self.source_conn_id = source_conn_id
        self.source_hook_params = source_hook_params
        self.destination_table = destination_table
        self.destination_conn_id = destination_conn_id
        self.destination_hook_params = destination_hook_params
        self.destination_columns = destination_columns
        self.create_table = create_table
        self.column_types = column_types
        self.on_new_column = on_new_column
        self.strategy = strategy
        self.checkpoint_column = checkpoint_column
        self.checkpoint_enabled = checkpoint_enabled
        self.batch_size = batch_size
        self.write_mode = write_mode
        self.publish = publish
        self.conflict_columns = conflict_columns
        self.preoperator = preoperator
        self.rows_processor = rows_processor
        self.on_clear = on_clear
        self.on_source_change = on_source_change
        self.force_reload = force_reload
        self.on_null_key = on_null_key
        self.on_bad_row = on_bad_row
        self.max_rejected_rows = max_rejected_rows
        self.scope = scope
        self.lookback = lookback
        self.checkpoint_conn_id = checkpoint_conn_id
        self.checkpoint_table = checkpoint_table
        self.checkpoint_name = checkpoint_name
        self.allow_duplicates = allow_duplicates
        self.max_reconnects = max_reconnects
        self.lock_timeout = lock_timeout
        self.resume_proof = resume_proof
        self.partition = partition
        self.verify = verify
        self.as_of = as_of
        self.as_of_task_id = as_of_task_id
        self._stopping = Stopping()
        self._lineage: Lineage | None = None
        check_literals(self)

    @classmethod
    def get_serialized_fields(cls) -> frozenset[str]:
        """Store with the DAG what the shell and the view need to know of a task, and templates do not show."""
        own = ("scope", "has_source_hook_params", *STORED)
        return frozenset({*super().get_serialized_fields(), *own})  # type: ignore[no-untyped-call]

    @property
    def has_source_hook_params(self) -> bool:
        """Whether the source is opened with parameters, whose values are not stored with the DAG."""
        return bool(self.source_hook_params)

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Transfer the remaining rows of the load.

        :return: ``status``, ``strategy``, ``guarantee``, ``started_from``, ``checkpoint``, ``rows`` and ``batches``
            of this attempt, ``rows_total`` of the load, ``rejected`` and ``rejected_total``, ``reconnects``,
            ``duration_s``, ``rows_per_s``, ``verified``, ``warnings``, ``as_of``
        :raises CheckpointError: when it cannot; the message has the reason and the remedy
        """
        # Here, and in what it calls, so that parsing a DAG does not pay for imports that only a running task needs.
        from airflow_checkpoint_provider.hooks.early_failure import EarlyFailure

        with EarlyFailure(context) as early:
            return self._execute(context, early)

    def _execute(self, context: Context, early: EarlyFailure) -> dict[str, Any]:
        from airflow_checkpoint_provider.engine.model.events.transfer import all_of
        from airflow_checkpoint_provider.engine.transfer.progress_log import ProgressLog
        from airflow_checkpoint_provider.engine.transfer.transfer import Transfer
        from airflow_checkpoint_provider.hooks.databases import database_of, get_db_hook, open_database
        from airflow_checkpoint_provider.hooks.settings import auto_create
        from airflow_checkpoint_provider.observability.lineage import Lineage
        from airflow_checkpoint_provider.observability.metrics import Metrics
        from airflow_checkpoint_provider.observability.outlets import describe_outlets
        from airflow_checkpoint_provider.operators.moment import with_shared_moment

        spec = with_shared_moment(rendered(self, context, auto_create()), context)
        elsewhere = self.checkpoint_conn_id if spec.separate_checkpoint else None
        keeper = open_database(elsewhere, "checkpoint_conn_id") if elsewhere else None
        attempt = describe_attempt(context, self.retries)
        identity = identify(context, spec.scope, spec.checkpoint_name, kept=spec.keeps_checkpoint)
        marker = TaskStateMarker(context, identity, self.log)
        if spec.keeps_checkpoint:
            attempt = replace(attempt, state=marker.read(), leave=marker.leave)
        source = get_db_hook(self.source_conn_id, "source_conn_id", self.source_hook_params)
        destination = get_db_hook(
            self.destination_conn_id, "destination_conn_id", self.destination_hook_params
        )
        self._lineage = Lineage(source, destination, unchanged=not self.rows_processor)
        final = (AirflowFailException, AirflowSkipException)
        transfer = Transfer(
            spec,
            source=database_of(source, self.source_conn_id),
            destination=database_of(destination, self.destination_conn_id),
            keeper=keeper,
            identity=identity,
            attempt=attempt,
            observe=all_of(ProgressLog(self.log, final=final), Metrics(identity), self._lineage, early),
        )
        result = self._stopping.run(transfer, self.log, self.execution_timeout)
        self._lineage.collect(self.log)
        describe_outlets(context, self.outlets, result)
        return result.as_dict()

    def plan(self, context: Context | None = None) -> LoadPlan:
        """
        Return what an attempt would do that began now, and all problems that would end it; nothing is changed.

        :param context: of a task instance, whose templates are rendered; by default the first attempt of a new run
        """
        from airflow_checkpoint_provider.operators.planning import plan_of

        return plan_of(self, context)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any] | None:
        """
        Describe the tables read and written, for OpenLineage; also after a failure.

        :param task_instance: the attempt; not used
        """
        return self._lineage.facets() if self._lineage else None

    def on_kill(self) -> None:
        """End the transfer now; committed rows stay, and the checkpoint records that it was stopped."""
        self._stopping.stop()
