"""How rows travel: packed as Postgres copies them, or as Python values one by one."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.databases.postgres.copy_format import Form
from airflow_checkpoint_provider.engine.databases.postgres.destination import PostgresDestination
from airflow_checkpoint_provider.engine.databases.postgres.passthrough import widened
from airflow_checkpoint_provider.engine.databases.postgres.source import PostgresSource
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.sqlite.destination import FLOAT_DIGITS, SqliteDestination
from airflow_checkpoint_provider.engine.model.events import PathChosen
from airflow_checkpoint_provider.engine.transfer.column_mapping import Columns
from airflow_checkpoint_provider.engine.transfer.session import Session
from airflow_checkpoint_provider.engine.transfer.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.strategies.choose import Strategy


def choose_path(spec: TransferSpec, session: Session, strategy: Strategy, columns: Columns) -> PathChosen:
    """
    Let rows pass through packed where that gives the same result, and say which way they go, and why.

    The destination must be prepared: its columns decide.
    """
    source, destination = session.source, session.destination
    if not isinstance(source, PostgresSource) or not isinstance(destination, PostgresDestination):
        if isinstance(destination, SqliteDestination):
            _read_for_sqlite(spec, source, destination, strategy, columns)
        ends = (source.connection.dialect.name, destination.connection.dialect.name)
        return PathChosen("rows", "from {} to {}".format(*ends))
    if spec.rows_processor:
        return PathChosen("rows", "rows_processor is set")
    if spec.on_bad_row == "reject":
        return PathChosen("rows", "on_bad_row='reject' looks for the bad rows of a batch that is refused")
    if strategy.name == "python" and spec.resume_proof == "prefix":
        return PathChosen("rows", "resume_proof='prefix' looks at every row")
    if missing := [column for column in strategy.columns if column not in columns.read]:
        return PathChosen("rows", f"{', '.join(missing)} is read but not written")
    if unclear := [column for column in strategy.columns if not source.tells_apart(column)]:
        return PathChosen("rows", f"only the server can tell which values of {', '.join(unclear)} are equal")
    pairs = list(zip(columns.read, destination.columns, strict=True))
    differing = [read for read, written in pairs if source.oids[read] != destination.oids[written]]
    # The proof of the python strategy looks at the last row of each batch, whatever the path.
    seen = columns.read if strategy.name == "python" else strategy.columns
    casts = widened(pairs, source.oids, destination.oids, seen)
    binary, reason = False, f"the type of {', '.join(differing)} differs between source and destination"
    if casts is not None:
        unsure = [column for column in columns.read if not source.is_portable(column)]
        binary, reason = not unsure, f"the binary form of {', '.join(unsure)} may differ between servers"
    if binary:
        unread = [column for column in seen if not source.is_exact(column)]
        binary, reason = not unread, f"{', '.join(unread)} can be compared as text only"
    source.pack(Form(binary, tuple(columns.read), casts if binary and casts else {}))
    strategy.read_columns(columns.read)
    if not binary:
        return PathChosen("text COPY", reason)
    wider = f", or a wider one there: {', '.join(differing)}" if differing else ""
    return PathChosen("binary COPY", f"every column has the same type in source and destination{wider}")


def _read_for_sqlite(
    spec: TransferSpec, source: Source, destination: SqliteDestination, strategy: Strategy, columns: Columns
) -> None:
    """Let a server work while SQLite writes, and write out what becomes text unless somebody looks at the values."""
    if not isinstance(source, PostgresSource) or strategy.name != "key":
        return
    source.send_ahead(strategy.columns)
    if not spec.rows_processor:
        pairs = zip(columns.read, destination.columns, strict=True)
        exact = [read for read, written in pairs if destination.keeps_text(written)]
        destination.takes_all = source.read_as_text(strategy.columns, exact, FLOAT_DIGITS)
