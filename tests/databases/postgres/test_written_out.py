"""From Postgres to SQLite: the server writes values as Python would."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_checkpoint_provider.engine.model.errors import SourceError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server

COLUMNS = {
    "short": "numeric(12, 2)",
    "free": "numeric",
    "day": "date",
    "moment": "timestamp",
    "zoned": "timestamptz",
    "clock": "time",
}
ROWS = st.lists(
    st.tuples(
        st.none() | st.decimals("-9999999999", "9999999999", places=2),
        st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-10**20, max_value=10**20),
        st.none() | st.dates(),
        st.none() | st.datetimes(),
        st.none() | st.datetimes(timezones=st.timezones()).filter(lambda at: 1 < at.year < 9999),
        st.none() | st.times(),
    ),
    max_size=5,
)  # fmt: skip
TABLES = ("target", "by_python")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, key=st.sampled_from(["id", "moment"]), numbers=st.sampled_from(["text", ""]))
def test_both_ways_write_the_same(
    make_db: MakeDb, rows: list[tuple[object, ...]], key: str, numbers: str
) -> None:
    source, destination = make_db("postgres", "source"), make_db("sqlite", "destination")
    source.execute("DROP TABLE IF EXISTS t", f"CREATE TABLE t ({columns('id integer', COLUMNS)})")
    source.insert("t", [(number, *row) for number, row in enumerate(rows)])
    destination.execute("DROP TABLE IF EXISTS airflow_checkpoint")
    for table in TABLES:
        destination.execute(
            f"DROP TABLE IF EXISTS {table}",
            f"CREATE TABLE {table} ({columns('id integer', dict.fromkeys(COLUMNS, numbers))}, short2 real)",
        )
        load = Load(
            source,
            destination,
            {"sql": "SELECT *, short AS short2 FROM t", "checkpoint_column": key, "on_null_key": "load",
             "destination_table": table, "checkpoint_table": f"{table}_checkpoint", "batch_size": 2},
        )  # fmt: skip
        destination.execute(f"DROP TABLE IF EXISTS {table}_checkpoint")
        load.attempt(**({"rows_processor": list} if table == "by_python" else {}))
    written, by_python = (
        sorted(destination.rows(f"SELECT *, typeof(short), typeof(short2) FROM {table}")) for table in TABLES
    )
    assert written == by_python
    assert len(written) == len(rows)


def columns(first: str, types: dict[str, str]) -> str:
    return ", ".join([first, *(f"{name} {type_}" for name, type_ in types.items())])


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("timestamp", "infinity"),
        ("timestamp", "0044-03-15 00:00:00 BC"),
        # As long as an ordinary timestamp with microseconds.
        ("timestamp", "0044-03-15 00:00:00.123 BC"),
        ("timestamp", "10000-01-01 00:00:00.12345"),
        ("date", "-infinity"),
        ("date", "10000-01-01"),
    ],
)
def test_what_python_cannot_hold_is_refused(make_db: MakeDb, declared: str, value: str) -> None:
    source, destination = make_db("postgres", "source"), make_db("sqlite", "destination")
    source.execute(
        f"CREATE TABLE t (n integer, v {declared})",
        f"INSERT INTO t VALUES (1, '2026-11-23'), (2, NULL), (3, '{value}')",
    )
    destination.execute("CREATE TABLE target (n, v)")
    load = Load(source, destination, {"source_table": "t", "checkpoint_column": "n"})
    with pytest.raises(
        SourceError, match=r"v is .*: have the query return text instead, by CAST\(v AS text\)"
    ):
        load.attempt()
    assert destination.rows("SELECT * FROM target") == []


def test_a_key_stays_a_value(make_db: MakeDb) -> None:
    source, destination = make_db("postgres", "source"), make_db("sqlite", "destination")
    source.execute(
        "CREATE TABLE t (at timestamp, other timestamp, amount numeric(8, 2))",
        "INSERT INTO t SELECT timestamp '2026-01-01' + n * interval '0.1 s', '2026-01-01 00:00:00.5', n"
        " FROM generate_series(1, 100) n",
    )
    destination.execute("CREATE TABLE target (at, other, amount)")
    spec = {"source_table": "t", "checkpoint_column": "at", "batch_size": 7}
    assert Load(source, destination, spec).attempt().rows == 100
    assert _last(destination) == ("2026-01-01 00:00:10", "2026-01-01 00:00:00.500000", "100.00")


def _last(destination: Db) -> tuple[object, ...]:
    return destination.rows("SELECT * FROM target ORDER BY at DESC LIMIT 1")[0]
