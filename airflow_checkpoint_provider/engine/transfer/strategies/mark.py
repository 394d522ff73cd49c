"""Comparison of a position, or of an incremental load's high-water mark, with the present keys of the source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import SourceChangedError, SourceError
from airflow_checkpoint_provider.engine.model.key import Key, order_of
from airflow_checkpoint_provider.engine.transfer.strategies.key_range import KeyRange, shown

_AHEAD = timedelta(days=1)  # clocks and zones may differ by so much

_FILLERS = frozenset(2**bits - 1 for bits in (15, 31, 32, 63, 64))  # the greatest numbers of integer types
_NINES = 7  # at least so many digits, all 9: a sequence rarely stands at such a number

_OTHER_MARK = "set another mark (airflow checkpoint seed, or CheckpointHook.seed)"


def check_mark(range_: KeyRange, mark: Key | None, upper: Key | None) -> Iterator[str]:
    """
    Compare a mark with the present keys of the source.

    :param upper: the present greatest key
    :return: warnings for a person
    :raises SourceError: when the source has no key as great as the mark any more
    """
    names = ", ".join(range_.columns)
    if mark is not None and upper is not None and _is_below(range_, upper, mark):
        raise SourceError(
            f"Source {range_.source.conn_id!r}: the greatest {names} is {shown(upper)}, below the mark of "
            f"{shown(mark)} up to which earlier runs have loaded. So this run would load nothing: the rows there were "
            "deleted or begin to be numbered again, or the query is one for older rows. Clear the task after a request "
            f"to reload, to load from the start; or {_OTHER_MARK}; or read older rows with scope='run'."
        )
    if mark is not None and upper is None:
        yield (
            f"The source has no rows with a value in {names}, and earlier runs have loaded up to {shown(mark)}: "
            "nothing is loaded until there are greater ones."
        )
    ahead = upper or mark
    if ahead is not None and _is_ahead(ahead[0]):
        yield (
            f"The greatest {names} is {shown(ahead)}, which lies in the future: later runs load no row before it. "
            f"Correct that row at the source, and {_OTHER_MARK}."
        )
    elif ahead is not None and _stands_for_none(ahead[0]):
        yield (
            f"The greatest {names} is {shown(ahead)}, a number that is often put where there is none: then later runs "
            f"load no row before it. Correct that row at the source, and {_OTHER_MARK}."
        )


def check_position(range_: KeyRange, position: Key) -> None:
    """
    Compare the position of a resumed load with the present keys of the source.

    :raises SourceChangedError: when the source has no key as great any more
    """
    if range_.reaches(position):
        return
    names = ", ".join(range_.columns)
    greatest = range_.greatest()
    now = (
        f"its greatest {names} is {shown(greatest)}" if greatest else f"it has no row with a value in {names}"
    )
    raise SourceChangedError(
        f"The source has changed since the last attempt: {now}, and rows up to {shown(position)} are committed. So "
        "nothing more would be loaded: the rows there were deleted or begin to be numbered again. Clear the task to "
        "load from the start, or set on_source_change='reload' to let it do so by itself."
    )


def _is_below(range_: KeyRange, upper: Key, mark: Key) -> bool:
    order = order_of(upper, mark)
    return order < 0 if order is not None else not range_.reaches(mark)


def _is_ahead(value: Any) -> bool:
    if isinstance(value, datetime):
        now = datetime.now(UTC) if value.tzinfo else datetime.now(UTC).replace(tzinfo=None)
        return value - now > _AHEAD
    return isinstance(value, date) and value - datetime.now(UTC).date() > _AHEAD


def _stands_for_none(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return False
    return value in _FILLERS or (len(str(value)) >= _NINES and set(str(value)) == {"9"})
