"""The tables of a declaration: each with the arguments that apply to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.operators.declaration.accepted import DECLARED, OF_PLAN, strange
from airflow_checkpoint_provider.operators.declaration.names import DeclaredName, check_filled
from airflow_checkpoint_provider.operators.declaration.problems import DeclarationError, Problem

_OF_QUERY = ("sql", "parameters")
_OF_TABLE = ("source_table", "columns", "where")
_PLAIN = DeclaredName("-", "-")

ADDING = ("append", "upsert")
"""The values of ``write_mode`` that delete nothing."""


@dataclass(frozen=True, slots=True)
class DeclaredTable:
    """
    A table with its arguments.

    :param name: the key in the declaration
    :param task_id: the id of its task, or of the group of its tasks, within the group of all tables
    :param arguments: of its tasks: the defaults, and its own in front of them
    :param partitions: the number of partitions, ``None`` for one task
    :param depends_on: the names of the tables that are loaded before it
    :param outlets: what a common publication of several tables updates for it; ``None`` where it is not part of one
    """

    name: str
    task_id: str
    arguments: Mapping[str, Any]
    partitions: Any = None
    depends_on: tuple[str, ...] = ()
    outlets: tuple[Any, ...] | None = None


def read_tables(
    tables: Any,
    defaults: Any,
    common: Mapping[str, Any],
    shared: Mapping[str, Any],
    *,
    listed: bool = False,
) -> tuple[DeclaredTable, ...]:
    """
    Read the tables of a declaration.

    :param tables: a mapping of the name of each table to its arguments
    :param defaults: arguments of all tables
    :param common: arguments of the group, which are those of all tables as well
    :param shared: the ``default_args`` of the tasks
    :param listed: the tables become instances of one task, other arguments of which are not known here
    :raises DeclarationError: with everything that is wrong with them
    """
    if not isinstance(defaults, Mapping):
        raise ArgumentError(f"defaults: {shown(defaults)} is not a mapping of arguments.")
    if not isinstance(tables, Mapping) or not tables:
        raise ArgumentError(f"tables: {shown(tables)} is not a mapping of tables to their arguments.")
    problems = list(strange(defaults))
    found = []
    for name, own in tables.items():
        wrong = list(_misshapen(name, own))
        problems += wrong
        if not wrong:
            try:
                found.append(_read(name, own or {}, defaults, common))
            except ArgumentError as error:
                problems.append(problem_of(name, error))
    if not listed:
        problems += _same_ids(found)
    # An instance of a listed table may be given any write_mode; a task has "append" unless it is given another.
    adding = ADDING if listed else (None, *ADDING)
    problems += _same_destinations(
        [(one, {**shared, **one.arguments}) for one in found], tables, defaults, adding
    )
    if problems:
        raise DeclarationError(problems)
    return tuple(found)


def problem_of(name: str, error: Exception) -> Problem:
    """Return the problem that an error of a table's operator is."""
    message = str(error)
    argument = message.partition(": ")[0]
    return Problem(message, name, argument if argument.isidentifier() else None)


def _misshapen(name: Any, own: Any) -> Iterator[Problem]:
    if not isinstance(name, str):
        yield Problem("the name is not a text; put it into quotes.", name)
    elif own is not None and not isinstance(own, Mapping):
        yield Problem(f"{shown(own)} is not a mapping of arguments.", name)
    elif own:
        yield from strange(own, name)


def _read(
    name: str, own: Mapping[str, Any], defaults: Mapping[str, Any], common: Mapping[str, Any]
) -> DeclaredTable:
    parsed = DeclaredName.parse(name)
    # A table with a query of its own does not have the default table, nor the other way about.
    left = _OF_TABLE if own.get("sql") else _OF_QUERY if own.get("source_table") else ()
    given = {**common, **{key: value for key, value in defaults.items() if key not in left}, **own}
    given = {key: _filled(key, value, parsed) for key, value in given.items()}
    if given.get("sql") is None and given.get("source_table") is None:
        given["source_table"] = name
    check_filled(given)
    partitions = given.get("partitions")
    if partitions is None:
        for key in OF_PLAN:
            if given.pop(key, None) is not None and key in own:
                raise ArgumentError(f"{key}: it goes with partitions; give their number, or leave {key} out.")
    elif given.get("partition") is not None:
        raise ArgumentError("partition: with partitions, each task has its own; leave it out.")
    task_id = given.pop("task_id", None) or parsed.task_id
    depends_on = _names("depends_on", given.get("depends_on"))
    return DeclaredTable(
        name,
        task_id,
        {key: value for key, value in given.items() if key not in DECLARED},
        partitions,
        depends_on,
    )


def _filled(argument: str, value: Any, name: DeclaredName) -> Any:
    try:
        return name.fill(value)
    except ArgumentError as error:
        raise ArgumentError(f"{argument}: {error}") from None


def _names(argument: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise ArgumentError(f"{argument}: {shown(value)} is not a list of tables of the group.")


def _same_ids(tables: Sequence[DeclaredTable]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for table in tables:
        if other := seen.get(table.task_id):
            yield Problem(
                f"task_id: {table.task_id!r} is that of {other!r} as well; give one of them another task_id.",
                table.name,
                "task_id",
            )
        seen.setdefault(table.task_id, table.name)


def _same_destinations(
    tables: Sequence[tuple[DeclaredTable, Mapping[str, Any]]],
    own: Mapping[str, Any],
    defaults: Mapping[str, Any],
    adding: Sequence[Any],
) -> Iterator[Problem]:
    """
    Find tables that meet in one destination, where one may empty it or nobody has written that they do.

    :param tables: each with all arguments of its task
    :param adding: the values of ``write_mode`` that empty nothing
    """
    pattern = defaults.get("destination_table")
    by_pattern = pattern != _PLAIN.fill(pattern)
    seen: dict[tuple[Any, str], tuple[DeclaredTable, Any]] = {}
    for table, given in tables:
        name = given.get("destination_table")
        if not isinstance(name, str):
            continue
        mode = given.get("write_mode")
        other, mode_of_other = seen.setdefault((given.get("destination_conn_id"), name), (table, mode))
        if other is table:
            continue
        emptied = mode not in adding or mode_of_other not in adding
        derived = by_pattern and not any(
            "destination_table" in (own[one.name] or {}) for one in (other, table)
        )
        if emptied or derived:
            remedy = "give each table its own"
            if emptied and not derived:
                remedy += (
                    ", or name a write_mode that adds, 'append' or 'upsert', with the tables or in defaults"
                )
            yield Problem(
                f"destination_table: {other.name!r} is loaded into {shown(name)} as well; {remedy}.",
                table.name,
                "destination_table",
            )
