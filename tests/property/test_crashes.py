"""Whatever dies at whatever statement: in the end the destination holds the source, every row once."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from airflow_checkpoint_provider.engine.databases.connection import Database
from tests.support.databases.db import Db
from tests.support.loads import Load
from tests.support.troubles.crashing import Fuse, connect

pytestmark = pytest.mark.slow

_numbers = count()
MOMENT = datetime(2026, 3, 29, 0, 30)


@dataclass(frozen=True)
class KeyType:
    """A type of key: its declaration in each kind of database, and its values for 0, 1, 2 ..."""

    sqlite: str
    postgres: str
    mysql: str
    oracle: str
    make: Callable[[int], Any]


KEY_TYPES = {
    "integer": KeyType("integer", "bigint", "bigint", "number(19)", lambda n: n - 3),
    "number": KeyType(
        "text", "numeric(30, 12)", "decimal(30, 12)", "number(30, 12)", lambda n: Decimal(n) / 8
    ),
    "float": KeyType("real", "real", "double", "binary_double", lambda n: n / 10),
    "text": KeyType(
        *("text collate nocase", "text", "varchar(40)", "varchar2(40)"),
        lambda n: "aAbBäÄ zZ"[n % 9] + "x" * (n // 9),
    ),
    "time": KeyType(
        *("text", "timestamp", "datetime(6)", "timestamp"),
        lambda n: MOMENT + timedelta(microseconds=n * 7),
    ),
    "time with zone": KeyType(
        *("text", "timestamptz", "timestamp(6) NULL", "timestamp with time zone"),
        lambda n: (MOMENT + timedelta(minutes=n)).astimezone(),
    ),
    "date": KeyType("text", "date", "date", "date", lambda n: (MOMENT + timedelta(days=n)).date()),
    "bytes": KeyType("blob", "bytea", "varbinary(9)", "raw(8)", lambda n: bytes([n % 256, 0, 255])),
    "uuid": KeyType("text", "uuid", "char(36)", "varchar2(36)", lambda n: UUID(int=n << 100)),
}


@dataclass(frozen=True)
class Case:
    """One load and its crashes."""

    key_type: str
    keys: list[tuple[int | None, int | None]]
    strategy: str
    composite: bool
    write_mode: str
    batch_size: int
    crashes: list[tuple[int, bool]]
    clear_after: int | None


@st.composite
def cases(draw: st.DrawFn) -> Case:
    strategy = draw(st.sampled_from(["key", "python"]))
    part = st.one_of(st.integers(0, 8), st.none()) if strategy == "key" else st.integers(0, 8)
    write_mode = draw(st.sampled_from(["append", "upsert", "replace", "replace_atomic"]))
    crashes = draw(st.lists(st.tuples(st.integers(0, 70), st.booleans()), max_size=4))
    clear = draw(st.none() | st.integers(0, len(crashes))) if write_mode != "append" else None
    return Case(
        key_type=draw(st.sampled_from(sorted(KEY_TYPES))),
        keys=draw(st.lists(st.tuples(part, part), max_size=24)),
        strategy=strategy,
        composite=draw(st.booleans()),
        write_mode=write_mode,
        batch_size=draw(st.integers(1, 7)),
        crashes=crashes,
        clear_after=clear,
    )


def as_text(value: Any, kind: str) -> Any:
    """Return the stored form of a value whose type the database lacks."""
    if kind == "oracle":
        return str(value) if isinstance(value, UUID) else value
    if kind == "postgres" or isinstance(value, (int, float, bytes, str, type(None))):
        return value
    if kind == "mysql":
        if isinstance(value, datetime) and value.tzinfo:
            return value.astimezone(UTC).replace(tzinfo=None)
        return str(value) if isinstance(value, UUID) else value
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def make_tables(source: Db, destination: Db, case: Case) -> str:
    name = f"t{next(_numbers)}"
    key_type = KEY_TYPES[case.key_type]
    for db, table in ((source, f"{name}_source"), (destination, f"{name}_target")):
        declared = getattr(key_type, db.kind)
        db.execute(f"CREATE TABLE {table} (id integer PRIMARY KEY, k {declared}, k2 integer, v text)")
    source.insert(
        f"{name}_source",
        [
            (i, None if k is None else as_text(key_type.make(k), source.kind), k2, f"value {i}")
            for i, (k, k2) in enumerate(case.keys)
        ],
    )
    return name


def run_case(source: Db, destination: Db, case: Case) -> None:
    name = make_tables(source, destination, case)
    by_key = {"checkpoint_column": ["k", "k2"] if case.composite else "k", "on_null_key": "load"}
    load = Load(
        source,
        destination,
        {
            "sql": f"SELECT * FROM {name}_source" + ("" if case.strategy == "key" else " ORDER BY id"),
            "destination_table": f"{name}_target",
            "checkpoint_table": f"{name}_checkpoint",
            "strategy": case.strategy,
            "write_mode": case.write_mode,
            "batch_size": case.batch_size,
            "lock_timeout": 2,
            **(by_key if case.strategy == "key" else {}),
        },
    )
    for number, crash in enumerate([*case.crashes, None]):
        if number == case.clear_after:
            load.clear()
        fuse = Fuse(*crash) if crash else Fuse()
        transfer = load.transfer(
            Database("src", lambda fuse=fuse: connect(source, fuse)),
            Database("dst", lambda fuse=fuse: connect(destination, fuse)),
        )
        try:
            transfer.run()
        except BaseException:  # cleaning up after a crash may fail with any error
            if not fuse.burnt:
                raise
            if case.write_mode == "replace_atomic":
                # Of one load, none or all; the key of the table leaves no row twice.
                assert destination.one(f"SELECT count(*) FROM {name}_target") in (0, len(case.keys))
            elif case.write_mode != "upsert" or case.clear_after is None:
                check_that_both_committed_or_neither(destination, name)
    assert contents(destination, f"{name}_target") == expected(source, destination, name, case)


def check_that_both_committed_or_neither(destination: Db, name: str) -> None:
    with closing(destination.connect()) as connection:
        try:
            cursor = connection.cursor()
            cursor.execute(f"SELECT rows_written FROM {name}_checkpoint WHERE restarting = 0")
            rows = cursor.fetchall()
        except Exception as error:  # the table is not there yet
            assert "checkpoint" in str(error).lower()
            return
    if rows:
        assert destination.one(f"SELECT count(*) FROM {name}_target") == rows[0][0]


def contents(db: Db, table: str) -> Counter[tuple[Any, ...]]:
    return Counter(db.rows(f"SELECT id, k, k2, v FROM {table}"))


def expected(source: Db, destination: Db, name: str, case: Case) -> Counter[tuple[Any, ...]]:
    rows = contents(source, f"{name}_source")
    if source.kind == destination.kind:
        return rows
    if source.kind == "mysql" and case.key_type == "time with zone":  # its drivers return no zone
        rows = Counter((i, k and k.replace(tzinfo=UTC), *rest) for i, k, *rest in rows.elements())
    # The destination's own form of the same values.
    destination.execute(f"CREATE TABLE {name}_expected AS SELECT * FROM {name}_target WHERE 1 = 0")
    destination.insert(
        f"{name}_expected",
        [tuple(as_text(value, destination.kind) for value in row) for row in rows.elements()],
    )
    return contents(destination, f"{name}_expected")


SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(case=cases())
def test_sqlite_to_sqlite(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run_case(
            Db("sqlite", str(Path(folder) / "source.db")), Db("sqlite", str(Path(folder) / "target.db")), case
        )


@pytest.mark.parametrize("kinds", ["oracle->postgres", "postgres->oracle", "oracle->oracle"])
@settings(max_examples=16, deadline=None, suppress_health_check=SLOW)
@given(case=cases())
def test_with_oracle(kinds: str, postgres_source: str, postgres_destination: str, case: Case) -> None:
    # The driver's own reading and writing, by which the tables are compared, leaves out the zone.
    assume(case.key_type != "time with zone" or kinds == "oracle->oracle")
    source, destination = kinds.split("->")
    run_case(Db(source, postgres_source), Db(destination, postgres_destination), case)


@pytest.mark.server
@pytest.mark.parametrize("kinds", ["postgres->postgres", "sqlite->postgres", "postgres->sqlite"])
@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(case=cases())
def test_with_postgres(kinds: str, postgres_source: str, tmp_path_factory: Any, case: Case) -> None:
    folder = tmp_path_factory.mktemp("crashes")
    source, destination = (
        Db("postgres", postgres_source) if kind == "postgres" else Db("sqlite", str(folder / f"{side}.db"))
        for side, kind in zip(("source", "target"), kinds.split("->"), strict=True)
    )
    run_case(source, destination, case)


@pytest.mark.parametrize("kinds", ["mysql->mysql", "postgres->mysql", "mysql->sqlite"])
@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(case=cases())
def test_with_mysql(
    kinds: str, mysql_source: str, request: pytest.FixtureRequest, tmp_path_factory: Any, case: Case
) -> None:
    folder = tmp_path_factory.mktemp("crashes")
    places = {"mysql": mysql_source, "sqlite": str(folder / "target.db")}
    source, destination = (
        Db(kind, places.get(kind) or request.getfixturevalue("postgres_source")) for kind in kinds.split("->")
    )
    run_case(source, destination, case)
