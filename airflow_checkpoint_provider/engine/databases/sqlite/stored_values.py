"""Values as SQLite keeps them: converted where it has no type for them, refused where it would change them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from operator import ne
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.databases.sqlite.affinity import Affinity
from airflow_checkpoint_provider.engine.databases.values.text_forms import (
    NUMBER_TEXT,
    WHOLE_TEXT,
    are_dated_texts,
    are_number_texts,
    significant,
    time_text,
)
from airflow_checkpoint_provider.engine.model.errors import BadRowsError

FLOAT_DIGITS = 15
NATIVE = frozenset({int, float, str, bytes, bool, type(None), memoryview, bytearray})
_PLAIN = frozenset({bytes, memoryview, bytearray, type(None)})
_AS_THEY_ARE = {
    Affinity.NONE: NATIVE,
    Affinity.TEXT: _PLAIN | {str},
    Affinity.INTEGER: _PLAIN | {int, bool},
    Affinity.NUMERIC: _PLAIN | {int, bool},
    Affinity.REAL: _PLAIN | {bool},
}
# Types whose values Python writes as the text that is stored; none of it is a number to SQLite.
_WRITTEN_ALIKE = frozenset({datetime, date, time, UUID, type(None)})
# Text that SQLite reads as a number in a column that is not text: with blanks, signs and zeros that it drops.
_LIKE_A_NUMBER = re.compile(
    r"[ \t\n\v\f\r]*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?[ \t\n\v\f\r]*"
)
_CAST = "Declare the column as TEXT, or cast it in the query."


class StoredValues:
    """
    What the columns of one table keep.

    :param affinities: of the written columns
    :param numbered: which of them is an alias of the rowid, for whose NULL SQLite stores a number; -1 for none
    :param refuse: makes the error of a column, from its place and the reason
    """

    def __init__(
        self, affinities: Sequence[Affinity], numbered: int, refuse: Callable[[int, str], BadRowsError]
    ) -> None:
        self._affinities = affinities
        self._numbered = numbered
        self._refused = refuse

    def keeps_text(self, index: int) -> bool:
        """Return whether a column keeps any text as it is."""
        return self._affinities[index] in (Affinity.TEXT, Affinity.NONE)

    def keeps_plain(self, texts: Collection[int]) -> bool:
        """
        Return whether all columns keep text as it is, or else whole numbers, bytes and the text of dates.

        :param texts: places of columns whose values are other text
        """
        return all(
            self.keeps_text(index) or (index not in texts and affinity is not Affinity.REAL)
            for index, affinity in enumerate(self._affinities)
        )

    def check_numbers(self, rows: Sequence[Row]) -> None:
        """
        Refuse a NULL for which SQLite would store a number of its own.

        :raises BadRowsError: when there is one
        """
        if self._numbered >= 0:
            self._check_numbered([row[self._numbered] for row in rows])

    def _check_numbered(self, values: Sequence[Any]) -> None:
        if None in values:
            raise self._refused(
                self._numbered,
                "takes no NULL, for which SQLite would put a number of its own. Leave the column out, by a mapping in "
                "destination_columns, or have the query return a value.",
            )

    def taken(self, rows: Iterable[Row]) -> Iterable[Row]:
        """
        Convert values that SQLite has no type for.

        :raises BadRowsError: for a value that it would change
        """
        columns: list[Row] = list(zip(*rows, strict=True))
        changed = False
        for index, values in enumerate(columns):
            if index == self._numbered:
                self._check_numbered(values)
            converted = self._converted(index, values, set(map(type, values)))
            if converted is not values:
                columns[index], changed = converted, True
        return zip(*columns, strict=True) if changed else rows

    def _converted(self, index: int, values: Row, kinds: set[type]) -> Row:
        """Convert the values of a column; most columns have values of one type."""
        affinity = self._affinities[index]
        # Only NaN differs from itself.
        if float in kinds and any(map(ne, values, values)):
            raise self._refused(
                index,
                "cannot hold NaN, for which SQLite would store NULL. Cast it to text, or replace it, in the query.",
            )
        if kinds <= _AS_THEY_ARE[affinity]:
            return values
        if self.keeps_all(affinity, values, kinds):
            return values
        if kinds <= _WRITTEN_ALIKE:
            return _texts(values, kinds)
        if kinds <= {Decimal, type(None)} and affinity is not Affinity.INTEGER:
            texts = _texts(values, kinds)
            most = math.inf if self.keeps_text(index) else FLOAT_DIGITS
            known = list(filter(None, texts))
            if "E" not in "".join(known) and max(map(len, known)) <= most:
                return texts
        return [None if value is None else self.convert(index, value) for value in values]

    def keeps_all(self, affinity: Affinity, values: Row, kinds: set[type]) -> bool:
        """Return whether values of one type are known to be kept, by one check of all of them."""
        numbers = {float, type(None)} if affinity is Affinity.REAL else {float, int, type(None)}
        if kinds <= numbers:
            return affinity is not Affinity.TEXT and (0.0 not in values or "-0.0" not in map(repr, values))
        if kinds <= {str, type(None)}:
            texts = [value for value in values if value is not None] if type(None) in kinds else values
            if affinity is Affinity.REAL and are_number_texts(texts, FLOAT_DIGITS):
                return True
            return are_dated_texts(texts, (10, 19, 26))  # no numbers to SQLite
        return False

    def convert(self, index: int, value: Any) -> Any:
        """
        Return the value to write for a value of the source.

        :raises BadRowsError: for a value that SQLite would change
        """
        affinity = self._affinities[index]
        if isinstance(value, (bytes, memoryview, bytearray)) or (
            affinity is Affinity.NONE and type(value) in NATIVE
        ):
            return value
        if isinstance(value, bool):
            if affinity is Affinity.TEXT:
                raise self._refused(
                    index, f"is text, and there is more than one for {value}. Cast it in the query."
                )
            return int(value)
        if isinstance(value, int):
            if affinity is Affinity.TEXT:
                return str(value)
            if affinity is Affinity.REAL and not _is_float(value):
                raise self._refused(index, f"would round {value}, as it keeps floats. {_CAST}")
            return value
        if isinstance(value, float):
            if affinity is Affinity.TEXT:
                return repr(value)  # SQLite would write fifteen digits
            if value == 0 and math.copysign(1, value) < 0:
                raise self._refused(index, f"would lose the sign of {value}. {_CAST}")
            return value
        if isinstance(value, Decimal):
            return self._number(index, affinity, value)
        text = _as_text(value)
        if affinity is not Affinity.TEXT and affinity is not Affinity.NONE:
            self._check_text(index, affinity, text)
        return text

    def _number(self, index: int, affinity: Affinity, value: Decimal) -> Any:
        if affinity in (Affinity.TEXT, Affinity.NONE) or not value.is_finite():
            return format(value, "f")
        if affinity is not Affinity.REAL and value == value.to_integral_value() and abs(value) < 2**63:
            return int(value)
        if significant(value) > FLOAT_DIGITS:
            raise self._refused(index, f"would round {value}, as SQLite does with a numeric column. {_CAST}")
        return format(value, "f")

    def _check_text(self, index: int, affinity: Affinity, text: str) -> None:
        """Refuse text that SQLite would read as a number and write in another way."""
        if not _LIKE_A_NUMBER.fullmatch(text):
            return
        if WHOLE_TEXT.fullmatch(text) and abs(int(text)) < 2**63:
            if affinity is not Affinity.REAL or _is_float(int(text)):
                return
        elif affinity is Affinity.REAL:
            if NUMBER_TEXT.fullmatch(text) and Decimal(repr(float(text))) == Decimal(text):
                return
        elif repr(float(text)) == text and not text.endswith(".0") and text != "-0.0":
            return
        raise self._refused(
            index,
            f"would make another text or number of {text!r}, as SQLite does with what is no text. {_CAST}",
        )


def _texts(values: Row, kinds: set[type]) -> Row:
    if type(None) in kinds:
        return [None if value is None else str(value) for value in values]
    return list(map(str, values))


def _is_float(number: int) -> bool:
    try:
        return int(float(number)) == number
    except OverflowError:
        return False


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return time_text(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
