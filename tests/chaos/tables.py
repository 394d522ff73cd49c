"""The tables of the campaign: made, emptied, and compared by digest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.chaos.cases import Case

_COLUMNS = (
    "id bigint {key}, region {region}, at timestamptz, amount numeric(12, 2), note text, raw bytea, flag bool"
)
# 64 bits of every row: the sum does not depend on the order, and sees a row that is there twice.
_DIGEST = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 7)::numeric), 0) FROM {} t"


@dataclass(frozen=True)
class Difference:
    """How many rows of the source are missing in the destination, and how many are there that should not be."""

    lost: int = 0
    doubled: int = 0


class Tables:
    """
    One table of orders in the source, and the table that is loaded.

    :param rows: of the source
    """

    def __init__(self, source: str, destination: str, rows: int) -> None:
        self._source, self._destination = source, destination
        self.rows = rows
        self._run(source, "DROP TABLE IF EXISTS orders", f"CREATE TABLE orders ({_columns(key=True)})")
        # Many orders of a region come at the same time, so that batches have to be cut between ties.
        self._run(
            source,
            "INSERT INTO orders SELECT n, n % 7, timestamptz '2026-01-01' + n / 50 * interval '1 second', "
            "nullif(n % 11, 0) * 1.25, 'Größe ' || n || repeat(E'\\t\\\\n\\n', n % 3), "
            f"decode(md5(n::text), 'hex'), n % 2 = 0 FROM generate_series(1, {rows}) n",
            "CREATE INDEX ON orders (region, at)",
            "ANALYZE orders",
        )
        self._expected = self._rows(source, _DIGEST.format("orders"))

    def reset(self, case: Case) -> None:
        """Make the destination as a load of this kind finds it."""
        columns = _columns(key=case.mode == "upsert", region="bigint" if case.path == "text" else "int")
        self._run(self._destination, "DROP TABLE IF EXISTS target", f"CREATE TABLE target ({columns})")
        stale = (
            f"INSERT INTO target (id, note) SELECT n, 'stale' FROM generate_series({{}}, {self.rows // 2}) n"
        )
        if case.mode == "upsert":
            self._run(self._destination, stale.format(1))
        if case.mode == "replace":
            self._run(self._destination, stale.format(-9))

    def compare(self) -> Difference:
        """Compare the tables, row by row only where their digests differ."""
        if self._rows(self._destination, _DIGEST.format("target")) == self._expected:
            return Difference()
        wanted = Counter(self._rows(self._source, "SELECT t::text FROM orders t"))
        found = Counter(self._rows(self._destination, "SELECT t::text FROM target t"))
        return Difference((wanted - found).total(), (found - wanted).total())

    def disagreement(self, case: Case, run_id: str) -> str | None:
        """Say how the rows that are there contradict the checkpoint, both seen in one snapshot."""
        try:
            found = self._rows(
                self._destination,
                "SELECT rows_written, restarting, (SELECT count(*) FROM target), "
                "(SELECT count(*) FROM target WHERE note = 'stale') "
                f"FROM airflow_checkpoint WHERE run_id = '{run_id}'",
            )
        except psycopg.errors.UndefinedTable:
            return None
        if not found or found[0][1]:  # nothing has been emptied or written yet
            return None
        written, _, there, stale = found[0]
        if case.mode == "replace" and stale:
            return f"{stale} rows are left that replace has deleted"
        kept = there - stale
        return None if kept == written else f"the checkpoint says {written} rows, and {kept} are there"

    def history(self, run_id: str) -> Counter[str]:
        """Count the events of a load by their kind; ``saved`` are rows that no resumed attempt had to copy again."""
        found = self._rows(
            self._destination,
            "SELECT kind, count(*), sum(rows_written) FROM airflow_checkpoint_event "
            f"WHERE run_id = '{run_id}' GROUP BY kind",
        )
        counted = Counter({str(kind): int(number) for kind, number, _ in found})
        counted["saved"] = sum(int(rows or 0) for kind, _, rows in found if kind == "resumed")
        return counted

    def _run(self, dsn: str, *statements: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _rows(self, dsn: str, query: str) -> Sequence[Any]:
        with psycopg.connect(dsn, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()


def _columns(*, key: bool, region: str = "int") -> str:
    return _COLUMNS.format(key="PRIMARY KEY" if key else "", region=region)
