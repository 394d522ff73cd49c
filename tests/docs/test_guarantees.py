"""Each line of the page on guarantees names at least one test, and all named tests exist."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from tests.support.documents import ROOT, tables

PAGE = (ROOT / "docs" / "guarantees.md").read_text()
LINES = [row for row in tables(PAGE) if row[-1] != "shown by"]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
OUTCOMES = ("prevented", "refused", "found", "told", "left out")


@lru_cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_line_names_a_test() -> None:
    assert len(LINES) > 40
    assert [row for row in LINES if not NAMED.search(row[-1])] == []


def test_every_line_says_what_comes_of_it() -> None:
    assert [row for row in LINES if not any(word in row[-2] for word in OUTCOMES)] == []


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(PAGE)
    missing = [path for path, _ in named if not (ROOT / path).is_file()]
    assert missing == []
    assert [
        (path, test)
        for path, test in named
        if test and (test[:5] != "test_" or test not in functions_of(path))
    ] == []
