"""The table of types in the documentation, written from the tests' data: ``python -m tests.support.types.page``."""

from __future__ import annotations

from pathlib import Path

from tests.support.types import from_mysql, from_oracle, from_postgres, from_sqlite
from tests.support.types.cells import NAMES, Value

SOURCES: dict[str, list[Value]] = {
    "postgres": from_postgres.VALUES,
    "mysql": from_mysql.VALUES,
    "sqlite": from_sqlite.VALUES,
    "oracle": from_oracle.VALUES,
}
PAGE = Path(__file__).parents[3] / "docs" / "databases.md"
START, END = "<!-- types: written by python -m tests.support.types.page -->", "<!-- end of types -->"


def tables() -> str:
    """Write a table for each source."""
    lines = []
    for source, values in SOURCES.items():
        lines += [f"### From {NAMES[source]}", ""]
        lines += [f"| value | {' | '.join(f'to {name}' for name in NAMES.values())} |"]
        lines += [f"|---{'|---' * len(NAMES)}|"]
        for value in values:
            cells = [value.to[kind].says if kind in value.to else "" for kind in NAMES]
            lines.append(f"| {value.name} (`{value.column}`) | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def page(text: str) -> str:
    """Insert the tables into the page."""
    return inserted(text, START, tables(), END)


def inserted(text: str, start: str, between: str, end: str) -> str:
    """Replace what stands between two marks of a page."""
    before, _, rest = text.partition(start)
    return f"{before}{start}\n\n{between}\n{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
