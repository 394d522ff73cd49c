"""The order in which rejected rows are tried again: behind the last one that was tried, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from airflow_checkpoint_provider.engine.store.rejected.rejects import Kept, Rejects

ROWS_AT_ONCE = 200
"""Rows of one transaction, which locks the checkpoint meanwhile."""
CHARACTERS_AT_ONCE = 4_000_000
"""Text in memory: with the row that exceeds this, a transaction is full."""
_LISTED_AT_ONCE = 1_000


def in_turn(rejects: Rejects, ids: Iterable[int], most: int | None) -> Iterator[list[Kept]]:
    """
    Yield rows, those with the same columns together.

    :param ids: of the rows, in their turn
    :param most: at most so many; ``None`` for all
    """
    some: list[Kept] = []
    size = 0
    for id_ in ids:
        if most is not None and most <= 0:
            break
        kept, length = rejects.read(id_)
        if kept is None or not kept.row.readable:
            continue
        if some and [*some[0].row.values] != [*kept.row.values]:
            yield some
            some, size = [], 0
        some.append(kept)
        size += length
        if most is not None:
            most -= 1
        if len(some) >= ROWS_AT_ONCE or size >= CHARACTERS_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def wanted_in_turn(rejects: Rejects, wants: Callable[[str], bool]) -> Iterator[int]:
    """
    Yield the ids of the rows that are meant; each of the others has its turn before one that was refused again.

    :param wants: whether a row is meant, by its error
    """
    start = rejects.last_tried()
    for after, until in ((start, None), (0, start)):
        last = after
        while found := rejects.errors_after(last, _LISTED_AT_ONCE, until):
            last = found[-1][0]
            yield from (id_ for id_, error in found if wants(error))


def behind_last(rejects: Rejects, ids: Iterable[int]) -> list[int]:
    """Return the ids of some rows in their turn, without reading the others."""
    start = rejects.last_tried()
    return sorted(ids, key=lambda id_: (id_ <= start, id_))
