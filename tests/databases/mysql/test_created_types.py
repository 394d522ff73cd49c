"""Types of tables that are created in MySQL: they hold what the source has, and fit into a row and a key together."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.databases.mysql.values import column_types, widths
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, DestinationError
from airflow_checkpoint_provider.engine.transfer.starting import table_creation
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server


def load_of(source: Db, destination: Db, **arguments: object) -> Load:
    given = {"source_table": "t", "create_table": "missing", "verify": "digest"}
    return Load(source, destination, given | arguments)


def types_of(db: Db) -> dict[str, str]:
    return {row[0]: row[1] for row in db.rows("SHOW COLUMNS FROM target")}


@pytest.mark.parametrize("year", [1900, 2026, 2039, 9000])
def test_an_instant_of_any_year(make_db: MakeDb, year: int) -> None:
    source, destination = make_db("postgres", "source"), make_db("mysql", "destination")
    source.execute(
        "CREATE TABLE t (n integer PRIMARY KEY, at timestamptz NOT NULL)",
        f"INSERT INTO t VALUES (1, '{year}-03-29 02:30:00.000001+05:30')",
    )
    assert load_of(source, destination).attempt().verified
    assert types_of(destination)["at"] == "datetime(6)"
    assert str(destination.one("SELECT at FROM target")) == f"{year}-03-28 21:00:00.000001"


@pytest.mark.parametrize(("kind", "declared"), [("postgres", "varchar(3000)"), ("mysql", "varbinary(9000)")])
def test_columns_that_are_too_wide_together(make_db: MakeDb, kind: str, declared: str) -> None:
    source, destination = make_db(kind, "source"), make_db("mysql", "destination")
    names = [f"c{number}" for number in range(10)]
    columns = ", ".join(f"{name} {declared}" for name in names[: 7 if kind == "mysql" else 10])
    source.execute(
        f"CREATE TABLE t (n integer PRIMARY KEY, {columns})", "INSERT INTO t (n, c0) VALUES (1, 'x')"
    )
    given = {"column_types": {"c0": declared}}
    assert load_of(source, destination, **given).attempt().rows == 1
    made = types_of(destination)
    assert made["c0"] == made["c6"] == declared  # as given; no more are changed than have to be
    assert made["c1"] == ("longtext" if kind == "postgres" else declared)


def test_text_of_a_character_set_with_fewer_bytes(make_db: MakeDb) -> None:
    source, destination = make_db("mysql", "source"), make_db("mysql", "destination")
    source.execute(
        "CREATE TABLE t (n integer PRIMARY KEY, a tinytext CHARACTER SET latin1, b text CHARACTER SET latin1,"
        " c varchar(20000) CHARACTER SET latin1, d tinytext CHARACTER SET utf8mb4)",
        "INSERT INTO t VALUES (1, REPEAT('\u00e4', 255), REPEAT('\u00e4', 65535), REPEAT('\u00e4', 20000), 'x')",
    )
    assert load_of(source, destination).attempt().verified
    made = types_of(destination)
    assert [made[name] for name in "abcd"] == ["text", "mediumtext", "longtext", "tinytext"]


@pytest.mark.parametrize(("length", "fits"), [(378, True), (391, False)])
@pytest.mark.parametrize("write_mode", ["append", "upsert"])
def test_a_key_that_is_too_long(make_db: MakeDb, length: int, fits: bool, write_mode: str) -> None:
    source, destination = make_db("postgres", "source"), make_db("mysql", "destination")
    source.execute(
        f"CREATE TABLE t (a varchar({length}) NOT NULL, b varchar({length}) NOT NULL, n integer PRIMARY KEY)"
        if write_mode == "upsert"
        else f"CREATE TABLE t (a varchar({length}), b varchar({length}), n integer, PRIMARY KEY (a, b))",
        "INSERT INTO t VALUES ('x', 'y', 1)",
    )
    key = {"write_mode": write_mode, **({"conflict_columns": ["a", "b"]} if write_mode == "upsert" else {})}
    load = load_of(source, destination, verify=None, **key)
    if fits:
        assert load.attempt().rows == 1
        return
    with pytest.raises(
        ArgumentError, match=r"a \(varchar\(391\)\), b .* takes 3,072 bytes, and they need 3,128"
    ):
        load.attempt()
    assert destination.tables() == []


@pytest.mark.parametrize(
    "text", ["uuid", "inet4", "inet6", "timestamp(3)", "varchar(9)", "tinytext", "longtext"]
)
def test_types_that_only_mariadb_has(text: str) -> None:
    there = {
        "uuid": "char(36)",
        "inet4": "longtext",
        "inet6": "longtext",
        "timestamp(3)": "timestamp(3) null",
    }
    assert column_types.own(text, "utf8mb4", is_mariadb=False) == there.get(text, text)
    assert column_types.own("uuid", "", is_mariadb=True) == "uuid"


@pytest.mark.parametrize(
    "declared",
    ["decimal(65,30)", "char(255)", "binary(255)", "bigint", "time(6)", "uuid", "json", "set('a')"],
)
def test_no_width_is_too_small(make_db: MakeDb, declared: str) -> None:
    db = make_db("mysql", "destination")
    number = min(65_000 // widths.row_width(declared), 900)
    rest = 65_535 - number * widths.row_width(declared) - number // 8 - 3
    columns = ", ".join(f"c{place} {declared}" for place in range(number))
    db.execute("SET SESSION innodb_strict_mode = 0", f"CREATE TABLE t ({columns}, v varbinary({rest}))")


def test_the_reason_of_the_server(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = make_db("postgres", "source"), make_db("mysql", "destination")
    source.execute("CREATE TABLE t (n integer PRIMARY KEY)")
    monkeypatch.setattr(table_creation.time, "sleep", lambda _: pytest.fail("it is tried again"))
    with pytest.raises(
        DestinationError, match=r"could not be created in 'dst': .*no_such_type.* column_types"
    ):
        load_of(source, destination, column_types={"n": "no_such_type"}).attempt()
