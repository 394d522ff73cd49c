"""Values that MySQL would change without an error, even in strict mode: written exactly, or refused before sending."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

from airflow_checkpoint_provider.engine.databases.mysql.values.column_facts import ColumnFacts
from airflow_checkpoint_provider.engine.databases.mysql.values.json_values import as_json
from airflow_checkpoint_provider.engine.databases.mysql.values.listed_values import (
    SHAPES,
    as_address,
    as_member,
    as_members,
    as_uuid,
)
from airflow_checkpoint_provider.engine.databases.mysql.values.moment_values import (
    as_date,
    as_moment,
    as_time,
)
from airflow_checkpoint_provider.engine.databases.mysql.values.number_values import (
    INTEGERS,
    as_bits,
    as_decimal,
    as_float,
    as_whole,
    as_year,
)
from airflow_checkpoint_provider.engine.databases.mysql.values.text_values import (
    BLOBS,
    MAX_BYTES,
    as_binary,
    as_bytes,
    as_char,
    as_text,
)
from airflow_checkpoint_provider.engine.databases.values.refusals import RefusedValueError, unknown
from airflow_checkpoint_provider.engine.model.errors import BadRowsError

Convert = Callable[[Any], Any]


_NULL = type(None)


class ColumnWriter:
    """
    Converts the values of one column into values that the drivers write unchanged.

    :param column: the column, for messages
    """

    def __init__(self, column: str, facts: ColumnFacts) -> None:
        self._column = column
        self._facts = facts
        self._as_they_are, self._convert = _rule(facts)

    def converted(self, values: Sequence[Any]) -> Sequence[Any]:
        """
        Convert values.

        :raises BadRowsError: for a value that the column would change
        """
        kinds = set(map(type, values))
        if _NULL in kinds and self._facts.takes_no_null:
            instead = "a number of its own" if self._facts.counts else "the time of the load"
            raise self._refused(
                f"takes no NULL, for which the server would put {instead}. Leave the column out, by a mapping in "
                "destination_columns, or have the query return a value."
            )
        if kinds <= self._as_they_are:
            return values
        try:
            return [None if value is None else self._convert(value) for value in values]
        except RefusedValueError as refused:
            raise self._refused(str(refused)) from None

    def _refused(self, why: str) -> BadRowsError:
        return BadRowsError(f"{self._column} ({self._facts.declared}) {why}")


def _rule(facts: ColumnFacts) -> tuple[frozenset[type], Convert]:
    """Return the types that are written as they are, and the function that converts the others."""
    _, as_they_are, convert = next(
        (rule for rule in _RULES if facts.kind in rule[0]), ((), frozenset((_NULL,)), _never)
    )
    return as_they_are, partial(convert, facts)


def _never(facts: ColumnFacts, value: Any) -> Any:
    raise unknown(value, facts.kind)


_RULES: Sequence[tuple[Sequence[str], frozenset[type], Callable[[ColumnFacts, Any], Any]]] = (
    (INTEGERS, frozenset((int, bool, _NULL)), as_whole),
    (("bit",), frozenset((bool, _NULL)), as_bits),
    (("decimal", "numeric"), frozenset((int, bool, _NULL)), as_decimal),
    (("double", "real", "float"), frozenset((_NULL,)), as_float),
    (("year",), frozenset((_NULL,)), as_year),
    (("date",), frozenset((date, _NULL)), as_date),
    (("datetime", "timestamp"), frozenset((date, _NULL)), as_moment),
    (("time",), frozenset((_NULL,)), as_time),
    (("char",), frozenset((_NULL,)), as_char),
    (("longtext",), frozenset((str, _NULL)), as_text),
    (("varchar", *MAX_BYTES), frozenset((_NULL,)), as_text),
    (("binary",), frozenset((_NULL,)), as_binary),
    ((*BLOBS, *SHAPES), frozenset((bytes, _NULL)), as_bytes),
    (("json",), frozenset((_NULL,)), as_json),
    (("enum",), frozenset((_NULL,)), as_member),
    (("set",), frozenset((_NULL,)), as_members),
    (("uuid",), frozenset((_NULL,)), as_uuid),
    (("inet4", "inet6"), frozenset((_NULL,)), as_address),
)
