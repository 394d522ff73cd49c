"""Queries in common forms, each read in pieces by key and by counting."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

QUERIES = {
    "cte": "WITH few AS (SELECT id, name FROM people WHERE id > 3), more AS (SELECT * FROM few) SELECT * FROM more",
    "join": "SELECT p.id, q.name FROM people p LEFT JOIN people q ON q.id = p.id + 1 JOIN people r ON r.id = p.id",
    "union": "SELECT id, name FROM people WHERE id < 4 UNION ALL SELECT id, 'x' FROM people WHERE id >= 4",
    "group": "SELECT max(id) AS id, min(name) AS name FROM people GROUP BY id / 2 HAVING count(*) > 0",
    "subquery": "SELECT * FROM (SELECT id, name FROM people LIMIT 9) src",
    "semicolon": "SELECT id, name FROM people;",
    "comments": "/* ; */ SELECT id, -- ; 'x\n name FROM people /* ' */ -- all of them",
    "percent": "SELECT id, '100%' AS name FROM people WHERE name NOT LIKE '%7' AND name LIKE 'n%'",
    "percent s": "SELECT id, '%s and %(x)s and %%' AS name FROM people",
    "colon": "SELECT id, ':a ?' AS name FROM people WHERE name <> '12:30:00' AND name <> ':id'",
    "quotes": "SELECT id, 'it''s; \"so\"' AS name FROM people",
    "backslash": r"SELECT id, '\' AS name FROM people WHERE name <> '--'",
    "ordered": "SELECT id, name FROM people ORDER BY name DESC, id",
    "distinct": "SELECT DISTINCT id, upper(name) AS name FROM people",
    "of MySQL": r"""SELECT id, "a;b\" 'x'" AS name FROM people # it's; all
        WHERE name <> '\'; --' AND 1--1 = 2 /*!50000 AND 1 = 1 */ -- so""",
    "window": "SELECT id, name FROM (SELECT id, name, row_number() OVER (ORDER BY id) AS r FROM people) x WHERE r > 2",
}


@pytest.fixture
def people(pair: tuple[Db, Db]) -> tuple[Db, Db]:
    return prepared(*pair)


def prepared(source: Db, destination: Db) -> tuple[Db, Db]:
    source.execute("CREATE TABLE people (id integer PRIMARY KEY, name varchar(40))")
    source.insert("people", [(n, f"n{n % 10}") for n in range(12)])
    destination.execute("CREATE TABLE target (id integer, name varchar(40))")
    return source, destination


def load_in_pieces(source: Db, destination: Db, **arguments: Any) -> list[tuple]:
    load = Load(source, destination, {"batch_size": 4, **arguments})
    while load.attempt_batches(1):
        pass
    return destination.rows("SELECT * FROM target ORDER BY 1, 2")


def understood(kind: str) -> dict[str, str]:
    return {
        name: sql
        for name, sql in QUERIES.items()
        if not (name == "of MySQL" and kind != "mysql") and not (name == "backslash" and kind == "mysql")
    }


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mysql", "oracle"])
@pytest.mark.parametrize("by", [{"checkpoint_column": "id"}, {"strategy": "python"}], ids=["key", "python"])
def test_arrive_as_they_are(make_db: MakeDb, kind: str, by: dict[str, Any]) -> None:
    source, _ = prepared(make_db(kind, "source"), make_db("sqlite", "unused"))
    for name, sql in understood(kind).items():
        destination = make_db("sqlite", name)
        destination.execute("CREATE TABLE target (id integer, name varchar(40))")
        if kind == "oracle":
            sql = sql.replace("LIMIT 9", "FETCH FIRST 9 ROWS ONLY")
        wanted = sorted(
            rows_of(source, sql if kind != "oracle" else sql.rstrip(";")),
            key=lambda row: tuple(map(str, row)),
        )
        loaded = load_in_pieces(source, destination, sql=sql, **by)
        assert sorted(loaded, key=lambda row: tuple(map(str, row))) == wanted, name


def rows_of(source: Db, sql: str) -> list[tuple[Any, ...]]:
    """Run a query with the quoting of the session."""
    with closing(source.connect()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


STYLES = [
    ("sqlite", "id > ? AND name <> ?", [2, "n5"]),
    ("sqlite", "id > ? AND name <> ?", (2, "n5")),
    ("sqlite", "id > :low AND name <> :no", {"low": 2, "no": "n5"}),
    ("postgres", "id > %s AND name <> %s", [2, "n5"]),
    ("postgres", "id > %(low)s AND name <> %(no)s", {"low": 2, "no": "n5"}),
    ("oracle", "id > :1 AND name <> :2", [2, "n5"]),
    ("oracle", "id > :low AND name <> :no", {"low": 2, "no": "n5"}),
    ("mysql", "id > %s AND name <> %s", [2, "n5"]),
    ("mysql", "id > %(low)s AND name <> %(no)s", {"low": 2, "no": "n5"}),
]


@pytest.mark.parametrize("by", [{"checkpoint_column": "id"}, {"strategy": "python"}], ids=["key", "python"])
@pytest.mark.parametrize(("kind", "where", "parameters"), STYLES)
def test_bind_parameters(make_db: MakeDb, kind: str, where: str, parameters: Any, by: dict[str, Any]) -> None:
    source, destination = prepared(make_db(kind, "source"), make_db("sqlite", "destination"))
    percent = "%" if kind in ("sqlite", "oracle") else "%%"
    sql = (
        f"SELECT id, ':x {percent}' AS name FROM people WHERE {where} AND name LIKE 'n{percent}' ORDER BY id"
    )
    loaded = load_in_pieces(source, destination, sql=sql, parameters=parameters, **by)
    assert loaded == [(n, ":x %") for n in range(3, 12) if n != 5]


@pytest.mark.parametrize("strategy", ["key", "python"])
def test_odd_names_of_columns(people: tuple[Db, Db], strategy: str) -> None:
    source, destination = people
    names = ["Id", "a%b", "%s", "x:y", "sp ace", 'quo""te', "order"]
    if "oracle" in (source.kind, destination.kind):  # Oracle allows no quote in a name
        names.remove('quo""te')
    columns = ", ".join(f'"{name}" integer' for name in names)
    source.execute(f"CREATE TABLE odd ({columns})")
    source.insert("odd", [(n,) * len(names) for n in range(10)])
    destination.execute("DROP TABLE target", f"CREATE TABLE target ({columns})")
    key = (
        {"checkpoint_column": ["a%b", "sp ace", 'quo"te' if 'quo""te' in names else "order", "%s"]}
        if strategy == "key"
        else {"strategy": "python"}
    )
    assert load_in_pieces(source, destination, sql="SELECT * FROM odd ORDER BY 1", **key) == [
        (n,) * len(names) for n in range(10)
    ]


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace"])
def test_names_that_differ_by_case_find_each_other(people: tuple[Db, Db], write_mode: str) -> None:
    source, destination = people
    destination.execute(
        "DROP TABLE target", 'CREATE TABLE target ("ID" integer PRIMARY KEY, "Name" varchar(40))'
    )
    mode = {"write_mode": write_mode, **(destination.by_key("ID") if write_mode == "upsert" else {})}
    loaded = load_in_pieces(source, destination, source_table="people", checkpoint_column="ID", **mode)
    assert loaded == [(n, f"n{n % 10}") for n in range(12)]


def test_columns_of_one_name_are_refused(people: tuple[Db, Db]) -> None:
    load = Load(*people, {"sql": "SELECT a.id, a.name, b.id FROM people a JOIN people b ON a.id = b.id"})
    with pytest.raises(SourceError, match=r"more than one column called.*AS a_id"):
        load.attempt()


@pytest.mark.parametrize("sql", ["SELECT 1 AS id; SELECT 2 AS id", "DELETE FROM people; SELECT 1"])
def test_more_than_one_statement_is_refused(people: tuple[Db, Db], sql: str) -> None:
    with pytest.raises(ArgumentError, match="more than one statement"):
        Load(*people, {"sql": sql}).attempt()
    assert people[0].one("SELECT count(*) FROM people") == 12


@pytest.mark.parametrize(
    "sql", ["SELEC 1", "SELECT * FROM nowhere", "DELETE FROM people", "DROP TABLE people"]
)
def test_what_cannot_be_read_is_refused(people: tuple[Db, Db], sql: str) -> None:
    with pytest.raises(SourceError, match="Source 'src': "):
        Load(*people, {"sql": sql}).attempt()
    assert people[0].one("SELECT count(*) FROM people") == 12
