"""The two databases of a plan, and that of the metadata table: version, table and rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.planning.plan_facts import CREATE
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.table_facts import INSERT, READ, UPDATE
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.planning.load_plan import End, Problem
from airflow_checkpoint_provider.engine.transfer.planning.opening import Databases, Ends
from airflow_checkpoint_provider.engine.transfer.planning.problems import Problems

_OF_CHECKPOINT = (READ, INSERT, UPDATE)
_OF_HISTORY = (READ, INSERT)


def describe_ends(
    spec: TransferSpec, databases: Databases, ends: Ends, problems: Problems
) -> tuple[End, End, End | None]:
    """Return source, destination, and the database of the metadata table where a checkpoint is kept."""
    from_, to, elsewhere = databases
    source = _end(from_, ends.reader, spec.source_table, problems)
    destination = _end(to, ends.writer, spec.destination_table, problems)
    kept = None
    if spec.keeps_checkpoint:
        kept = _end(elsewhere or to, ends.keeper, spec.checkpoint_table, problems)
        if ends.keeper:
            _refuse_rights(ends.keeper, spec, kept, problems)
    return source, destination, kept


def refuse_missing_rights(
    ends: Mapping[str, End], creates: Iterable[tuple[str, str]], problems: Problems
) -> None:
    """
    Add a problem for each table that would be created where the role may not.

    :param creates: the end, and the table
    """
    for about, table in creates:
        end = ends.get(about)
        if end and end.rights.get(CREATE) is False:
            text = (
                f"{about}: {table} is to be created in {end.conn_id!r}, and the role may not create tables in its "
                "schema. Grant that right, or have a DBA create it."
            )
            problems.add(Problem(about, text))


def _end(
    database: Database, connection: sa.Connection | None, written: str | None, problems: Problems
) -> End:
    if connection is None:
        return End(database.conn_id, "", written)
    dialect = dialect_of(connection)
    server = problems.quietly(lambda: dialect.plan.server(connection, dialect.title)) or dialect.title
    rights: dict[str, bool] = {}
    name = problems.quietly(lambda: TableName.parse(written, argument="table")) if written else None
    found = problems.quietly(partial(_resolved, connection, name)) if name else None
    if found:
        rights.update(problems.quietly(partial(_rights, connection, found)) or {})
    if name:
        schema = (found or name).in_catalog(connection.dialect)[0]
        rights.update(problems.quietly(lambda: dialect.plan.rights_to_create(connection, schema)) or {})
    return End(database.conn_id, server, str(found or written) if written else None, rights)


def _refuse_rights(keeper: sa.Connection, spec: TransferSpec, kept: End, problems: Problems) -> None:
    """Add a problem for each right to a metadata table that is known to be missing."""
    tables = problems.quietly(lambda: Tables.named(spec.checkpoint_table))
    if tables is None:
        return
    for table, needed in ((tables.checkpoint, _OF_CHECKPOINT), (tables.event, _OF_HISTORY)):
        named = TableName(table.name, table.schema)
        found = problems.quietly(partial(_resolved, keeper, named))
        rights = problems.quietly(partial(_rights, keeper, found)) if found else None
        if lacking := [action for action in needed if (rights or {}).get(action) is False]:
            text = (
                f"The role has no right to {', '.join(lacking)} for the metadata table {table.fullname} in "
                f"{kept.conn_id!r}. GRANT {', '.join(lacking)} ON {table.fullname} to it."
            )
            problems.add(Problem("checkpoint", text))


def _resolved(connection: sa.Connection, name: TableName) -> TableName | None:
    with reading(connection):
        return name.resolve(sa.inspect(connection))


def _rights(connection: sa.Connection, found: TableName) -> Mapping[str, bool]:
    schema, table = found.in_catalog(connection.dialect)
    return dialect_of(connection).plan.rights(connection, table, schema, found.quote(connection.dialect))
