"""The script of the tables that a task lacks, without its databases."""

from __future__ import annotations

from argparse import Namespace

import pytest

from airflow_checkpoint_provider.cli import planning
from airflow_checkpoint_provider.engine.transfer.planning.load_plan import End, LoadPlan, Statement
from airflow_checkpoint_provider.hooks.airflow_internals import rendering


def test_a_table_by_hand_has_the_key_that_the_load_builds_later(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    statements = (
        Statement("create the table", "CREATE TABLE t (n)", creates=True, by_hand="CREATE TABLE t (n, KEY)"),
        Statement("build the primary key", "ALTER TABLE t ADD KEY"),
    )
    plan = LoadPlan(source=End("src"), destination=End("dst"), statements=statements)
    monkeypatch.setattr(rendering, "NextAttempts", lambda *_: None)
    monkeypatch.setattr(planning, "plan_of", lambda *_: plan)
    planning._print_missing(Namespace(task=("a_dag", "a_task"), dialect=None, migrate=False))
    assert capsys.readouterr().out == "-- create the table\nCREATE TABLE t (n, KEY);\n\n"
