"""A short campaign; ``make chaos`` runs a longer one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.cases import CASES

pytestmark = pytest.mark.slow

_KINDS = {(case.path, case.mode) for case in CASES}


def test_a_short_campaign(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    size = ("--rows", "5000", "--batch-size", "250")
    times = ("--kills", str(2 * len(_KINDS)), "--server-kills", "3", "--cuts", "3", "--zombies", "3")
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--sample", *size, *times, "--json", str(figures)],
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    print(done.stdout)  # with the seed
    assert done.returncode == 0
    found = json.loads(figures.read_text())
    assert {tuple(one["case"].split(" / ")[::2]) for one in found["cases"]} == _KINDS
    totals = found["totals"]
    assert totals["kills"] >= 2 * len(_KINDS)
    assert totals["server_kills"] >= 3
    assert totals["cuts"] >= 3
    assert totals["zombies"] >= 3
    assert totals["rejected"] > 0
    assert (totals["lost"], totals["doubled"], totals["faults"]) == (0, 0, 0)
