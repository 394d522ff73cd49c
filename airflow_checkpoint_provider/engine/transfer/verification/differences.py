"""Finding the rows that differ: buckets with different digests are read again, a bounded number of rows at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from airflow_checkpoint_provider.engine.databases.rows.blocks import Row
from airflow_checkpoint_provider.engine.model.errors import shortened
from airflow_checkpoint_provider.engine.transfer.verification.sides import Digests, Side

_ROWS_AT_ONCE = 200_000
_NAMED = 5

Held = dict[Row, Counter[Row]]


class Comparison:
    """
    The comparison of two sides.

    :param key: the columns that identify a row, by the destination's names
    :param extras: whether rows that only the destination has are differences; if not, rows that one of the same key has
        replaced are none either
    """

    def __init__(self, source: Side, destination: Side, key: Sequence[str], *, extras: bool) -> None:
        self._source, self._destination = source, destination
        self._names = key if set(key) <= set(destination.columns) else []
        self._extras = extras
        for side in (source, destination):
            side.key = [destination.columns.index(name) for name in self._names]

    def differences(self) -> list[str]:
        """Return the first keys that differ, in words; without a key, the number of differing rows."""
        one, other = self._source.digests(), self._destination.digests()
        candidates = one.keys() | other.keys() if self._extras else one.keys()
        buckets = [bucket for bucket in sorted(candidates) if one.get(bucket) != other.get(bucket)]
        for group in self._groups(buckets, one, other):
            held: Held = defaultdict(Counter)
            for row in self._source.rows(group):
                held[self._source.key_of(row)][row] += 1
            there: Held = defaultdict(Counter)
            for row in self._destination.rows(group):
                key = self._destination.key_of(row)
                if self._extras or key in held:
                    there[key][row] += 1
            if found := self._compare(held, there):
                return found
        return []

    def _groups(self, buckets: Sequence[int], one: Digests, other: Digests) -> Iterator[set[int]]:
        group: set[int] = set()
        size = 0
        for bucket in buckets:
            rows = one.get(bucket, (0, 0))[0] + (other.get(bucket, (0, 0))[0] if self._extras else 0)
            if group and size + rows > _ROWS_AT_ONCE:
                yield group
                group, size = set(), 0
            group.add(bucket)
            size += rows
        if group:
            yield group

    def _compare(self, held: Held, there: Held) -> list[str]:
        if not self._names:
            missing, extra = held[()] - there[()], there[()] - held[()]
            if not missing and not extra:
                return []
            return [
                f"{missing.total():,} of the rows that were compared are missing in the destination, and "
                f"{extra.total():,} are only there"
            ]
        keys = sorted(held.keys() | there.keys(), key=_order)
        told = (self._told(key, held.get(key, Counter()), there.get(key, Counter())) for key in keys)
        found = list(islice(filter(None, told), _NAMED + 1))
        return [*found[:_NAMED], "and more"] if len(found) > _NAMED else found

    def _told(self, key: Row, one: Counter[Row], other: Counter[Row]) -> str:
        missing, extra = one - other, other - one
        if not self._extras:
            # Of several rows with one key any may have been the last one.
            replaced = None not in key and one.total() > 1 and not extra and other
            if not missing or replaced:
                return ""
        if not missing and not extra:
            return ""
        name = ", ".join(
            f"{n} = {shortened('NULL' if value is None else value)}"
            for n, value in zip(self._names, key, strict=True)
        )
        if not other:
            return f"{name} is missing in the destination"
        if not one:
            return f"{name} is extra in the destination"
        if one.total() != other.total():
            return f"{name} has {other.total():,} rows in the destination and {one.total():,} in the source"
        columns = {
            column
            for mine, theirs in zip(missing, extra, strict=False)
            for column, value, other_value in zip(self._destination.columns, mine, theirs, strict=True)
            if value != other_value
        }
        return f"{name} has other values in {', '.join(sorted(columns))}"


def _order(key: Row) -> list[tuple[int, str]]:
    # Numbers without sign and fraction sort by size; the order is for people only.
    return [(0, "") if value is None else (len(value) if value.isdigit() else 1, value) for value in key]
