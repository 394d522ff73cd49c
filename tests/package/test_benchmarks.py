"""The benchmarks run, on data too small for a measurement."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
CASES = [
    "wide",
    "generic-narrow",
    "sqlite-sqlite",
    "small-batches",
    "upsert-full",
    "resume-*",
    "memory",
    "memory-large-sqlite",
]
OF_MARIADB = [
    *("memory-large-mariadb", "mariadb-postgres-wide", "postgres-mariadb-wide"),
    *("mariadb-mariadb", "mariadb-upsert"),
]


def run_quickly(folder: Path, cases: list[str]) -> tuple[dict[str, Any], str]:
    """Return the figures and the output."""
    file = folder / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--rounds", "1", "--rows", "2000"]
    done = subprocess.run(
        [*command, "--json", str(file), "--only", *cases],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text()), done.stdout


def test_the_benchmarks_run(tmp_path: Path) -> None:
    figures, printed = run_quickly(tmp_path, CASES)
    assert {"machine", "versions", "server", "measured", "cases"} <= set(figures)
    assert figures["server"]["fsync"] == "on"
    assert [case["name"] for case in figures["cases"]] == [
        *CASES[:5],
        "resume-key",
        "resume-python",
        "memory",
        "memory-large-sqlite",
    ]
    for case in figures["cases"]:
        assert len(case["ours"]["runs"]) == len(case["peer"]["runs"]) == 1
        assert isinstance(case["met"], bool)
        assert case["case"] in printed


@pytest.mark.server
def test_the_benchmarks_of_mariadb_run_or_name_what_is_missing(tmp_path: Path) -> None:
    figures, _ = run_quickly(tmp_path, OF_MARIADB)
    assert [case["name"] for case in figures["cases"]] == OF_MARIADB
    for case in figures["cases"]:
        assert "not installed" in case.get("skipped", "") or len(case["ours"]["runs"]) == 1


def test_a_case_that_does_not_exist_is_named() -> None:
    command = [sys.executable, "-m", "benchmarks", "--only", "everything"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "no case is called 'everything'" in done.stderr


def test_loading_in_parts_is_measured(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.cases.partitions", "--quick", "--json", str(file)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert {number: len(seconds) for number, seconds in figures["seconds"].items()} == {"0": 1, "2": 1}
    assert figures["planned_by"]["known"] == "the server's statistics"
    assert figures["planned_by"]["read"].startswith("ranges of equal width")
    assert "| 2 parts | " in done.stdout
