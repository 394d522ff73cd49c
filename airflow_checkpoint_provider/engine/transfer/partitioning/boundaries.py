"""Boundaries that cut a table into partitions of about equal size, found in the ways that a database offers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, cast

from airflow_checkpoint_provider.engine.databases.rows.blocks import Rows
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.model.partition import Amount, Boundary

EVEN_ENOUGH = (
    1.5  # times the even share that the largest partition may have, where ranges of equal width are taken
)
_AT_ONCE = 900  # values in one IN; Oracle allows 1,000


def cut_points(rows: int, parts: int) -> list[int]:
    """Return the numbers of the rows that end a partition, but for the last."""
    return sorted({math.ceil(rows * number / parts) for number in range(1, parts)} - {0, rows})


def choose(candidates: Sequence[Boundary], rows: float, parts: int) -> list[Boundary]:
    """Choose the boundaries of about equal partitions among values in ascending order."""
    chosen: list[Boundary] = []
    number = 1
    for candidate in candidates:
        if candidate.rows >= rows * number / parts and number < parts:
            chosen.append(candidate)
            while candidate.rows >= rows * number / parts and number < parts:
                number += 1
    return chosen


def count(source: Source, column: str) -> Amount:
    """Count the rows."""
    row = source.one(source.select(f"COUNT(*), COUNT({source.quote(column)})"))
    rows, keyed = row or (0, 0)
    return Amount(int(keyed), int(rows) - int(keyed))


def by_width(source: Source, column: str, amount: Amount, parts: int, last: Any) -> list[Boundary] | None:
    """
    Cut the range of a number into equal pieces, and count the rows in each: one scan and no sort.

    :return: ``None`` where the column is no number, or its values are not spread evenly
    """
    name = source.quote(column)
    first = source.one(source.first(source.exact(column), f"{name} IS NOT NULL", name))
    borders = _equal_steps(first[0], last, parts) if first else []
    if not borders:
        return None
    cases = " ".join(f"WHEN {name} <= {_literal(border)} THEN {n}" for n, border in enumerate(borders, 1))
    text, values = source.select(
        f"CASE {cases} ELSE {len(borders) + 1} END AS airflow_slot", f" WHERE {name} IS NOT NULL"
    )
    counted = f"SELECT airflow_slot, COUNT(*) FROM (\n{text}\n) src GROUP BY airflow_slot"
    rows = {int(slot): int(rows) for slot, rows in fetch(source, (counted, values))}
    if max(rows.values(), default=0) > EVEN_ENOUGH * amount.keyed / parts:
        return None
    found, before = [], 0
    for number, border in enumerate(borders, 1):
        if number in rows:
            before += rows[number]
            found.append(Boundary(border, before))
    return found


def by_rank(source: Source, column: str, amount: Amount, parts: int) -> list[Boundary]:
    """Number the rows in the column's order, as every database can, and keep those that end a partition."""
    name = source.quote(column)
    text, values = source.select(
        f"{name}, ROW_NUMBER() OVER (ORDER BY {name}) AS airflow_place, "
        # Rows with the same value are counted as the database sees them: 'a' may be 'A'.
        f"COUNT(*) OVER (ORDER BY {name}) AS airflow_upto",
        f" WHERE {name} IS NOT NULL",
    )
    wanted = cut_points(amount.keyed, parts)
    found: list[Boundary] = []
    for start in range(0, len(wanted), _AT_ONCE):
        listed = ", ".join(map(str, wanted[start : start + _AT_ONCE]))
        statement = (
            f"SELECT {source.exact(column)}, airflow_upto FROM (\n{text}\n) src"
            f" WHERE airflow_place IN ({listed}) ORDER BY airflow_place"
        )
        found += [Boundary(value, int(upto)) for value, upto in fetch(source, (statement, values))]
    return found


def by_values(source: Source, column: str) -> list[Boundary]:
    """Count the rows of each value."""
    name = source.quote(column)
    inner, values = source.select(
        f"{name}, COUNT(*) AS airflow_rows", f" WHERE {name} IS NOT NULL GROUP BY {name}"
    )
    statement = f"SELECT {source.exact(column)}, airflow_rows FROM (\n{inner}\n) src ORDER BY {name}"
    found, before = [], 0
    for value, rows in fetch(source, (statement, values)):
        before += int(rows)
        found.append(Boundary(value, before))
    return found


def by_sample(values: Sequence[Any], amount: Amount) -> list[Boundary]:
    """
    Return boundaries from a sample of the values.

    :param values: of the column, in its order
    """
    borders: list[Boundary] = []
    for number, value in enumerate(values, 1):
        rows = amount.keyed * number / len(values)
        if borders and borders[-1].value == value:
            borders.pop()
        borders.append(Boundary(value, rows))
    return borders


def _equal_steps(first: Any, last: Any, parts: int) -> list[Any]:
    ends = (first, last)
    if any(isinstance(end, bool) or not isinstance(end, (int, Decimal)) for end in ends):
        return []
    if not all(Decimal(end).is_finite() for end in ends):
        return []
    width = int(last) - int(first)
    # Whole numbers can be written in every database; their Python type stays that of the column's values.
    type_ = Decimal if Decimal in map(type, ends) else int
    steps = sorted({int(first) + width * number // parts for number in range(1, parts)})
    return [type_(step) for step in steps if first <= step < last] if width >= parts else []


def _literal(number: int | Decimal) -> str:
    return f"({int(number)})" if number < 0 else f"{int(number)}"


def fetch(source: Source, statement: tuple[str, Any]) -> Iterator[Any]:
    """Run a statement and return its rows one by one."""
    with source.stream(statement) as reader:
        while block := reader.read(_AT_ONCE):
            yield from cast("Rows", block)
