"""What a plan of a load asks SQLite."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.planning.plan_facts import (
    CREATE,
    SORTED,
    Amount,
    KeyAccess,
    KeyStatistics,
)
from airflow_checkpoint_provider.engine.databases.planning.plan_questions import PlanQuestions, in_order
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.table_facts import DELETE, INSERT, READ, TEMPORARY, UPDATE

_INDEX = re.compile(r"USING (?:COVERING )?(?:INDEX (\S+)|(INTEGER PRIMARY KEY|PRIMARY KEY))")
_STATISTICS = "SELECT MAX(CAST(stat AS INTEGER)) FROM sqlite_stat1 WHERE tbl = ? COLLATE NOCASE"
_OF_INDEXES = "SELECT idx, stat FROM sqlite_stat1 WHERE tbl = ? COLLATE NOCASE AND idx IS NOT NULL"


class SqlitePlanQuestions(PlanQuestions):
    """Answers of the file and of EXPLAIN QUERY PLAN."""

    def refuse_writes(self, connection: sa.Connection, *, explains: bool) -> None:
        connection.exec_driver_sql("PRAGMA query_only = 1")
        connection.rollback()

    def rights(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> Mapping[str, bool]:
        return dict.fromkeys((READ, INSERT, UPDATE, DELETE), True)  # there are none but those of the file

    def rights_to_create(self, connection: sa.Connection, schema: str | None) -> Mapping[str, bool]:
        return dict.fromkeys((CREATE, TEMPORARY), True)

    def key_access(self, source: Any, columns: Sequence[str], table: TableName | None) -> KeyAccess | None:
        text, values = in_order(source, columns)
        steps = [str(row[3]) for row in source.all((f"EXPLAIN QUERY PLAN {text}", values))]
        if any("USE TEMP B-TREE FOR ORDER BY" in step for step in steps):
            return SORTED
        named = [found[1] or found[2].lower() for step in steps if (found := _INDEX.search(step))]
        # Rows are stored in the order of an INTEGER PRIMARY KEY.
        return KeyAccess(True, ", ".join(named) or "the order in which the rows are stored")

    def key_statistics(self, source: Any, columns: Sequence[str], table: TableName) -> KeyStatistics | None:
        if not _is_analyzed(source):
            return None
        for index, text in source.all((_OF_INDEXES, (table.table,))):
            rows, *per_key = [int(part) for part in str(text).split() if part.isdigit()]
            parts = source.all(("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,)))
            first = [name for (name,) in parts][: len(columns)]
            if set(first) == set(columns) and len(per_key) >= len(columns):
                return KeyStatistics.of(rows, rows / per_key[len(columns) - 1])
        return None

    def amount(self, source: Any, table: TableName | None) -> Amount | None:
        if table is None or not _is_analyzed(source):
            return None
        found = source.one((_STATISTICS, (table.table,)))
        if not found or found[0] is None:
            return None
        return Amount(float(found[0]), None, "the statistics of ANALYZE")


def _is_analyzed(source: Any) -> bool:
    return bool(source.all(("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'", None)))
