"""The user's query: one statement, wrapped without touching what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_checkpoint_provider.engine.errors import ArgumentError

Parameters = Mapping[str, Any] | Sequence[Any] | None

# Just enough of SQL to know where a statement ends: what stands in quotes or comments does not count.
_TOKEN = re.compile(
    r"""
    (?P<blank> \s+ | --[^\n]* | /\*.*?\*/ )
    | (?P<quoted>
        (?<!\w)N?Q'(?:\[.*?\]|\{.*?\}|\(.*?\)|<.*?>|(?P<mark>[^\s\[{(<]).*?(?P=mark))'
        | \bE'(?:[^'\\]|\\.|'')*' | '[^']*' | "[^"]*" | `[^`]*`
        | (?<![\w$])(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag)
    )
    | (?P<order> \bORDER\s+BY\b )
    | (?P<other> \w+ | . )
    """,
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
# MySQL has comments behind a #, and reads a backslash in quotes as standard SQL does not.
_MYSQL_TOKEN = re.compile(
    r"""
    (?P<blank> \s+ | --(?=\s|$)[^\n]* | \#[^\n]* | /\*(?!!).*?\*/ )
    | (?P<quoted> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `[^`]*` )
    | (?P<order> \bORDER\s+BY\b )
    | (?P<other> \w+ | . )
    """,
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Query:
    """
    One SELECT, without a trailing semicolon.

    :param text: the statement, with the driver's own placeholders
    :param parameters: values of the placeholders
    :param ordered: whether its outermost level has an ORDER BY
    """

    text: str
    parameters: Parameters = None
    ordered: bool = False

    @classmethod
    def parse(cls, sql: str, parameters: Parameters = None, dialect: str = "") -> Query:
        """
        Check that there is one statement, and cut off what would stand in the way of wrapping it.

        :param dialect: ``mysql`` for its own way of writing comments and quotes
        :raises ArgumentError: when there is none, or more than one
        """
        if isinstance(parameters, (str, bytes)):
            raise ArgumentError("parameters: give a mapping of names or a list of values, not a string.")
        kept = end = 0
        ordered, ended = False, False
        for kind, value, depth in _tokens(sql, dialect):
            if value == ";":
                ended = kept > 0
            elif kind != "blank":
                if ended:
                    raise ArgumentError(
                        "sql: there is more than one statement; one query is read. Statements that prepare "
                        "the destination belong in preoperator."
                    )
                kept = end + len(value)
                ordered = ordered or (kind == "order" and depth == 0)
            end += len(value)
        if not kept:
            raise ArgumentError("sql: the query is empty.")
        return cls(sql[:kept].strip().lstrip(";").lstrip(), parameters or None, ordered)

    @property
    def source(self) -> str:
        """The query as a derived table (on lines of its own, for it may end in a comment)."""
        return f"(\n{self.text}\n) src"


def split_mysql(script: str) -> list[str]:
    """Split a script into its statements: drivers of MySQL take one at a time."""
    statements = [""]
    for kind, value, _ in _tokens(script, "mysql"):
        if value == ";":
            statements.append("")
        elif kind != "blank" or statements[-1]:
            statements[-1] += value
    return [statement for statement in statements if statement.strip()]


_BLOCK = re.compile(
    r"(?:BEGIN|DECLARE|CREATE\s+(?:OR\s+REPLACE\s+)?(?:PROCEDURE|FUNCTION|PACKAGE|TRIGGER|TYPE))\b",
    re.IGNORECASE,
)
_SLASH = re.compile(r"^\s*/\s*$", re.MULTILINE)


def statements(script: str) -> list[str]:
    """
    Split a script for a driver that takes one statement at a time, as Oracle's does.

    A block of PL/SQL goes up to a line with nothing but a slash, or to the end.
    """
    found = []
    for part in _SLASH.split(script):
        begin = end = 0
        started = block = False
        for kind, value, _ in _tokens(part, "oracle"):
            if value == ";" and not block:
                found.append(part[begin:end] if started else "")
                begin, started = end + 1, False
            elif kind != "blank" and not started:
                started, block = True, bool(_BLOCK.match(part, end))
            end += len(value)
        found.append(part[begin:] if started else "")
    return [statement.strip() for statement in found if statement]


def _tokens(sql: str, dialect: str) -> Iterator[tuple[str, str, int]]:
    """Cut a statement into pieces: their kind, their text, and how many parentheses they stand in."""
    depth = 0
    for match in (_MYSQL_TOKEN if dialect == "mysql" else _TOKEN).finditer(sql):
        kind, text = str(match.lastgroup), match.group()
        depth -= text == ")"
        yield kind, text, depth
        depth += text == "("
