"""What a plan of a load asks Postgres."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import reading
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

_RIGHTS = sa.text(
    "SELECT has_any_column_privilege(t, 'SELECT'), has_any_column_privilege(t, 'INSERT'),"
    " has_any_column_privilege(t, 'UPDATE'), has_table_privilege(t, 'DELETE')"
    " FROM (SELECT to_regclass(:quoted)::oid AS t) one WHERE t IS NOT NULL"
)
_TO_CREATE = sa.text(
    "SELECT has_schema_privilege(n.oid, 'CREATE'), has_database_privilege(current_database(), 'TEMPORARY')"
    " FROM pg_namespace n WHERE n.nspname = COALESCE(:schema, current_schema())"
)
_KEYS = (
    "SELECT c.reltuples, s.null_frac, s.n_distinct, s.most_common_freqs[1] FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stats s ON s.schemaname = n.nspname"
    " AND s.tablename = c.relname AND s.attname = %s AND s.inherited = (c.relkind = 'p')"
    " WHERE c.oid = %s::regclass AND (c.relkind = 'p' OR NOT c.relhassubclass)"
)
# A sort, or a read of the whole table, is then planned only where there is no other way.
_NO_OTHER_WAY = ("enable_sort", "enable_seqscan", "enable_bitmapscan")


class PostgresPlanQuestions(PlanQuestions):
    """Answers of the catalog and of EXPLAIN."""

    def refuse_writes(self, connection: sa.Connection, *, explains: bool) -> None:
        connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        connection.commit()

    def rights(
        self, connection: sa.Connection, table: str, schema: str | None, quoted: str
    ) -> Mapping[str, bool]:
        with reading(connection):
            found = connection.execute(_RIGHTS, {"quoted": quoted}).first()
        return dict(zip((READ, INSERT, UPDATE, DELETE), found, strict=True)) if found else {}

    def rights_to_create(self, connection: sa.Connection, schema: str | None) -> Mapping[str, bool]:
        with reading(connection):
            found = connection.execute(_TO_CREATE, {"schema": schema}).first()
        return dict(zip((CREATE, TEMPORARY), found, strict=True)) if found else {}

    def key_access(self, source: Any, columns: Sequence[str], table: TableName | None) -> KeyAccess | None:
        for setting in _NO_OTHER_WAY:
            source.run(f"SET LOCAL {setting} = off")
        try:
            plan = _explain(source, in_order(source, columns))
        finally:
            for setting in _NO_OTHER_WAY:
                source.run(f"RESET {setting}")
        nodes = list(_nodes(plan))
        indexes = ", ".join(str(node["Index Name"]) for node in nodes if "Index Name" in node)
        kinds = {node["Node Type"] for node in nodes}
        if "Sort" in kinds:
            return SORTED
        if "Incremental Sort" in kinds:
            return KeyAccess(True, f"the first columns are in the order of {indexes}, and the others sorted")
        return KeyAccess(True, indexes) if indexes else None

    def key_statistics(self, source: Any, columns: Sequence[str], table: TableName) -> KeyStatistics | None:
        if len(columns) > 1:  # the statistics are those of one column
            return None
        quoted = table.quote(source.connection.dialect)
        found = source.one((_KEYS, [columns[0], quoted]))
        if not found or found[0] < 0 or found[1] is None:
            return None
        rows, nulls, distinct, most = found
        if distinct < 0:  # a share of the rows, which grows with them
            distinct = -distinct * rows
        return KeyStatistics.of(rows * (1 - nulls), distinct, most * rows if most else None)

    def amount(self, source: Any, table: TableName | None) -> Amount | None:
        plan = _explain(source, source.whole())
        rows = float(plan["Plan Rows"])
        return Amount(rows, rows * float(plan["Plan Width"]), "the estimate of the server's planner")


def _explain(source: Any, statement: tuple[str, Any]) -> Mapping[str, Any]:
    text, values = statement
    (found,) = source.one((f"EXPLAIN (FORMAT JSON) {text}", values))
    plan: Mapping[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
