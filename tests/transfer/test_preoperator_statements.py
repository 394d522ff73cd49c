"""What the statements of a preoperator are known to do before they run."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.registry import open_destination
from airflow_checkpoint_provider.engine.transfer.preoperator import empties
from tests.support.databases.fixtures import MakeDb


@pytest.mark.parametrize(
    ("script", "known"),
    [
        ("DELETE FROM target", True),
        ("delete /* all */ from\n s.target;", True),
        (["SELECT 1", "TRUNCATE TABLE target"], True),
        ("TRUNCATE other, target CASCADE", True),
        ("DROP TABLE IF EXISTS target; CREATE TABLE target (n integer)", True),
        ('TRUNCATE "target" RESTART IDENTITY', True),
        ("DELETE FROM target WHERE day = '2026-01-01'", False),
        ("DELETE FROM other WHERE n = s.target", False),
        ("DELETE FROM target_of_others", False),
        ("INSERT INTO log VALUES ('DELETE FROM target')", False),
    ],
)
def test_what_a_preoperator_is_known_to_empty(make_db: MakeDb, script: Any, known: bool) -> None:
    with make_db("sqlite", "destination").database("dst").open() as connection:
        table = TableName.parse("target", "destination_table")
        assert empties(script, open_destination(connection, table, "dst", "append")) is known
