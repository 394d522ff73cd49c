"""The commands for the groups of a DAG file, as processes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_process import Shell
from tests.support.databases.db import Db

pytestmark = pytest.mark.slow

DAG = """
from airflow.sdk import DAG
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

with DAG("nightly", schedule=None):
    CheckpointedTransferGroup(
        group_id="erp",
        source_conn_id="erp",
        destination_conn_id="warehouse",
        defaults={"destination_table": "{table}_copy", "write_mode": "replace"},
        tables={
            "sales": {},
            "lines": {"create_table": "missing", "where": "n > 0 -- {{ ds }}"},
            "wrong": {"checkpoint_column": "no_such"},
            "parts": {"partitions": 2, "checkpoint_column": "n"},
        },
    )
    CheckpointedTransferOperator(
        task_id="alone", source_conn_id="erp", destination_conn_id="warehouse", source_table="sales",
        destination_table="alone",
    )
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    home = tmp_path_factory.mktemp("airflow")
    (home / "nightly.py").write_text(DAG)
    numbers = [
        f"CREATE TABLE {name} (n integer PRIMARY KEY)" for name in ("sales", "lines", "wrong", "parts")
    ]
    Db("sqlite", str(home / "erp.db")).execute(*numbers)
    copies = [f"CREATE TABLE {name}_copy (n integer)" for name in ("sales", "wrong")]
    copies.append("CREATE TABLE alone (n integer)")
    Db("sqlite", str(home / "warehouse.db")).execute(*copies)
    shell = Shell(home)
    for name in ("erp", "warehouse"):
        described = {"conn_type": "sqlite", "host": str(home / f"{name}.db")}
        shell.env[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(described)
    shell.run("db", "migrate").check_returncode()
    shell.run("dags", "reserialize").check_returncode()
    return shell.run


def test_a_group_is_exported(run: Run, tmp_path: Path) -> None:
    told = run("checkpoint", "export-mapping", "nightly", "--group", "erp")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == (
        "group_id: erp\n"
        "source_conn_id: erp\n"
        "destination_conn_id: warehouse\n"
        "defaults: {destination_table: '{table}_copy', write_mode: replace}\n"
        "tables:\n"
        "  sales: {}\n"
        "  lines: {where: 'n > 0 -- {{ ds }}', create_table: missing}\n"
        "  wrong: {checkpoint_column: no_such}\n"
        "  parts: {checkpoint_column: n, partitions: 2}\n"
    )


def test_transfers_in_no_group_are_exported(run: Run) -> None:
    told = run("checkpoint", "export-mapping", "nightly")
    assert told.returncode == 0
    assert "  alone:" not in told.stdout
    assert "  sales: {destination_table: alone, task_id: alone}\n" in told.stdout
    assert told.stderr.splitlines() == [
        "erp: this group has tables of its own; export it by its name.",
        "The tasks have no group in their ids; from_yaml(path, prefix_group_id=False) keeps these, and so the checkpoints.",
    ]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("none",), "none cannot be read"),
        (("nightly", "--group", "erq"), "--group: there is no group of transfers 'erq'; is 'erp' meant?"),
    ],
)
def test_what_cannot_be_exported(run: Run, words: tuple[str, ...], reason: str) -> None:
    told = run("checkpoint", "export-mapping", *words)
    assert (told.returncode, told.stdout) == (1, "")
    assert reason in told.stderr


def test_the_plan_of_a_group_has_all_problems(run: Run) -> None:
    told = run("checkpoint", "plan", "nightly", "erp", "-o", "json")
    assert told.returncode == 1
    plans = {plan["task_id"]: plan for plan in json.loads(told.stdout)}
    assert list(plans) == ["erp.sales", "erp.lines", "erp.wrong", "erp.parts.load"]
    ending = {name: [one["text"] for one in plan["problems"] if one["ends"]] for name, plan in plans.items()}
    assert (ending["erp.sales"], ending["erp.lines"]) == ([], [])
    assert any("does not return a column 'no_such'" in text for text in ending["erp.wrong"])
    assert any("there is no table parts_copy" in text for text in ending["erp.parts.load"])
    assert plans["erp.sales"]["next"]["action"] == "start"
    assert plans["erp.parts.load"]["next"] is None


def test_the_plan_of_a_group_is_a_line_for_each_table_and_its_problems(run: Run) -> None:
    told = run("checkpoint", "plan", "nightly", "erp", "-o", "plain")
    lines = told.stdout.splitlines()
    assert [line.split()[0] for line in lines[:5]] == [
        "task_id",
        "erp.sales",
        "erp.lines",
        "erp.wrong",
        "erp.parts.load",
    ]
    problems = [line for line in lines[5:] if line.startswith("erp.parts.load: ")]
    assert any("there is no table parts_copy" in line for line in problems), told.stdout


def test_the_plan_of_the_group_of_one_table(run: Run) -> None:
    told = run("checkpoint", "plan", "nightly", "erp.parts", "-o", "json")
    assert [plan["task_id"] for plan in json.loads(told.stdout)] == ["erp.parts.load"]


def test_the_checkpoints_of_a_group(run: Run) -> None:
    for task in ("erp.sales", "alone"):
        assert run("tasks", "test", "nightly", task).returncode == 0
    listed = run("checkpoint", "list", "--group", "erp", "-o", "json")
    assert [one["task_id"] for one in json.loads(listed.stdout)] == ["erp.sales"]
    assert len(json.loads(run("checkpoint", "list", "-o", "json").stdout)) == 2
