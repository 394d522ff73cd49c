"""A short campaign, which ``make chaos`` runs for longer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.chaos.cases import CASES


def test_a_short_campaign(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    size = ("--rows", "5000", "--batch-size", "250")
    times = ("--kills", str(len(CASES)), "--server-kills", "3", "--cuts", "3", "--zombies", "3")
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *size, *times, "--json", str(figures)],
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    print(done.stdout)  # with the seed
    assert done.returncode == 0
    totals = json.loads(figures.read_text())["totals"]
    assert totals["kills"] >= len(CASES)
    assert totals["server_kills"] >= 3
    assert totals["cuts"] >= 3
    assert totals["zombies"] >= 3
    assert (totals["lost"], totals["doubled"], totals["faults"]) == (0, 0, 0)
