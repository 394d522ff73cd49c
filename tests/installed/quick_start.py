"""The quick start of the guide, typed into an empty folder."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.documents import ROOT, blocks

PAGE = ROOT / "docs" / "quick_start.md"
BEFORE, _, REST = PAGE.read_text().partition("\n## Try it on SQLite\n")
LINES = range(BEFORE.count("\n"), BEFORE.count("\n") + REST.partition("\n## ")[0].count("\n"))


def shown(language: str) -> list[str]:
    return [block.text for block in blocks(language, PAGE) if block.line in LINES]


def cells(table: str) -> list[dict[str, str]]:
    """Return the rows of what a command shows."""
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines() if line.count("|") > 3]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def test_it_says_what_happens(tmp_path: Path) -> None:
    for block in blocks("python", PAGE):
        if block.note.startswith("file: "):
            file = tmp_path / block.note.removeprefix("file: ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
    commands = shown("bash")
    assert len(commands) == 2
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "PYTHONPATH": str(ROOT), "COLUMNS": "400"}
    done = subprocess.run(
        ["bash", "-euc", "\n".join(commands)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-3000:]

    (log,) = shown("")
    for line in log.splitlines():
        steady = re.sub(r", [\d.]+ s, [\d,]+ rows/s", "", line)
        assert steady in re.sub(r", [\d.]+ s, [\d,]+ rows/s", "", done.stdout), line
    (told,) = map(cells, shown("text"))
    history = cells(done.stdout[done.stdout.rindex("recorded_at") :])
    assert [{name: row[name] for name in told[0]} for row in history] == told
    with closing(sqlite3.connect(tmp_path / "warehouse.db")) as warehouse:
        assert warehouse.execute("SELECT count(*), sum(sale_id) FROM sales").fetchone() == (
            10**6,
            500000500000,
        )
