"""A row refused at the commit is a bad row, and its error names the table."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.databases.connection import Database
from airflow_checkpoint_provider.engine.model.errors import BadRowsError
from tests.support.databases.fixtures import MakeDb
from tests.support.refusals import enforced, make_load

pytestmark = pytest.mark.server


@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace", "replace_atomic"])
@pytest.mark.parametrize("reject", [False, True])
def test_what_is_refused_at_the_commit_is_a_bad_row(make_db: MakeDb, write_mode: str, reject: bool) -> None:
    load = make_load(
        make_db,
        "postgres",
        "CREATE TABLE parent (v varchar(20) PRIMARY KEY)",
        "INSERT INTO parent VALUES ('v0'), ('v1'), ('v2')",
        "CREATE TABLE target (n integer PRIMARY KEY, v varchar(20) REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        write_mode=write_mode,
    )
    if reject and write_mode != "replace_atomic":
        assert load.attempt(on_bad_row="reject").rejected == 1
        assert load.destination.rows("SELECT n FROM target ORDER BY n") == [(0,), (1,), (2,)]
        return
    with pytest.raises(BadRowsError, match="Destination 'dst': target refused .*violates foreign key"):
        load.attempt()


def test_what_sqlite_refuses_at_the_commit_names_the_table(make_db: MakeDb) -> None:
    load = make_load(
        make_db,
        "sqlite",
        "CREATE TABLE parent (v varchar(20) PRIMARY KEY)",
        "CREATE TABLE target (n integer, v varchar(20) REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
    )
    enforcing = Database("dst", lambda: enforced(load.destination))
    with pytest.raises(BadRowsError, match="Destination 'dst': target refused the commit.*FOREIGN KEY"):
        load.transfer(destination=enforcing).run()
    assert load.destination.rows("SELECT * FROM target") == []
