"""The pages on the architecture name every file of the engine once, and nothing that does not exist."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import ROOT, tables, without_code

PACKAGE = ROOT / "airflow_checkpoint_provider"
ENGINE = PACKAGE / "engine"
PAGES = sorted((ROOT / "docs" / "architecture").glob("*.md"))
MODULES = [
    path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"
]
SOURCES = [*PACKAGE.rglob("*.py"), *(ROOT / "tests" / "support").rglob("*.py")]
FILES = [path.relative_to(ROOT).as_posix() for path in SOURCES]
FOLDERS = [f"{path.relative_to(PACKAGE).as_posix()}/" for path in PACKAGE.rglob("*") if path.is_dir()]
OTHERS = {"Copy", "Cursor", "confirm", "DateStyle", "IntervalStyle"}
"""Names of psycopg, browsers and Postgres."""


def names() -> Iterator[str]:
    """Return the names of classes, functions and variables."""
    for node in (node for path in SOURCES for node in ast.walk(ast.parse(path.read_text()))):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


NAMES = set(names())


def quoted(text: str) -> set[str]:
    """Return the texts between backticks."""
    return set(re.findall(r"`([^`\n]+)`", without_code(text)))


def ends(path: str, among: list[str]) -> bool:
    return any(f"/{one}".endswith(f"/{path}") for one in among)


def test_every_file_of_the_engine_is_named_once() -> None:
    cells = [row[0].strip("`") for page in PAGES for row in tables(page.read_text())]
    listed = Counter(f"engine/{cell}" for cell in cells if cell.endswith(".py"))
    assert listed == Counter(path for path in MODULES if path.startswith("engine/"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_folders_are_there(page: Path) -> None:
    text = page.read_text()
    assert {name for name in re.findall(r"[\w/]+\.py\b", text) if not ends(name, FILES)} == set()
    assert {name for name in re.findall(r"\bengine/[\w/]*/", text) if name not in FOLDERS} == set()
    assert {
        name for name in quoted(text) if name.startswith("tests/") and not (ROOT / name).exists()
    } == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_classes_and_functions_are_there(page: Path) -> None:
    named = [
        name.removesuffix("()")
        for name in quoted(page.read_text())
        if re.fullmatch(r"[A-Z][a-z]\w+(\.\w+)?(\(\))?|\w+\(\)", name)
    ]
    assert {part for name in named for part in name.split(".")} - NAMES - OTHERS == set()


def test_the_contracts_are_as_many_as_the_page_says() -> None:
    contracts = (ROOT / "pyproject.toml").read_text().count("[[tool.importlinter.contracts]]")
    assert contracts == 4
    assert "four contracts" in (ROOT / "docs" / "architecture" / "index.md").read_text()
