"""What a plan of a load asks MySQL and MariaDB."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
from airflow_checkpoint_provider.engine.databases.mysql.drivers import is_mariadb, text_of
from airflow_checkpoint_provider.engine.databases.mysql.planning.grants import held_rights
from airflow_checkpoint_provider.engine.databases.mysql.table_facts import in_full
from airflow_checkpoint_provider.engine.databases.planning.plan_facts import (
    CREATE,
    SORTED,
    Amount,
    KeyAccess,
    KeyStatistics,
)
from airflow_checkpoint_provider.engine.databases.planning.plan_questions import PlanQuestions
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.table_facts import DELETE, INSERT, READ, TEMPORARY, UPDATE

_SIZE = sa.text(
    "SELECT table_rows, avg_row_length FROM information_schema.tables"
    " WHERE table_schema = :schema AND table_name = :name"
)
_DISTINCT = sa.text(
    "SELECT index_name, column_name, cardinality, sub_part FROM information_schema.statistics"
    " WHERE table_schema = :schema AND table_name = :name ORDER BY index_name, seq_in_index"
)
_INDEX = re.compile(r'"key": "([^"]+)"')
_WORDS = {CREATE: "CREATE", TEMPORARY: "CREATE TEMPORARY TABLES"}


class MysqlPlanQuestions(PlanQuestions):
    """Answers of the grants, of the statistics and of EXPLAIN."""

    def server(self, connection: sa.Connection, title: str) -> str:
        return super().server(connection, "MariaDB" if is_mariadb(connection) else title)

    def refuse_writes(self, connection: sa.Connection, *, explains: bool) -> None:
        if not explains:  # in such a transaction, EXPLAIN of an INSERT is refused as well
            connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
            connection.commit()

    def rights(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> Mapping[str, bool]:
        return _rights(connection, in_full(connection, table, schema), (READ, INSERT, UPDATE, DELETE))

    def rights_to_create(self, connection: sa.Connection, schema: str | None) -> Mapping[str, bool]:
        return _rights(connection, in_full(connection, "", schema), (CREATE, TEMPORARY))

    def key_access(self, source: Any, columns: Sequence[str], table: TableName | None) -> KeyAccess | None:
        # The first row alone: an index is then chosen wherever one has the order.
        order = ", ".join(map(source.quote, columns))
        text, values = source.first("*", source.key_condition(columns), order)
        found = source.one((f"EXPLAIN FORMAT=JSON {text}", values))
        plan = text_of(found[0]) if found else ""
        if re.search(r'"filesort"|"using_filesort": true', plan):
            return SORTED
        indexes = ", ".join(dict.fromkeys(_INDEX.findall(plan)))
        return KeyAccess(True, indexes) if indexes else None

    def key_statistics(self, source: Any, columns: Sequence[str], table: TableName) -> KeyStatistics | None:
        found = _of_table(source.connection, _SIZE, table)
        rows = found[0][0] if found else None
        indexes = groupby(_of_table(source.connection, _DISTINCT, table), lambda row: text_of(row[0]))
        for _, parts in indexes:
            first = list(parts)[: len(columns)]
            is_whole = all(row[3] is None for row in first)
            if is_whole and {text_of(row[1]) for row in first} == set(columns):
                known = KeyStatistics.of(rows, first[-1][2])
                # InnoDB halves the number, so that the optimizer prefers its indexes.
                return KeyStatistics(2 * known.rows_per_key) if known and known.rows_per_key > 1 else known
        return None

    def amount(self, source: Any, table: TableName | None) -> Amount | None:
        if table is None:
            return None
        found = next(iter(_of_table(source.connection, _SIZE, table)), None)
        if not found or found[0] is None:
            return None
        rows = float(found[0])
        return Amount(rows, rows * float(found[1] or 0) or None, "the server's statistics of the table")


def _of_table(connection: sa.Connection, question: sa.TextClause, table: TableName) -> Sequence[Any]:
    schema, name = table.in_catalog(connection.dialect)
    with reading(connection):
        named = in_full(connection, name, schema)
        return connection.execute(question, {"schema": named[0], "name": named[1]}).all()


def _rights(connection: sa.Connection, named: tuple[str, str], wanted: Iterable[str]) -> dict[str, bool]:
    with reading(connection):
        grants = [text_of(grant) for grant in connection.exec_driver_sql("SHOW GRANTS").scalars()]
        if is_mariadb(connection):
            with suppress(sa.exc.DBAPIError):  # before 10.11 there are none to all users
                found = connection.exec_driver_sql("SHOW GRANTS FOR PUBLIC").scalars()
                grants += [text_of(grant) for grant in found]
    return held_rights(grants, named, {action: _WORDS.get(action, action) for action in wanted})
