"""The user's query: one statement, wrapped without a change to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_checkpoint_provider.engine.databases.table_facts import TableColumns
from airflow_checkpoint_provider.engine.model.errors import ArgumentError

_ALL_SHOWN = TableColumns()

Parameters = Mapping[str, Any] | Sequence[Any] | None

# Just enough of SQL to find the end of a statement: text in quotes or comments does not count.
TOKENS = re.compile(
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


@dataclass(frozen=True, slots=True)
class Query:
    """
    One SELECT, without a trailing semicolon.

    :param text: the statement, with the driver's own placeholders
    :param parameters: values of the placeholders
    :param ordered: whether its outermost level has an ORDER BY
    :param table: what is known of the columns, where it reads a table
    :param selected: the same without conditions, where it reads a table
    :param where: the user's condition on the rows of a table; empty for all
    """

    text: str
    parameters: Parameters = None
    ordered: bool = False
    table: TableColumns = _ALL_SHOWN
    selected: str = ""
    where: str = ""

    @classmethod
    def parse(cls, sql: str, parameters: Parameters = None, tokens: re.Pattern[str] = TOKENS) -> Query:
        """
        Check that there is one statement, and cut off what would prevent wrapping it: semicolons, comments at its end.

        :param tokens: how the database writes quotes and comments
        :raises ArgumentError: when there is none, or more than one
        """
        if isinstance(parameters, (str, bytes)):
            raise ArgumentError("parameters: give a mapping of names or a list of values, not a string.")
        kept = end = 0
        ordered, ended = False, False
        for kind, value, depth in tokenize(sql, tokens):
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

    @classmethod
    def of_table(
        cls, selected: str, table: TableColumns, where: str | None, tokens: re.Pattern[str] = TOKENS
    ) -> Query:
        """
        Read a table.

        :param selected: the statement without conditions
        :param where: the user's condition on its rows
        :param tokens: how the database writes quotes and comments
        :raises ArgumentError: when ``where`` is not one condition
        """
        if where is not None:
            _check_condition(where, tokens)
        return cls("", table=table, selected=selected, where=(where or "").strip()).narrowed()

    def narrowed(self, moment: str = "", condition: str = "") -> Query:
        """
        Return the query of a table with a further condition on its rows.

        :param moment: the clause behind the table that names the moment as of which it is read
        """
        # On lines of its own, for it may end in a comment.
        given = f"(\n{self.where}\n)" if self.where else ""
        both = " AND ".join(filter(None, (condition, given)))
        return replace(self, text=f"{self.selected}{moment}{f' WHERE {both}' if both else ''}")

    @property
    def source(self) -> str:
        """The query as a derived table (on lines of its own, for it may end in a comment)."""
        return f"(\n{self.text}\n) src"


def _check_condition(where: str, tokens: re.Pattern[str]) -> None:
    """Refuse text that would end the parentheses around it, or the statement."""
    pieces = list(tokenize(where, tokens))
    words = [text for kind, text, _ in pieces if kind != "blank"]
    if not words:
        raise ArgumentError("where: the condition is empty; without it, all rows are read.")
    if words[0].upper() == "WHERE":
        raise ArgumentError("where: give the condition alone, without the word WHERE.")
    if ";" in words:
        raise ArgumentError("where: give one condition, without a semicolon.")
    if any(depth < 0 for _, _, depth in pieces) or words.count("(") != words.count(")"):
        raise ArgumentError("where: its parentheses do not match.")
    if any(word in ("'", '"', "`") for word in words):
        raise ArgumentError("where: a quotation mark is not closed.")


def tokenize(sql: str, tokens: re.Pattern[str] = TOKENS) -> Iterator[tuple[str, str, int]]:
    """Cut a statement into pieces: their kind, their text, and how many parentheses they stand in."""
    depth = 0
    for match in tokens.finditer(sql):
        kind, text = str(match.lastgroup), match.group()
        depth -= text == ")"
        yield kind, text, depth
        depth += text == "("
