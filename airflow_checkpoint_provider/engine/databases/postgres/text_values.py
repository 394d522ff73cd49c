"""Moments and numbers as Postgres writes them, where they become text anyway: faster than by way of Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from airflow_checkpoint_provider.engine.databases.blocks import Row

_DATE, _SECONDS, _MICROSECONDS = (len(text) for text in ("2026-01-01", "2026-01-01 00:00:00", "x" * 26))
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d{1,6})?)?", re.ASCII)

Fetch = Callable[[int], Sequence[Row]]
Unwritable = Callable[[str, str], Exception]


def in_python_form(fetchmany: Fetch, moments: Mapping[str, int], unwritable: Unwritable) -> Fetch:
    """
    Give dates and timestamps that were read as text the form that Python's have: the server leaves zeros out.

    :param moments: the columns, and where in a row they are
    :param unwritable: makes the error for a column and a value that Python's types cannot have, such as infinity
    """

    def fetch(size: int) -> Sequence[Row]:
        rows = fetchmany(size)
        for column, index in moments.items():
            if not _all_have_it(list(filter(None, map(itemgetter(index), rows)))):
                rows = [(*row[:index], form(column, row[index]), *row[index + 1 :]) for row in rows]
        return rows

    def form(column: str, text: Any) -> Any:
        if text is None:
            return None
        if not _PLAIN.fullmatch(text):
            raise unwritable(column, text)
        return text.ljust(_MICROSECONDS, "0") if "." in text else text

    return fetch


def _all_have_it(texts: list[str]) -> bool:
    lengths = set(map(len, texts))
    if lengths <= {_DATE} or lengths <= {_SECONDS}:
        return True
    if not lengths <= {_SECONDS, _MICROSECONDS}:
        return False
    # A year of five digits and one before Christ may be as long.
    return set(map(itemgetter(4), texts)) == {"-"} and "C" not in set(map(itemgetter(-1), texts))
