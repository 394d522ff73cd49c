"""The effects of a preoperator's statements, as far as they can be recognised."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.databases.statements.query import tokenize
from airflow_checkpoint_provider.engine.model.checkpoint import SLICE, Load
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, DestinationError, shortened
from airflow_checkpoint_provider.engine.model.stored_text import digest_of
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.fingerprint import resolved_table

Script = str | Sequence[str]

_NAMES = r"""(?P<table>(?:[^\s"`]|"[^"]*"|`[^`]*`)+)"""
_LATER = "; after a lost connection or in the next attempt rows are written in another one"
_DELETE = "DELETE(?: LOW_PRIORITY| QUICK| IGNORE)*(?: FROM)?(?: ONLY)?"
_EMPTIES = re.compile(
    rf"(?:{_DELETE}|(?:TRUNCATE(?: TABLE)?|DROP TABLE(?: IF EXISTS)?)(?: ONLY)?) {_NAMES}"
    r"(?: (?:CASCADE|RESTRICT|CONTINUE IDENTITY|RESTART IDENTITY|PURGE))*",
    re.IGNORECASE,
)

_DELETES = re.compile(rf"(?:{_DELETE}|ALTER TABLE(?=.* PARTITION)) {_NAMES} .*", re.IGNORECASE | re.DOTALL)
_MOST_DELETES = 1000
"""How many statements that delete rows are compared with those of other loads."""


def check_preoperator(spec: TransferSpec, destination: Destination) -> None:
    """
    Refuse statements that are known to do harm to the rows of the load, or of others.

    :raises ArgumentError: for a statement that leaves state behind in the session, or deletes rows of other partitions
    """
    if not (script := spec.preoperator):
        return
    check_session_state(script, destination)
    replaces = spec.write_mode == "replace"
    if spec.part and (empties(script, destination) or (replaces and deleted_slices(script, destination))):
        raise ArgumentError(
            f"preoperator: it runs in each of the {spec.part.of:,} partitions, and would delete rows of "
            f"{destination.table} that others of them have loaded. Leave that to write_mode='replace', with which each "
            "partition deletes its own rows, or delete them in a task before the plan."
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
    before, names_before = dialect.session_state(connection), dialect.naming_settings(connection)
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
    if dialect.naming_settings(connection) != names_before:
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
    return any(
        (found := _EMPTIES.fullmatch(text)) and _is_among(found["table"], destination)
        for text in _tidied(script, destination)
    )


def deleted_slices(script: Script, destination: Destination) -> frozenset[str]:
    """
    Return a digest of each statement that deletes some rows of the destination's table.

    :raises ArgumentError: for more of them than can be compared with those of other loads
    """
    found = frozenset(
        digest_of([text])
        for text in _tidied(script, destination)
        if (deletes := _DELETES.fullmatch(text)) and _is_among(deletes["table"], destination)
    )
    if len(found) > _MOST_DELETES:
        raise ArgumentError(
            f"preoperator: it deletes rows of {destination.table} by {len(found):,} statements, and up to "
            f"{_MOST_DELETES:,} are compared with those of other loads. Delete them by fewer statements."
        )
    return found


def with_slices(load: Load, script: Script | None, destination: Destination) -> Load:
    """Add the rows that the preoperator deletes to a load, so that others that delete the same ones see it."""
    deleted = deleted_slices(script, destination) if script else ()
    return (
        replace(load, fingerprint={**load.fingerprint, SLICE: " ".join(sorted(deleted))}) if deleted else load
    )


def _tidied(script: Script, destination: Destination) -> Iterator[str]:
    for statement in statements(script, destination):
        yield re.sub(" ?, ?", ",", re.sub(" +", " ", statement))


def _is_among(names: str, destination: Destination) -> bool:
    table = destination.table.table.casefold()
    for name in names.split(","):
        try:
            if TableName.parse(name.strip(), argument="preoperator").table.casefold() == table:
                return True
        except ArgumentError:  # a condition, an alias
            continue
    return False
