"""XML as it is stored: Postgres's own text of it has no declaration. Its values need a server with libxml; others have NULL."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Any

import psycopg
import pytest

from airflow_checkpoint_provider.engine.databases.postgres.source import PostgresSource
from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.model.errors import SourceMismatchError, VerificationError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server

DECLARED = '<?xml version="1.0"?><a/>'
TEXTS = [DECLARED, '<?xml version="1.0" encoding="utf-8"?><\u00e4/>', "<a/><b/>", "", "\n<a/>", None]
BY = [{"checkpoint_column": "n"}, {"strategy": "python"}]


def make_source(db: Db, declared: str) -> list[tuple]:
    """Make a table of XML, and return its rows as text."""
    db.execute("CREATE DOMAIN markup AS xml", f"CREATE TABLE t (n integer PRIMARY KEY, x {declared})")
    for n, text in enumerate(TEXTS):
        with suppress(psycopg.errors.FeatureNotSupported):
            value = "NULL" if text is None else f"XML '{text}'"
            db.execute(
                f"INSERT INTO t VALUES ({n}, {f'CAST(ARRAY[{value}] AS xml[])' if '[' in declared else value})"
            )
    return as_text(db, "t")


def as_text(db: Db, table: str) -> list[tuple]:
    kind = "text[]" if db.one(f"SELECT CAST(pg_typeof(x) AS text) FROM {table}") == "xml[]" else "text"
    return db.rows(f"SELECT n, CAST(x AS {kind}) FROM {table} ORDER BY n")


@pytest.mark.parametrize("declared", ["xml", "markup", "xml[]"])
@pytest.mark.parametrize("by", BY, ids=["key", "python"])
@pytest.mark.parametrize("write_mode", ["append", "upsert"])
def test_it_arrives_as_it_is(make_db: MakeDb, declared: str, by: dict[str, Any], write_mode: str) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    rows = make_source(source, declared)
    destination.execute(f"CREATE TABLE target (n integer PRIMARY KEY, x {declared.replace('markup', 'xml')})")
    query = {"sql": "SELECT * FROM t ORDER BY n", "write_mode": write_mode, "batch_size": 2}
    load = Load(source, destination, {**query, **by, "verify": "digest"})
    while load.attempt_batches(1):
        pass
    assert as_text(destination, "target") == rows


@pytest.mark.parametrize("kind", ["mysql", "sqlite", "postgres"])
@pytest.mark.parametrize("processor", [None, list])
@pytest.mark.parametrize("by", BY, ids=["key", "python"])
def test_it_arrives_as_text(make_db: MakeDb, kind: str, processor: Any, by: dict[str, Any]) -> None:
    source, destination = make_db("postgres", "source"), make_db(kind, "destination")
    rows = make_source(source, "xml")
    destination.execute("CREATE TABLE target (x text, n integer PRIMARY KEY)")
    query = {"sql": "SELECT x, n FROM t ORDER BY n", "rows_processor": processor, "batch_size": 2}
    load = Load(source, destination, {**query, **by, "verify": None if processor else "digest"})
    load.attempt_batches(1)
    load.attempt()
    assert destination.rows("SELECT n, x FROM target ORDER BY n") == rows


@pytest.mark.parametrize("there", ["xml", "text"])
def test_a_lost_declaration_is_a_difference(make_db: MakeDb, there: str) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    rows = make_source(source, "xml")
    destination.execute(
        f"CREATE TABLE target (n integer PRIMARY KEY, x {there})",
        "CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.x := CAST(NEW.x AS text) || ' '; RETURN NEW; END $$",
        "CREATE TRIGGER judge BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION judge()",
    )
    load = Load(source, destination, {"source_table": "t", "verify": "digest"})
    if len(rows) == 1:  # the one without a value
        assert load.attempt().verified
        return
    with pytest.raises(VerificationError, match="target is not what the source has"):
        load.attempt()


def test_the_server_is_asked_for_all_of_it(make_db: MakeDb) -> None:
    db = make_db("postgres", "source")
    db.execute("CREATE TABLE t (n integer PRIMARY KEY, x xml, y xml[])")
    with closing(
        db.database("src").open(lock_timeout=1, for_writing=False, opened=lambda _: None)
    ) as connection:
        source = PostgresSource(connection, Query("SELECT * FROM t"), "src", exact=True)
        listed = 'SELECT "n", CAST("x" AS text) AS "x", CAST("y" AS text[]) AS "y" FROM'
        assert source.select("*")[0].startswith(listed)
        assert source.whole()[0].startswith(listed)


@pytest.mark.parametrize("declared", ["holder", "holder[]"])
def test_within_another_type_it_is_refused(make_db: MakeDb, declared: str) -> None:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    source.execute(
        "CREATE TYPE holder AS (x xml, n integer)", f"CREATE TABLE t (n integer PRIMARY KEY, h {declared})"
    )
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY, h text)")
    with pytest.raises(SourceMismatchError, match="XML is a part of the type of h"):
        Load(source, destination, {"source_table": "t"}).attempt()
