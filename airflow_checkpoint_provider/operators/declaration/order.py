"""The order of the tables of a declaration: after which others each is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.stored_text import shown
from airflow_checkpoint_provider.operators.declaration.accepted import unknown
from airflow_checkpoint_provider.operators.declaration.problems import DeclarationError, Problem
from airflow_checkpoint_provider.operators.declaration.tables import DeclaredTable


def edges(tables: Sequence[DeclaredTable], order: object) -> Iterator[tuple[str, str]]:
    """
    Return pairs of tables, of which the first is loaded before the second.

    :param order: ``None`` for what ``depends_on`` asks alone, ``"listed"`` for one after another
    :raises ArgumentError: when there is no such order
    """
    if order == "foreign_keys":
        raise ArgumentError(
            "order: 'foreign_keys' would have to read the foreign keys from the destination, and no database is read "
            "while a DAG is parsed, when Airflow takes the order of tasks. Give depends_on to the tables that refer to "
            "others; or load stages, which refer to none, and publish them together: "
            "write_mode='replace_atomic' with publish_together=True goes by the foreign keys."
        )
    if order not in (None, "listed"):
        raise ArgumentError(f"order: {shown(order)} is not one of None, 'listed'.")
    names = [table.name for table in tables]
    problems = [
        Problem(f"depends_on: {unknown(before, names, 'table')}", table.name, "depends_on")
        for table in tables
        for before in table.depends_on
        if before not in names
    ]
    if problems:
        raise DeclarationError(problems)
    found = {(before, table.name) for table in tables for before in table.depends_on}
    if order == "listed":
        found |= set(pairwise(names))
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for before, after in sorted(found):
        sorter.add(after, before)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " after ".join(map(repr, error.args[1][::-1]))
        raise ArgumentError(f"depends_on: the tables wait for each other: {circle}.") from None
    return iter(sorted(found, key=lambda pair: (names.index(pair[0]), names.index(pair[1]))))
