"""Long values, JSON and XML arrive unchanged in every write mode, whatever a type handler does with the columns."""

from __future__ import annotations

import json
from typing import Any

import oracledb
import pytest

from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server

SHORT, MIDDLE, LONG = 10, 5_000, 50_000
JSON = '{"b": 1.00,  "a": [%s]}'


def text(length: int) -> str:
    return ("ä1" * length)[:length]


def json_text(length: int) -> str:
    return JSON % ", ".join(["10"] * (length // 4))


def xml(length: int) -> str:
    return f"<a>{text(length)}</a>"


VALUES: dict[str, Any] = {
    "CLOB": text,
    "NCLOB": text,
    "BLOB": lambda length: text(length).encode(),
    "LONG": text,
    "VARCHAR2(4000)": lambda length: text(min(length, 1_900)),
    "JSON": json_text,
    "CLOB CHECK (k IS JSON)": json_text,
    "BLOB CHECK (k IS JSON)": lambda length: json_text(length).encode(),
    "VARCHAR2(4000) CHECK (k IS JSON)": lambda length: json_text(min(length, 3_000)),
    "XMLTYPE": xml,
}


@pytest.fixture
def target(make_db: MakeDb) -> Db:
    return make_db("oracle", "destination")


@pytest.fixture(autouse=True)
def _fetch_no_locators(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the default of the process, as ``fetch_lobs`` in the extra of a connection does."""
    monkeypatch.setattr(oracledb.defaults, "fetch_lobs", False)


# A MERGE takes no more of a LONG than of a VARCHAR2.
WAYS = [
    (declared, mode)
    for declared in VALUES
    for mode in ("append", "upsert")
    if (declared, mode) != ("LONG", "upsert")
]


@pytest.mark.parametrize(("declared", "write_mode"), WAYS)
def test_is_written_in_any_length(make_db: MakeDb, target: Db, declared: str, write_mode: str) -> None:
    values = [None, *map(VALUES[declared], (SHORT, MIDDLE, LONG)), None]
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE t (n integer, k, later text)")
    source.insert("t", [(n, value, "x" * n) for n, value in enumerate(values)])
    target.execute(f"CREATE TABLE target (n integer PRIMARY KEY, k {declared}, later varchar2(4000))")
    load = Load(source, target, {"source_table": "t", "checkpoint_column": "n", "batch_size": 2})
    for run in range(2 if write_mode == "upsert" else 1):
        load.run = run
        load.attempt(write_mode=write_mode)
    assert target.rows("SELECT n, later FROM target ORDER BY n") == [
        (n, "x" * n or None) for n in range(len(values))
    ]
    found = read_whole(target, "target", declared)
    assert [form_of(declared, value) for value in found] == [form_of(declared, value) for value in values]


@pytest.mark.parametrize("declared", VALUES)
def test_is_read_in_any_length(make_db: MakeDb, target: Db, declared: str) -> None:
    source = make_db("oracle", "source")
    values = [None, *map(VALUES[declared], (SHORT, MIDDLE, LONG))]
    source.execute(f"CREATE TABLE t (n integer PRIMARY KEY, k {declared})")
    source.insert("t", list(enumerate(values)))
    destination = make_db("sqlite", "destination")
    destination.execute("CREATE TABLE target (n integer, k)")
    load = Load(source, destination, {"sql": "SELECT * FROM t", "checkpoint_column": "n", "batch_size": 2})
    while load.attempt_batches(1):
        pass
    wanted = [v.decode() if isinstance(v, bytes) and "JSON" in declared else v for v in values]
    assert [k for (k,) in destination.rows("SELECT k FROM target ORDER BY n")] == wanted


def form_of(declared: str, value: Any) -> Any:
    """Return the comparable form of a value: Oracle writes the numbers of JSON differently."""
    return json.loads(value) if value and declared == "JSON" else value


def read_whole(db: Db, table: str, declared: str) -> list[Any]:
    """Read the values without parsing JSON."""
    form = {"JSON": "JSON_SERIALIZE(k RETURNING CLOB)", "XMLTYPE": "XMLSERIALIZE(CONTENT k AS CLOB)"}
    connection = db.connect()
    cursor = connection.cursor()
    whole = {
        "DB_TYPE_CLOB": "DB_TYPE_LONG",
        "DB_TYPE_NCLOB": "DB_TYPE_LONG_NVARCHAR",
        "DB_TYPE_BLOB": "DB_TYPE_LONG_RAW",
    }
    cursor.outputtypehandler = lambda cursor, column: cursor.var(
        getattr(oracledb, whole.get(column.type_code.name, column.type_code.name)), arraysize=cursor.arraysize
    )
    cursor.execute(f"SELECT {form.get(declared, 'k')} FROM {table} ORDER BY n")
    found = [value for (value,) in cursor.fetchall()]
    connection.close()
    return found
