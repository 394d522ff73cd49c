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


_LEAVES_STATE = re.compile(
    r"(?:SET (?!LOCAL |TRANSACTION |CONSTRAINTS? |@[^@])|RESET |DISCARD |USE |ALTER SESSION |PRAGMA |ATTACH |DETACH "
    r"|CREATE (?:OR REPLACE )?(?:LOCAL )?TEMP(?:ORARY)? |LOCK TABLES |LISTEN |PREPARE "
    r"|SELECT (?:pg_catalog\.)?set_config\(.*, ?(?:false|'f')\)|SELECT (?:pg_advisory_lock|GET_LOCK)\()",
    re.IGNORECASE | re.DOTALL,
)


def check_session_state(script: Script, destination: Destination) -> None:
    """
    Refuse what holds in one session only: the rest of the rows may be written in another one.

    :raises ArgumentError: for a statement that leaves state behind in the session
    """
    for statement in statements(script, destination):
        text = re.sub(" +", " ", statement)
        if _LEAVES_STATE.match(text):
            shown = text if len(text) <= 80 else f"{text[:77]}..."
            raise ArgumentError(
                f"preoperator: {shown!r} holds for one session only; after a lost connection or in the next attempt "
                f"rows are written in another one. {destination.dialect.session_settings}."
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
