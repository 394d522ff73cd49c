"""NULL where a server would store a value of its own: refused, naming the column."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.model.errors import BadRowsError
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server

OWN = {
    "sqlite, a row id": ("sqlite", "v INTEGER PRIMARY KEY"),
    "mysql, the time": ("mysql", "v timestamp NOT NULL"),
    "mysql, the time in fractions": ("mysql", "v timestamp(6) NOT NULL DEFAULT current_timestamp(6)"),
    "mysql, a number": ("mysql", "v integer AUTO_INCREMENT PRIMARY KEY"),
    "sqlite, a default": ("sqlite", "v integer NOT NULL ON CONFLICT REPLACE DEFAULT 7"),
}


@pytest.mark.parametrize("case", list(OWN))
def test_null(make_db: MakeDb, case: str) -> None:
    kind, column = OWN[case]
    load = Load(
        make_db("sqlite", "source"),
        make_db(kind, "destination"),
        {"source_table": "t", "checkpoint_column": "n", "on_bad_row": "fail"},
    )
    load.source.execute("CREATE TABLE t (n integer, v)", "INSERT INTO t VALUES (1, NULL)")
    load.destination.execute(f"CREATE TABLE target (n integer, {column})")
    with pytest.raises(BadRowsError, match=r"v of target.*takes no NULL.*destination_columns|NOT NULL"):
        load.attempt()
    assert load.destination.one("SELECT COUNT(*) FROM target") == 0
    assert load.attempt(on_bad_row="reject").rejected == 1


def test_a_zero_stays_a_zero(make_db: MakeDb) -> None:
    load = Load(make_db("sqlite", "source"), make_db("mysql", "destination"), {"source_table": "t"})
    load.source.execute("CREATE TABLE t (n integer PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 0)")
    load.destination.execute("CREATE TABLE target (n integer, v integer AUTO_INCREMENT PRIMARY KEY)")
    assert load.attempt().rows == 1
    assert load.destination.rows("SELECT * FROM target") == [(1, 0)]
