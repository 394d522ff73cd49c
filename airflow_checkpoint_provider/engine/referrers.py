"""Tables whose rows go, or lose their reference, when rows of another table are deleted."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.identifiers import TableName

# Of partitioned tables, each partition has the constraint once more.
_POSTGRES = (
    "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd')"
    " AND confrelid = to_regclass(:quoted) AND conrelid <> confrelid AND conparentid = 0 ORDER BY 1"
)
_MYSQL = (
    "SELECT DISTINCT k.table_name AS name FROM information_schema.key_column_usage k"
    " JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema"
    " AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name"
    " WHERE k.referenced_table_schema = :schema AND k.referenced_table_name = :name"
    " AND r.delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT') AND k.table_name <> :name ORDER BY 1"
)
_QUERIES = {"postgresql": _POSTGRES, "mysql": _MYSQL}


def changed_with(connection: sa.Connection, table: TableName) -> list[str]:
    """
    Name the tables with a foreign key ON DELETE CASCADE, SET NULL or SET DEFAULT to a table.

    :param table: as the catalog has it
    :return: none in databases that are not asked
    """
    query = _QUERIES.get(connection.dialect.name)
    if query is None:
        return []
    wanted = {
        "quoted": table.quote(connection.dialect),
        "schema": table.schema or connection.dialect.default_schema_name,
        "name": table.table,
    }
    named = {name: value for name, value in wanted.items() if f":{name}" in query}
    with reading(connection):
        return [str(name) for name in connection.execute(sa.text(query), named).scalars()]
