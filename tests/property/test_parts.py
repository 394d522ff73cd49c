"""Whatever the keys are, the parts have every row once, and none is much larger than the others."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_checkpoint_provider.engine.databases.registry import open_source
from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.model.key import tie
from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.model.position import BEGINNING
from airflow_checkpoint_provider.engine.transfer.strategies.choose import KeyStrategy
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.partitions import plan

_numbers = count()

# Few values, so that there are ties; one value that most rows may have; and no value.
KEYS: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.one_of(st.none(), st.just(5), st.integers(-3, 12), st.integers(-(2**62), 2**62)),
    "number": st.one_of(st.none(), st.just(Decimal(1)), st.decimals(-99, 99, places=2, allow_nan=False)),
    "date": st.one_of(st.none(), st.just(date(2026, 1, 1)), st.dates(date(1970, 1, 2), date(2030, 1, 1))),
    "time": st.one_of(
        st.none(),
        st.just(datetime(2026, 1, 1)),
        st.datetimes(datetime(1980, 1, 1), datetime(2030, 1, 1)),
    ),
    "text": st.one_of(st.none(), st.just("a"), st.text("aAbBäÄ1 %'", min_size=1, max_size=4)),
}
TYPES = {
    "integer": {"oracle": "number(19)", "": "bigint"},
    "number": {"oracle": "number(20, 2)", "sqlite": "real", "": "numeric(20, 2)"},
    "date": {"sqlite": "text", "": "date"},
    "time": {"sqlite": "text", "mysql": "datetime(6)", "": "timestamp(6)"},
    "text": {"oracle": "varchar2(20)", "": "varchar(20)"},
}


def rows_of(source: Db, table: str, key: list[str], part: Partition) -> list[Any]:
    """The numbers of the rows of a part, as a task reads them."""
    with closing(source.database("src").open()) as connection:
        reader = open_source(connection, Query(f"SELECT * FROM {table}"), "src", exact=True)
        columns = reader.find_columns(key, "checkpoint_column")
        strategy = KeyStrategy(reader, columns, 7, "load", part)
        strategy.check()
        return [row[0] for chunk in strategy.chunks(BEGINNING, strategy.upper_bound()) for row in chunk.rows]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mysql", "oracle"])
@pytest.mark.parametrize("type_", TYPES)
def test_every_row_is_in_one_part(kind: str, type_: str, make_db: MakeDb) -> None:
    source = make_db(kind, "source")
    declared = TYPES[type_].get(kind, TYPES[type_][""])

    @settings(
        max_examples=12,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        st.lists(st.tuples(KEYS[type_], st.one_of(st.none(), st.integers(0, 3))), max_size=60),
        st.integers(1, 9),
        st.sampled_from([["k"], ["k", "second"], ["second"]]),
        st.booleans(),
    )
    def check(keys: list[tuple[Any, int | None]], parts: int, key: list[str], by_column: bool) -> None:
        table = f"t{next(_numbers)}"
        source.execute(f"CREATE TABLE {table} (n integer, k {declared}, second integer)")
        rows = [(n, k, second) for n, (k, second) in enumerate(keys)]
        if kind == "sqlite":
            rows = [(n, _for_sqlite(k), second) for n, k, second in rows]
        source.insert(table, rows)
        how = {"partition_column": "k"} if by_column else {}
        planned = plan(source, parts, source_table=table, checkpoint_column=key, **how).parts
        read = [rows_of(source, table, key, part) for part in planned]
        assert sorted(n for part in read for n in part) == list(range(len(keys)))
        # The rows without a value may be a part of their own, on top of the others.
        assert 1 <= len(planned) <= parts + 1
        split_by = [row[1] if by_column or key[0] == "k" else row[2] for row in rows]
        nulls = split_by.count(None)
        ties = Counter(tie((value,)) for value in split_by if value is not None)
        most = 2 * len(keys) / parts + max(ties.values(), default=0)
        assert max(map(len, read)) <= max(most, nulls)
        source.execute(f"DROP TABLE {table}")

    check()


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, date) else value
