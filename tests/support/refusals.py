"""Loads that are refused before any change."""

from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, CheckpointError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.staging import stages

ROWS = [(n, f"v{n}") for n in range(4)]
TABLE = "CREATE TABLE target (n integer PRIMARY KEY, v varchar(20))"
OLD = "INSERT INTO target VALUES (100, 'old')"


def make_load(make_db: MakeDb, kind: str, *statements: str, **arguments: Any) -> Load:
    source, destination = make_db("sqlite", "source"), make_db(kind, "destination")
    source.execute("CREATE TABLE t (n integer, v varchar(20))")
    source.insert("t", ROWS)
    destination.execute(*statements)
    return Load(
        source, destination, {"source_table": "t", "checkpoint_column": "n", "batch_size": 2, **arguments}
    )


def refused(
    load: Load,
    message: str,
    error: type[CheckpointError] = ArgumentError,
    *,
    planned: bool = True,
    **changes: Any,
) -> None:
    """
    Assert that an attempt ends with an error, and leaves no stage; and that its plan has the same problem.

    :param planned: the refusal does not depend on what the attempt itself changes
    """
    if planned:
        plan = load.plan(**changes)
        assert plan.would_end
        assert [one.text for one in plan.problems if re.search(message, one.text)], plan.problems
    with pytest.raises(error, match=message):
        load.attempt(**changes)
    assert stages(load.destination) == []


def enforced(db: Db) -> Any:
    connection = db.connect()
    connection.execute("PRAGMA foreign_keys = ON")
    return connection
