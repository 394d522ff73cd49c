"""Every type of every source, into every destination: exact, converted in a known way, or refused."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.types.cells import HOW_TO_READ, NAMES, Cell, Value
from tests.support.types.page import PAGE, SOURCES, page

PAIRS = [(source, destination) for source in SOURCES for destination in NAMES]
BYTES = {"postgres": "CAST(v AS text)", "mysql": "HEX(v)", "sqlite": "quote(v)", "oracle": "RAWTOHEX(v)"}
IN_ORACLE = {  # types for which its driver has no exact value
    "TIME ZONE": "TO_CHAR(SYS_EXTRACT_UTC(CAST(v AS TIMESTAMP WITH TIME ZONE)), 'YYYY-MM-DD HH24:MI:SS.FF6')",
    "TO MONTH": "TO_CHAR(v)",
    "JSON": "JSON_SERIALIZE(v)",
}
REFUSED = [
    pytest.param(source, kind, value, value.to[kind], id=f"{source}-{kind}-{value.name}")
    for source, values in SOURCES.items()
    for value in values
    for kind in value.to
    if value.to[kind].arrives is None
]


def make_load(source: Db, destination: Db, value: Value, cell: Cell, number: int) -> Load:
    """Prepare a load whose first batch holds nothing but NULL."""
    loose = ("SET sql_mode = '', time_zone = '+00:00'",) if source.kind == "mysql" else ()
    source.execute(
        *loose,
        f"CREATE TABLE t{number} (n integer, v {value.column})",
        f"INSERT INTO t{number} (n) VALUES (1)",
        f"INSERT INTO t{number} (n) VALUES (2)",
        *([] if value.bound else [f"INSERT INTO t{number} VALUES (3, {value.sql})"]),
    )
    if value.bound:
        source.insert(f"t{number}", [(3, value.bound)])
    destination.execute(f"CREATE TABLE target{number} (n integer, v {cell.column})")
    names = {"source_table": f"t{number}", "destination_table": f"target{number}", "checkpoint_column": "n"}
    return Load(source, destination, {**names, "batch_size": 2}, run=number + 1)


def arrived(db: Db, value: Value, cell: Cell, number: int) -> list[str | None]:
    how = BYTES[db.kind] if value.read == "bytes" else cell.read or value.read or HOW_TO_READ[db.kind]
    if db.kind == "oracle" and not value.read:
        how = next((form for end, form in IN_ORACLE.items() if cell.column.upper().endswith(end)), how)
    zone = {"postgres": "SET timezone = 'UTC'", "mysql": "SET time_zone = '+00:00'"}.get(db.kind)
    rows = db.rows(f"SELECT {how} AS shown FROM target{number} ORDER BY n", *([zone] if zone else []))
    return [None if shown is None else str(shown) for (shown,) in rows]


@pytest.mark.parametrize(("source", "destination"), PAIRS, ids=["->".join(pair) for pair in PAIRS])
def test_what_arrives(make_db: MakeDb, source: str, destination: str) -> None:
    one, other = make_db(source, "source"), make_db(destination, "destination")
    found, wanted = {}, {}
    for number, value in enumerate(SOURCES[source]):
        cell = value.to.get(destination)
        if cell is None or cell.arrives is None:
            continue
        try:
            make_load(one, other, value, cell, number).attempt()
            found[value.name] = arrived(other, value, cell, number)
        except CheckpointError as error:
            found[value.name] = [str(error)]
        wanted[value.name] = [None if value.read != "bytes" or destination != "sqlite" else "NULL"] * 2 + [
            cell.arrives
        ]
    assert found == wanted


@pytest.mark.parametrize(("source", "destination", "value", "cell"), REFUSED)
def test_what_is_refused(make_db: MakeDb, source: str, destination: str, value: Value, cell: Cell) -> None:
    one, other = make_db(source, "source"), make_db(destination, "destination")
    load = make_load(one, other, value, cell, 0)
    with pytest.raises(CheckpointError, match=f"(?i){cell.how}"):
        load.attempt()
    assert other.one("SELECT count(*) FROM target0 WHERE n = 3 OR v IS NOT NULL") == 0


@pytest.mark.parametrize("destination", NAMES)
def test_half_a_character_is_refused(make_db: MakeDb, destination: str) -> None:
    source, other = make_db("sqlite", "source"), make_db(destination, "destination")
    source.execute("CREATE TABLE t (n integer, v text)", "INSERT INTO t VALUES (1, 'x')")
    other.execute("CREATE TABLE target (n integer, v text)")
    with pytest.raises(
        CheckpointError, match="'dst': target refused the batch, and nothing.*surrogates not allowed"
    ):
        Load(source, other, {"source_table": "t"}).attempt(rows_processor=lambda rows: [(1, "\ud800")])
    assert other.rows("SELECT * FROM target") == []


def test_the_documentation_says_the_same() -> None:
    text = PAGE.read_text()
    assert text == page(text), "run python -m tests.support.types.page"
