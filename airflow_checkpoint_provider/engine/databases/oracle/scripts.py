"""Scripts of Oracle, whose driver takes one statement at a time."""

from __future__ import annotations

import re

from airflow_checkpoint_provider.engine.databases.statements.query import tokenize

_BLOCK = re.compile(
    r"(?:BEGIN|DECLARE|CREATE\s+(?:OR\s+REPLACE\s+)?(?:PROCEDURE|FUNCTION|PACKAGE|TRIGGER|TYPE))\b",
    re.IGNORECASE,
)


_SLASH = re.compile(r"^\s*/\s*$", re.MULTILINE)


def split_script(script: str) -> list[str]:
    """
    Split a script for a driver that takes one statement at a time, as Oracle's does.

    A block of PL/SQL ends at a line with only a slash, or with the script.
    """
    found = []
    for part in _SLASH.split(script):
        begin = end = 0
        started = block = False
        for kind, value, _ in tokenize(part):
            if value == ";" and not block:
                found.append(part[begin:end] if started else "")
                begin, started = end + 1, False
            elif kind != "blank" and not started:
                started, block = True, bool(_BLOCK.match(part, end))
            end += len(value)
        found.append(part[begin:] if started else "")
    return [statement.strip() for statement in found if statement]
