"""Parsing the user's query: its end, and its order."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.model.errors import ArgumentError


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("SELECT 1", "SELECT 1"),
        ("  SELECT 1 ;\n;; ", "SELECT 1"),
        ("SELECT 1 -- the end; really", "SELECT 1"),
        ("SELECT 1; -- done", "SELECT 1"),
        ("SELECT 1 /* ; */ ; /* SELECT 2 */", "SELECT 1"),
        ("-- first\nSELECT 1", "-- first\nSELECT 1"),
        ("SELECT ';' AS a", "SELECT ';' AS a"),
        ("SELECT 'it''s; so' AS a", "SELECT 'it''s; so' AS a"),
        (r"SELECT '\' AS a, ';' AS b", r"SELECT '\' AS a, ';' AS b"),
        (r"SELECT '\' AS a, '--' AS b", r"SELECT '\' AS a, '--' AS b"),
        (r"SELECT E'\';' AS a", r"SELECT E'\';' AS a"),
        ('SELECT 1 AS "a;b--c"', 'SELECT 1 AS "a;b--c"'),
        ("SELECT 1 AS `a;b`", "SELECT 1 AS `a;b`"),
        ("SELECT $$;$$ AS a, $x$ -- ;$x$ AS b;", "SELECT $$;$$ AS a, $x$ -- ;$x$ AS b"),
        ("SELECT a$b$ FROM t; -- $b$", "SELECT a$b$ FROM t"),
        ("SELECT $1, $2 ;", "SELECT $1, $2"),
        ("WITH a AS (SELECT 1) SELECT * FROM a;", "WITH a AS (SELECT 1) SELECT * FROM a"),
        ("; SELECT 1", "SELECT 1"),
    ],
)
def test_is_cut_at_its_end(sql: str, kept: str) -> None:
    assert Query.parse(sql).text == kept


@pytest.mark.parametrize(
    "sql", ["SELECT 1; SELECT 2", "SELECT 1;\n-- x\n;DELETE FROM t;", "DELETE FROM t; SELECT 1"]
)
def test_is_one_statement(sql: str) -> None:
    with pytest.raises(ArgumentError, match=r"sql: there is more than one statement.*preoperator"):
        Query.parse(sql)


@pytest.mark.parametrize("sql", ["", "  \n", ";", "-- nothing", "/* ; */"])
def test_is_not_empty(sql: str) -> None:
    with pytest.raises(ArgumentError, match="sql: the query is empty"):
        Query.parse(sql)


@pytest.mark.parametrize(
    ("sql", "ordered"),
    [
        ("SELECT * FROM t ORDER BY a", True),
        ("select * from t order\n  by a limit 3", True),
        ("SELECT * FROM t", False),
        ("SELECT * FROM (SELECT * FROM t ORDER BY a) x", False),
        ("SELECT row_number() OVER (ORDER BY a) FROM t", False),
        ("SELECT 'ORDER BY a' FROM t -- ORDER BY a", False),
        ('SELECT "ORDER BY" FROM t', False),
        ("SELECT (a) FROM (t) ORDER BY (a)", True),
    ],
)
def test_knows_whether_its_rows_are_ordered(sql: str, ordered: bool) -> None:
    assert Query.parse(sql).ordered is ordered


def test_parameters_are_named_or_listed() -> None:
    with pytest.raises(ArgumentError, match="parameters: give a mapping"):
        Query.parse("SELECT 1", "a")  # type: ignore[arg-type]
    assert Query.parse("SELECT 1", {}).parameters is None
    assert Query.parse("SELECT 1", ["a"]).parameters == ["a"]
