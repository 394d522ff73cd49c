"""A script, cut into statements."""

from __future__ import annotations

import sqlite3


def split_script(script: str) -> list[str]:
    """Split a script: the driver takes one statement at a time."""
    statements, current = [], ""
    for piece in script.split(";"):
        current += piece
        if sqlite3.complete_statement(f"{current};"):
            statements.append(current)
            current = ""
        else:
            current += ";"
    return [text for text in (*statements, current.strip("; \n\t")) if text.strip()]
