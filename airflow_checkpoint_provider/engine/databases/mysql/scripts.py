"""Scripts of MySQL, whose drivers take one statement at a time."""

from __future__ import annotations

import re

from airflow_checkpoint_provider.engine.databases.statements.query import tokenize

# MySQL has comments after a #, and reads a backslash in quotes as standard SQL does not.
TOKENS = re.compile(
    r"""
    (?P<blank> \s+ | --(?=\s|$)[^\n]* | \#[^\n]* | /\*(?!M?!).*?\*/ )
    | (?P<quoted> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `[^`]*` )
    | (?P<order> \bORDER\s+BY\b )
    | (?P<other> \w+ | . )
    """,
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)


def split_script(script: str) -> list[str]:
    """Split a script into its statements: drivers of MySQL take one at a time."""
    statements = [""]
    for kind, value, _ in tokenize(script, TOKENS):
        if value == ";":
            statements.append("")
        elif kind != "blank" or statements[-1]:
            statements[-1] += value
    return [statement for statement in statements if statement.strip()]
