"""The user's query: one statement, read with sqlparse, and wrapped without touching what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlparse import tokens
from sqlparse.lexer import tokenize

from airflow_checkpoint_provider.engine.errors import ArgumentError

Parameters = Mapping[str, Any] | Sequence[Any] | None


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
    def parse(cls, sql: str, parameters: Parameters = None) -> Query:
        """
        Check that there is one statement, and cut off what would stand in the way of wrapping it.

        :raises ArgumentError: when there is none, or more than one
        """
        if isinstance(parameters, (str, bytes)):
            raise ArgumentError("parameters: give a mapping of names or a list of values, not a string.")
        kept = end = 0
        ordered, ended = False, False
        for kind, value, depth in _tokens(sql):
            if kind in tokens.Punctuation and value == ";" and depth == 0:
                ended = kept > 0
            elif kind not in tokens.Whitespace and kind not in tokens.Comment:
                if ended:
                    raise ArgumentError(
                        "sql: there is more than one statement; one query is read. Statements that prepare "
                        "the destination belong in preoperator."
                    )
                kept = end + len(value)
                if depth == 0 and kind in tokens.Keyword and " ".join(value.upper().split()) == "ORDER BY":
                    ordered = True
            end += len(value)
        if not kept:
            raise ArgumentError("sql: the query is empty.")
        return cls(sql[:kept].strip().lstrip(";").lstrip(), parameters or None, ordered)

    @property
    def source(self) -> str:
        """The query as a derived table (on lines of its own, for it may end in a comment)."""
        return f"(\n{self.text}\n) src"


def _tokens(sql: str) -> Iterator[tuple[Any, str, int]]:
    depth = 0
    for kind, value in tokenize(sql):  # type: ignore[no-untyped-call]
        if kind in tokens.Punctuation and value == ")":
            depth -= 1
        yield kind, value, depth
        if kind in tokens.Punctuation and value == "(":
            depth += 1
