"""What can be known before the first row: the strategy, the columns, the fingerprint, the guarantee."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from operator import itemgetter

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.batches import Row
from airflow_checkpoint_provider.engine.errors import ArgumentError
from airflow_checkpoint_provider.engine.events import GuaranteeStated, StrategyChosen, TablesMatched
from airflow_checkpoint_provider.engine.names import TableName, match_column
from airflow_checkpoint_provider.engine.probe import rolls_back
from airflow_checkpoint_provider.engine.referrers import changed_with
from airflow_checkpoint_provider.engine.schema import Tables
from airflow_checkpoint_provider.engine.session import Session
from airflow_checkpoint_provider.engine.spec import TransferSpec
from airflow_checkpoint_provider.engine.store import Load
from airflow_checkpoint_provider.engine.strategy import CountStrategy, KeyStrategy, Strategy

EXACTLY_ONCE = "exactly-once"
AT_LEAST_ONCE = "at-least-once"


def choose_strategy(spec: TransferSpec, session: Session) -> tuple[Strategy, StrategyChosen]:
    """Choose how to read, and say why."""
    source = session.source
    if not spec.keeps_checkpoint:
        reason = "checkpoint_enabled is False" if not spec.checkpoint_enabled else "as the task says"
        chosen = StrategyChosen("none", f"{reason}; no checkpoint is kept, every attempt starts over")
        return CountStrategy(source, spec.batch_size, proof=None), chosen
    key, reason = list(spec.key), "by checkpoint_column"
    part = spec.part
    if not key and spec.strategy == "auto" and spec.source_table:
        table = TableName.parse(spec.source_table, argument="source_table")
        key, reason = source.primary_key(table), "the primary key of the source table"
    if key and spec.strategy in ("auto", "key"):
        columns = source.find_columns(key, "checkpoint_column")
        if part:
            part = replace(part, column=source.find_columns([part.column], "partition")[0])
            reason += f", part {part.index + 1} of {part.of}"
        strategy = KeyStrategy(source, columns, spec.batch_size, spec.on_null_key, part)
        return strategy, StrategyChosen("key", f"by {', '.join(columns)}, {reason}")
    if part:
        raise ArgumentError(
            "partition: a part is read by key, and there is neither a checkpoint_column nor a primary key of "
            "source_table to go by."
        )
    if spec.scope == "task":
        raise ArgumentError(
            "checkpoint_column: scope='task' keeps a high-water mark of a key, and there is neither a "
            "checkpoint_column nor a primary key of source_table to take it from."
        )
    why = (
        "as the task says"
        if spec.strategy == "python"
        else "there is no checkpoint_column and no primary key"
    )
    warning = None
    if not source.query.ordered:
        warning = (
            "The query has no ORDER BY at its outermost level: the database may return its rows in another "
            "order next time, and an attempt that counts and skips rows would then be refused by its proof, or "
            "miss rows. Add an ORDER BY, or give a checkpoint_column."
        )
    chosen = StrategyChosen("python", f"rows are counted and skipped, {why}", warning)
    return CountStrategy(source, spec.batch_size, proof=spec.resume_proof), chosen


def state_guarantee(spec: TransferSpec, session: Session, *, is_there: bool = True) -> GuaranteeStated:
    """
    Say what is guaranteed, and why.

    :param is_there: the destination's table is the one that will be written, and not yet to be made
    :raises ArgumentError: when that is less than the spec asks for
    """
    if spec.stages and is_there:
        _refuse_swap(spec, session)
    if not spec.keeps_checkpoint:
        return GuaranteeStated(
            AT_LEAST_ONCE, "no checkpoint is kept, so an attempt that is repeated loads again"
        )
    if session.separate:
        return GuaranteeStated(
            AT_LEAST_ONCE,
            "the checkpoint is kept in another database than the rows, so a crash between the two commits "
            "writes a batch again",
        )
    rejecting = spec.on_bad_row == "reject"
    tables = Tables.named(spec.checkpoint_table)
    if reason := _why_unsafe(session, tables, is_there=is_there, rejecting=rejecting):
        if rejecting:
            raise ArgumentError(
                f"on_bad_row: {reason}. So a refused batch cannot be taken back and written again without its bad "
                "rows; use on_bad_row='fail'."
            )
        if spec.write_mode != "upsert" and not spec.allow_duplicates:
            raise ArgumentError(
                f"destination_table: {reason}. So delivery is at-least-once, and write_mode={spec.write_mode!r} may "
                "write a batch twice. Use 'upsert', or accept it with allow_duplicates=True."
            )
        return GuaranteeStated(AT_LEAST_ONCE, reason)
    return GuaranteeStated(
        EXACTLY_ONCE, "each batch and its checkpoint commit in one transaction of the destination"
    )


def _refuse_swap(spec: TransferSpec, session: Session) -> None:
    """Publishing is one transaction that changes one table, or it is nothing: no argument makes up for that."""
    destination = session.destination
    reason = destination.why_unsafe([destination.table])
    if not reason and not destination.transactional:
        if spec.keeps_checkpoint and not session.separate:
            reason = _why_unsafe(session, Tables.named(spec.checkpoint_table), is_there=True, rejecting=False)
        else:
            reason = (
                f"it is not known whether connection {destination.conn_id!r} takes back what is rolled back, which is "
                "tried out on a checkpoint that is kept there"
            )
    if referring := changed_with(destination.connection, destination.table):
        raise ArgumentError(
            f"write_mode: 'replace_atomic' deletes all rows of {destination.table} before it inserts others, which "
            f"would change {', '.join(referring)}, by a foreign key ON DELETE CASCADE or SET NULL. Use 'upsert', or "
            "make it a foreign key without such an action."
        )
    if reason:
        raise ArgumentError(
            f"write_mode: 'replace_atomic' swaps all rows in one transaction of the destination, but {reason}. Use "
            "'replace', or 'upsert'."
        )


def _why_unsafe(session: Session, tables: Tables, *, is_there: bool, rejecting: bool) -> str | None:
    destination = session.destination
    metadata = [tables.checkpoint, *([tables.reject] if rejecting else [])]
    written = [TableName(table.name, table.schema) for table in metadata]
    reason = destination.why_unsafe([destination.table, *written] if is_there else written)
    if reason or destination.transactional or rolls_back(destination.connection, tables):
        return reason
    return (
        f"Connection {destination.conn_id!r} keeps what a transaction has rolled back, as a row of the metadata table "
        "has shown (autocommit may be on)"
    )


@dataclass(frozen=True)
class Columns:
    """
    From what the query returns to what is written.

    :param read: columns of the query whose values are written
    :param written: destination columns, one for each
    :param pick: takes the values to write out of a row, or ``None`` where the row is written whole
    """

    read: list[str]
    written: list[str]
    pick: Callable[[Row], Row] | None = None

    @classmethod
    def of(cls, spec: TransferSpec, session: Session) -> Columns:
        source = session.source
        wanted = spec.destination_columns
        if wanted is None:
            return cls(source.columns, list(source.columns))
        if not isinstance(wanted, Mapping):
            if not spec.rows_processor and len(wanted) != len(source.columns):
                raise source.wrong_width(list(wanted))
            return cls(source.columns, list(wanted))
        found = source.find_columns(list(wanted), "destination_columns")
        indexes = [source.columns.index(name) for name in found]
        if indexes == list(range(len(source.columns))):
            return cls(found, list(wanted.values()))
        if len(indexes) == 1:
            only = indexes[0]
            return cls(found, list(wanted.values()), lambda row: (row[only],))
        return cls(found, list(wanted.values()), itemgetter(*indexes))

    def written_as(self, column: str) -> str:
        """
        Return the destination column that holds a column of the query.

        :raises ArgumentError: when it is not written
        """
        pairs = (
            dict(zip(self.read, self.written, strict=False)) if len(self.read) == len(self.written) else {}
        )
        found = match_column(column, list(pairs))
        if found is None:
            raise ArgumentError(
                f"partition: write_mode='replace' deletes the rows of the part by {column}, which is not among the "
                f"columns that are written ({', '.join(self.written)}). Write it, or use 'upsert'."
            )
        return pairs[found]


def match_tables(spec: TransferSpec, session: Session, columns: Columns) -> TablesMatched:
    """Say what is read and what is written."""
    source, destination = session.source, session.destination
    table = TableName.parse(spec.source_table, argument="source_table") if spec.source_table else None
    return TablesMatched(
        source_table=in_schema(table, source.connection) if table else None,
        source_schema=default_schema(source.connection),
        query=source.query.text,
        read=tuple(columns.read),
        destination_table=in_schema(destination.table, destination.connection),
        # As the table spells them, where it has been looked at.
        written=tuple(destination.columns or columns.written),
    )


def in_schema(table: TableName, connection: sa.Connection) -> str:
    """Name a table with the schema that it is in when none is given, where the database has schemas."""
    dialect = connection.dialect
    if dialect.name == "sqlite":
        return str(table)
    schema, name = table.in_catalog(dialect)
    schema = schema or default_schema(connection)
    return f"{schema}.{name}" if schema else name


def default_schema(connection: sa.Connection) -> str | None:
    """Return the schema of tables that are named without one, as the catalog spells it."""
    schema = connection.dialect.default_schema_name
    return TableName("", schema).in_catalog(connection.dialect)[0] if schema else None


def describe_load(spec: TransferSpec, session: Session, strategy: Strategy, columns: Columns) -> Load:
    """Write down what a later attempt must find unchanged to go on."""
    source, destination = session.source, session.destination
    parameters = (
        sha256(repr(spec.parameters).encode(errors="backslashreplace")).hexdigest()[:16]
        if spec.parameters
        else ""
    )
    return Load(
        strategy=strategy.name,
        key_columns=tuple(strategy.columns),
        fingerprint={
            "query": source.query.text,
            # Only a digest: a parameter may be a secret.
            "parameters": parameters,
            "source": source.conn_id,
            "destination": destination.conn_id,
            "table": str(destination.table),
            "columns": f"{', '.join(source.columns)} into {', '.join(columns.written)}",
            "strategy": strategy.name,
            "key": ", ".join(strategy.columns),
            # What is staged is lost to an attempt that writes elsewhere.
            **({"stage": "a table next to the destination"} if spec.stages else {}),
            **({"partition": spec.part.as_text()} if spec.part else {}),
        },
        source_conn_id=source.conn_id,
        destination_conn_id=destination.conn_id,
        destination_table=str(destination.table),
    )
