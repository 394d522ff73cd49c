"""The quick start of the guide, typed into an empty folder."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.support.documents import ROOT, blocks

PAGE = ROOT / "docs" / "quick_start.md"
ON_SQLITE = "## Try it on SQLite"


def shown(title: str, language: str) -> list[str]:
    """Return the blocks of a language below a heading."""
    before, _, rest = PAGE.read_text().partition(f"\n{title}\n")
    lines = range(before.count("\n"), before.count("\n") + rest.partition("\n## ")[0].count("\n"))
    return [block.text for block in blocks(language, PAGE) if block.line in lines]


def install_line(wheel: Path) -> str:
    """Return the line that installs the package, with a wheel instead of the name."""
    (line,) = shown("## Install", "bash")
    name = '"airflow-checkpoint-provider['
    assert line.count(name) == 1, line
    return line.replace(name, f'"{wheel}[')


def type_it(folder: Path, shell: Callable[[str, Path], str]) -> None:
    """
    Follow the page, and compare the output with the output on the page.

    :param shell: runs commands in a folder, and returns their output
    """
    for block in blocks("python", PAGE):
        if block.note.startswith("file: "):
            file = folder / block.note.removeprefix("file: ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
    commands = shown(ON_SQLITE, "bash")
    assert len(commands) == 2
    printed = shell("\n".join(commands), folder)

    (log,) = shown(ON_SQLITE, "")
    for line in log.splitlines():
        steady = re.sub(r", [\d.]+ s, [\d,]+ rows/s", "", line)
        assert steady in re.sub(r", [\d.]+ s, [\d,]+ rows/s", "", printed), line
    (told,) = map(_cells, shown(ON_SQLITE, "text"))
    history = _cells(printed[printed.rindex("recorded_at") :])
    # A slow machine adds progress entries, one every five seconds.
    history = [row for row in history if row["kind"] not in ("progress", "opened")]
    assert [{name: row[name] for name in told[0]} for row in history] == told, history
    with closing(sqlite3.connect(folder / "warehouse.db")) as warehouse:
        assert warehouse.execute("SELECT count(*), sum(sale_id) FROM sales").fetchone() == (
            10**6,
            500000500000,
        )


def _cells(table: str) -> list[dict[str, str]]:
    """Return the rows of a command's output."""
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines() if line.count("|") > 2]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
