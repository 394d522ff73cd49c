"""The tables of the campaign: created, emptied, and compared by digest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from airflow_checkpoint_provider.engine.transfer.staging.stage import MARK
from tests.chaos.cases import Case

_COLUMNS = (
    "id bigint {key}, region {region}, at timestamptz, amount numeric(12, 2), note text, raw bytea, flag bool"
)
_GOOD = "id % 1000 NOT IN (0, 1)"  # so that bad rows end a batch, and begin the next one
_ALL_ROWS = "orders"
_GOOD_ROWS = f"(SELECT * FROM orders WHERE {_GOOD})"
_BAD_ROWS = f"(SELECT * FROM orders WHERE NOT {_GOOD})"
_PUT_ASIDE = (
    "(SELECT (json_populate_record(NULL::target, row_data::json)).* FROM airflow_checkpoint_reject "
    "WHERE run_id = '{}')"
)
# 64 bits of every row: the sum does not depend on the order, and differs where a row is doubled.
DIGEST = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 7)::numeric), 0) FROM {} t"
STAGES = f"SELECT relname FROM pg_class WHERE relkind = 'r' AND strpos(relname, '{MARK}') > 0"

See = Callable[..., Sequence[Any]]


@dataclass(frozen=True)
class Difference:
    """The numbers of missing and of surplus rows in the destination."""

    lost: int = 0
    doubled: int = 0


class Tables:
    """
    One table of orders in the source, and the loaded table.

    :param rows: the number of rows of the source
    """

    def __init__(self, source: str, destination: str, rows: int) -> None:
        self._source, self._destination = source, destination
        self.rows = rows
        self.old: Any = None
        self._run(source, "DROP TABLE IF EXISTS orders", f"CREATE TABLE orders ({_columns(key=True)})")
        # Many orders of a region have the same time, so that batch boundaries fall between ties.
        self._run(
            source,
            "INSERT INTO orders SELECT n, n % 7, timestamptz '2026-01-01' + n / 50 * interval '1 second', "
            "nullif(n % 11, 0) * 1.25, 'Größe ' || n || repeat(E'\\t\\\\n\\n', n % 3), "
            f"decode(md5(n::text), 'hex'), n % 2 = 0 FROM generate_series(1, {rows}) n",
            "CREATE INDEX ON orders (region, at)",
            "ANALYZE orders",
        )
        self._digests = {
            rows: self._rows(source, DIGEST.format(rows)) for rows in (_ALL_ROWS, _GOOD_ROWS, _BAD_ROWS)
        }

    @property
    def new(self) -> Any:
        """The digest of the source."""
        return self._digests[_ALL_ROWS]

    def reset(self, case: Case) -> None:
        """Prepare the destination for a load of this kind."""
        columns = _columns(
            key=case.mode == "upsert", region="double precision" if case.path == "text" else "int"
        )
        check = f", CHECK ({_GOOD})" if case.rejects else ""
        self._run(self._destination, "DROP TABLE IF EXISTS target", f"CREATE TABLE target ({columns}{check})")
        if case.mode != "append":
            first = 1 if case.mode == "upsert" else -9
            self._run(
                self._destination,
                f"INSERT INTO target (id, note) SELECT id, 'stale' FROM generate_series({first}, {self.rows // 2}) id "
                f"WHERE {_GOOD}",
            )
        self.old = self._rows(self._destination, DIGEST.format("target"))

    def compare(self, case: Case, run_id: str) -> Difference:
        """Compare the tables and the rejects, row by row only where the digests differ."""
        pairs = [(_ALL_ROWS, "target")]
        if case.rejects:
            pairs = [(_GOOD_ROWS, "target"), (_BAD_ROWS, _PUT_ASIDE.format(run_id))]
        lost = doubled = 0
        for source, destination in pairs:
            if self._rows(self._destination, DIGEST.format(destination)) == self._digests[source]:
                continue
            wanted = Counter(self._rows(self._source, f"SELECT t::text FROM {source} t"))
            found = Counter(self._rows(self._destination, f"SELECT t::text FROM {destination} t"))
            lost += (wanted - found).total()
            doubled += (found - wanted).total()
        return Difference(lost, doubled)

    def stages(self) -> list[str]:
        """Return the names of the stages."""
        return [str(name) for (name,) in self._rows(self._destination, STAGES)]

    def rows_up_to(self, columns: Sequence[str], key: Sequence[Any]) -> int:
        """Count the rows of the source up to the position ``key``."""
        names, values = ", ".join(columns), ", ".join(["%s"] * len(key))
        ((rows,),) = self._rows(
            self._source, f"SELECT count(*) FROM orders WHERE ({names}) <= ({values})", *key
        )
        return int(rows)

    @contextmanager
    def snapshot(self) -> Iterator[See]:
        """Run several queries on one snapshot of the destination."""
        with psycopg.connect(self._destination) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield lambda query, *values: connection.execute(query.encode(), values).fetchall()

    def history(self, case: Case, run_id: str) -> Counter[str]:
        """
        Count the history entries of a load by kind, and add up their figures.

        ``saved`` are rows not copied again by resumed attempts, ``swaps`` attempts with nothing left but the swap, and
        ``rejected`` the rejected rows.
        """
        found = self._rows(
            self._destination,
            "SELECT kind, count(*), sum(rows_written), count(*) FILTER (WHERE rows_written = %s) "
            "FROM airflow_checkpoint_event WHERE run_id = %s GROUP BY kind",
            self.rows,
            run_id,
        )
        counted = Counter({str(kind): int(number) for kind, number, _, _ in found})
        counted["saved"] = sum(int(rows or 0) for kind, _, rows, _ in found if kind == "resumed")
        if case.stages:
            counted["swaps"] = sum(whole for kind, _, _, whole in found if kind == "resumed")
        if case.rejects:
            counted["rejected"] = len(
                self._rows(self._destination, f"SELECT 1 FROM {_PUT_ASIDE.format(run_id)}")
            )
        return counted

    def _run(self, dsn: str, *statements: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _rows(self, dsn: str, query: str, *values: Any) -> Sequence[Any]:
        with psycopg.connect(dsn, autocommit=True) as connection:
            return connection.execute(query.encode(), values or None).fetchall()


def _columns(*, key: bool, region: str = "int") -> str:
    return _COLUMNS.format(key="PRIMARY KEY" if key else "", region=region)
