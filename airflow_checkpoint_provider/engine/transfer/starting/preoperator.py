"""The effects of a preoperator's statements, as far as they can be recognised."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.statements.query import tokenize
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, DestinationError, shortened
from airflow_checkpoint_provider.engine.transfer.fingerprint import resolved_table

Script = str | Sequence[str]

_NAMES = r"""(?P<table>(?:[^\s"`]|"[^"]*"|`[^`]*`)+)"""
_LATER = "; after a lost connection or in the next attempt rows are written in another one"
_EMPTIES = re.compile(
    rf"(?:DELETE FROM|TRUNCATE(?: TABLE)?|DROP TABLE(?: IF EXISTS)?)(?: ONLY)? {_NAMES}"
    r"(?: (?:CASCADE|RESTRICT|CONTINUE IDENTITY|RESTART IDENTITY|PURGE))*",
    re.IGNORECASE,
)


def check_session_state(script: Script, destination: Destination) -> None:
    """
    Refuse settings of one session: the rest of the rows may be written in another one.

    :raises ArgumentError: for a statement that leaves state behind in the session
    """
    for statement in statements(script, destination):
        text = re.sub(" +", " ", statement)
        if destination.dialect.session_statement.match(text):
            raise ArgumentError(
                f"preoperator: {shortened(text)!r} holds for one session only{_LATER}. "
                f"{destination.dialect.session_settings}."
            )


def run_preoperator(script: Script, destination: Destination) -> tuple[tuple[str, int | None], ...]:
    """
    Run the statements, and compare the session's state before and after: blocks and functions may change it, too.

    :return: the first word of each statement, and the rows changed by it where the driver counts them; one entry
        for each word
    :raises DestinationError: when the state of the session has changed; the caller rolls back
    """
    dialect, connection = destination.dialect, destination.connection
    before, names_before = dialect.session_state(connection), dialect.name_settings(connection)
    changed_rows: dict[str, int | None] = {}
    for verb, rows in destination.run_script(script):
        before_it = changed_rows.get(verb)
        changed_rows[verb] = rows if before_it is None or rows is None else before_it + rows
    after = dialect.session_state(connection)
    local = {
        name.lower()
        for text in ([script] if isinstance(script, str) else script)
        for found in dialect.transaction_setting.findall(text)
        for name in found
    }
    names = {**before, **after}
    changed = [name for name in names if before.get(name) != after.get(name) and name.lower() not in local]
    if changed:
        raise DestinationError(
            f"preoperator: it has changed {', '.join(changed[:5])} for one session only{_LATER}. "
            f"{dialect.session_settings}."
        )
    if dialect.name_settings(connection) != names_before:
        _take_names_back(destination, names_before)
    return tuple(changed_rows.items())


def _take_names_back(destination: Destination, settings: Mapping[str, str]) -> None:
    """Resolve names for the rest of the transaction as in all later ones, if the table is the same."""
    there = resolved_table(destination, with_database=False)
    destination.dialect.set_for_transaction(destination.connection, settings)
    rows_go_to = resolved_table(destination, with_database=False)
    if there != rows_go_to:
        raise DestinationError(
            f"preoperator: {destination.table} is {there or 'no table'} by the {' or '.join(settings)} that it sets "
            f"for its own transaction, and {rows_go_to or 'no table'} where rows are written. Name tables with their "
            "schema."
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
    """Return whether a statement is known to leave no row in the destination's table."""
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
