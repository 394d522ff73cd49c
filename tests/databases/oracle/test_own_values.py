"""Values that Oracle would store of its own: a default for NULL, and a question mark for a character that it lacks."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.model.errors import BadRowsError
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

pytestmark = pytest.mark.server


def load_of(make_db: MakeDb, *values: str | None) -> Load:
    load = Load(
        make_db("sqlite", "source"),
        make_db("oracle", "destination"),
        {"source_table": "t", "checkpoint_column": "n"},
    )
    load.source.execute("CREATE TABLE t (n integer PRIMARY KEY, v text)")
    load.source.insert("t", list(enumerate(values)))
    load.destination.execute("CREATE TABLE target (n number(9), v varchar2(9))")
    return load


@pytest.mark.parametrize("value", [None, ""])
def test_a_default_for_null(make_db: MakeDb, value: str | None) -> None:
    load = load_of(make_db, "a", value)
    load.destination.execute("INSERT INTO all_tab_columns VALUES ('SCOTT', 'TARGET', 'V', 'YES')")
    with pytest.raises(BadRowsError, match=r"V of target takes no NULL.*destination_columns"):
        load.attempt()
    assert load.attempt(on_bad_row="reject").rejected == 1


def test_a_character_that_the_database_lacks(make_db: MakeDb) -> None:
    load = load_of(make_db, "A€", "B", "日")
    load.destination.execute("UPDATE nls_database_parameters SET value = 'WE8MSWIN1252'")
    with pytest.raises(BadRowsError, match="has a character that the character set of the database"):
        load.attempt()
    result = load.attempt(on_bad_row="reject")
    assert (result.rows, result.rejected) == (2, 1)
    assert load.destination.rows("SELECT v FROM target ORDER BY n") == [("A€",), ("B",)]
    assert "\\u65e5" in str(load.destination.one("SELECT row_data FROM airflow_checkpoint_reject"))
