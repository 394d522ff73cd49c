"""The order of tables by the foreign keys between them."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.transfer.fingerprint import meant_name


def parents_first(destinations: Sequence[Destination], names: Sequence[str | None]) -> list[int]:
    """
    Return the places of tables so that each one comes behind those that its foreign keys refer to.

    Tables that refer to each other in a circle keep their order: only keys that are checked later allow it.

    :param destinations: already found in the catalog, all on one connection
    :param names: what their names mean, as :func:`meant_name` has it
    """
    before: dict[int, set[int]] = {}
    for place, one in enumerate(destinations):
        parents = _parents(one)
        before[place] = {
            other for other, name in enumerate(names) if other != place and name and name.lower() in parents
        }
    while True:
        try:
            return list(TopologicalSorter(before).static_order())
        except CycleError as error:
            circle = error.args[1]  # each place stands before the next one, and the last is the first
            first, second = next(pair for pair in pairwise(circle) if pair[0] > pair[1])
            before[second].discard(first)


def _parents(destination: Destination) -> set[str]:
    connection = destination.connection
    schema, table = destination.table.in_catalog(connection.dialect)
    referred = destination.dialect.referred_tables(connection, table, schema)
    return {
        meant_name(TableName(name, owner, quoted=True, schema_quoted=True), connection).lower()
        for owner, name in referred
    }
