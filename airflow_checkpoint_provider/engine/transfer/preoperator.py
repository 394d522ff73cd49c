"""What the statements of a preoperator do, as far as they tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.query import tokenize
from airflow_checkpoint_provider.engine.model.errors import ArgumentError

Script = str | Sequence[str]

_NAMES = r"""(?P<table>(?:[^\s"`]|"[^"]*"|`[^`]*`)+)"""
_EMPTIES = re.compile(
    rf"(?:DELETE FROM|TRUNCATE(?: TABLE)?|DROP TABLE(?: IF EXISTS)?)(?: ONLY)? {_NAMES}"
    r"(?: (?:CASCADE|RESTRICT|CONTINUE IDENTITY|RESTART IDENTITY|PURGE))*",
    re.IGNORECASE,
)


def statements(script: Script, destination: Destination) -> Iterator[str]:
    """Return the statements, without comments and with single blanks between words."""
    for text in [script] if isinstance(script, str) else script:
        words: list[str] = []
        for kind, value, _ in tokenize(text, destination.dialect.tokens):
            if value == ";":
                yield "".join(words).strip()
                words = []
            else:
                words.append(" " if kind == "blank" else value)
        yield "".join(words).strip()


def empties(script: Script, destination: Destination) -> bool:
    """Tell whether a statement is known to leave no row in the destination's table."""
    table = destination.table.table.casefold()
    for statement in statements(script, destination):
        found = _EMPTIES.fullmatch(re.sub(" ?, ?", ",", re.sub(" +", " ", statement)))
        for name in found["table"].split(",") if found else ():
            try:
                if TableName.parse(name.strip(), argument="preoperator").table.casefold() == table:
                    return True
            except ArgumentError:  # a condition, an alias
                continue
    return False
