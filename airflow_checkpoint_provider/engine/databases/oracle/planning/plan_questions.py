"""What a plan of a load asks Oracle's dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import raw_connection
from airflow_checkpoint_provider.engine.databases.oracle.dictionary import (
    SCHEMA,
    heap_table,
    meant_table,
    rows_of,
)
from airflow_checkpoint_provider.engine.databases.planning.plan_facts import (
    CREATE,
    SORTED,
    Amount,
    KeyAccess,
    KeyStatistics,
)
from airflow_checkpoint_provider.engine.databases.planning.plan_questions import PlanQuestions
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.table_facts import DELETE, INSERT, READ, UPDATE

INDEXES = (
    "SELECT c.index_name, c.column_name FROM all_ind_columns c"
    " JOIN all_indexes i ON i.owner = c.index_owner AND i.index_name = c.index_name"
    " WHERE c.table_owner = :1 AND c.table_name = :2 AND i.status = 'VALID' AND i.index_type = 'NORMAL'"
    " ORDER BY c.index_owner, c.index_name, c.column_position"
)
DISTINCT = (
    "SELECT s.column_name, s.num_distinct, s.num_nulls FROM all_tab_col_statistics s"
    " WHERE s.owner = :1 AND s.table_name = :2"
)
USER = "SELECT SYS_CONTEXT('USERENV', 'SESSION_USER') FROM dual"
PRIVILEGES = "SELECT privilege FROM session_privs"


class OraclePlanQuestions(PlanQuestions):
    """Answers of the dictionary; EXPLAIN PLAN writes its answer into a table, and is not asked."""

    def rights(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> Mapping[str, bool]:
        raw = raw_connection(connection)
        if meant_table(raw, schema, table)[0] == _one(raw, USER):
            return dict.fromkeys((READ, INSERT, UPDATE, DELETE), True)
        return {}

    def rights_to_create(self, connection: sa.Connection, schema: str | None) -> Mapping[str, bool]:
        raw = raw_connection(connection)
        owner = schema or _one(raw, SCHEMA)
        needed = "CREATE TABLE" if owner == _one(raw, USER) else "CREATE ANY TABLE"
        with closing(raw.cursor()) as cursor:
            cursor.execute(PRIVILEGES)
            return {CREATE: any(name in (needed, "CREATE ANY TABLE") for (name,) in cursor.fetchall())}

    def key_access(self, source: Any, columns: Sequence[str], table: TableName | None) -> KeyAccess | None:
        if table is None:
            return None
        schema, name = table.in_catalog(source.connection.dialect)
        found = rows_of(source.raw, INDEXES, schema, name)
        for index, rows in groupby(found, lambda row: str(row[0])):
            if [str(row[1]) for row in rows][: len(columns)] == list(columns):
                return KeyAccess(True, index)
        kind = rows_of(source.raw, _IS_TABLE, schema, name)
        return SORTED if kind else None

    def key_statistics(self, source: Any, columns: Sequence[str], table: TableName) -> KeyStatistics | None:
        if len(columns) > 1:  # the statistics are those of one column
            return None
        schema, name = table.in_catalog(source.connection.dialect)
        known = heap_table(source.raw, schema, name)
        if known is None or known[0] is None:
            return None
        for column, distinct, nulls in rows_of(source.raw, DISTINCT, schema, name):
            if column == columns[0]:
                return KeyStatistics.of(known[0] - (nulls or 0), distinct)
        return None

    def amount(self, source: Any, table: TableName | None) -> Amount | None:
        if table is None:
            return None
        schema, name = table.in_catalog(source.connection.dialect)
        known = heap_table(source.raw, schema, name)
        if known is None or known[0] is None:
            return None
        return Amount(float(known[0]), None, "the server's statistics of the table")


_IS_TABLE = "SELECT 1 FROM all_tables WHERE owner = :1 AND table_name = :2"


def _one(raw: Any, query: str) -> str:
    with closing(raw.cursor()) as cursor:
        cursor.execute(query)
        return str(cursor.fetchone()[0])
