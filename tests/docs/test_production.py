"""The guide's test of a DAG, run in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import ROOT, blocks

PAGE = ROOT / "docs" / "production.md"
pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def test_the_test_of_a_dag_passes_and_can_fail(tmp_path: Path) -> None:
    for block in blocks("python", PAGE):
        if block.note.startswith("file: "):
            file = tmp_path / block.note.removeprefix("file: ")
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.text)
    *_, commands = (block.text for block in blocks("bash", PAGE))

    done = typed(commands, tmp_path)
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
    assert "1 passed" in done.stdout

    dag = tmp_path / "dags" / "load_sales.py"
    dag.write_text(
        dag.read_text().replace('source_table="sales"', 'sql="SELECT * FROM sales WHERE sale_id > 1"')
    )
    assert "1 failed" in typed(commands, tmp_path).stdout


def typed(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    return subprocess.run(
        ["bash", "-euc", commands], cwd=folder, env=env, capture_output=True, text=True, timeout=240
    )
