"""The comparison after a load, and the error for a difference."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from airflow_checkpoint_provider.engine.databases.dialect import dialect_of
from airflow_checkpoint_provider.engine.databases.registry import open_source
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.statements.query import Query
from airflow_checkpoint_provider.engine.databases.values.stored_type import StoredType
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, VerificationError
from airflow_checkpoint_provider.engine.model.events.transfer import Verified
from airflow_checkpoint_provider.engine.model.key import kind
from airflow_checkpoint_provider.engine.model.position import Position
from airflow_checkpoint_provider.engine.transfer.attempt_context import AttemptContext
from airflow_checkpoint_provider.engine.transfer.verification.differences import Comparison
from airflow_checkpoint_provider.engine.transfer.verification.form_choice import form_of
from airflow_checkpoint_provider.engine.transfer.verification.server_side import ServerSide
from airflow_checkpoint_provider.engine.transfer.verification.sides import Range, Side

_ORDERED = frozenset(("number", "time", "time with time zone", "interval", "uuid", "bytes"))


class Verification:
    """The comparison of one attempt; the destination must be prepared."""

    def __init__(self, context: AttemptContext) -> None:
        self._spec, self._session, self._strategy = context.spec, context.session, context.strategy
        self._pairs = dict(zip(context.columns.read, context.session.destination.columns, strict=True))
        self._unjudged: list[str] = []

    def check(self, checkpoint: Checkpoint) -> None:
        """
        Make sure, before the first row is written, that the load's rows can be distinguished from others.

        :raises ArgumentError: when they cannot
        """
        if (
            self._spec.write_mode != "append"
            or checkpoint.batches
            or (checkpoint.key_columns and not checkpoint.upper)
        ):
            return
        with self._reader() as reader:
            if not reader.one(reader.first("1")) or self._has_range(checkpoint, reader):
                return
        raise ArgumentError(
            f"verify: {self._session.destination.table} has rows already, and those of this load cannot be told from "
            "them: there is no key, or the destination may sort its values in another way than the source. Use a "
            "checkpoint_column with numbers or times, write_mode='replace', a preoperator that empties the table, or "
            "verify=None, and clear the task."
        )

    def run(self, checkpoint: Checkpoint) -> Verified:
        """
        Compare the destination with the source.

        :raises VerificationError: when the rows of the destination differ from those of the source
        """
        began = time.monotonic()
        with self._reader() as reader:
            rows = self._compare(checkpoint, reader)
        return Verified(self._spec.verify or "", rows, time.monotonic() - began, tuple(self._unjudged))

    def _compare(self, checkpoint: Checkpoint, reader: Source) -> int:
        source = self._session.source
        ranges = self._ranges(checkpoint, reader)
        read, written = Side(source, [], ranges[0]), Side(reader, [], ranges[1])
        rows, there = read.count(), written.count()
        upsert, key = self._spec.write_mode == "upsert", self._key()
        # Of rows with the same key, an upsert keeps one.
        needed = read.count(list(key)) if upsert and there < rows else rows
        by_count = there < needed or (there != rows and not upsert)
        if self._spec.verify == "count" and not by_count:
            return rows
        pairs = self._pairs if self._spec.verify == "digest" else key
        found = []
        if pairs:
            sides = self._sides(source, reader, ranges, pairs)
            found = Comparison(*sides, list(key.values()), extras=not upsert).differences()
        if found or by_count:
            raise self._failed(rows, there, found)
        return rows

    def _key(self) -> dict[str, str]:
        """Return the columns that identify a row: the destination's for an upsert, else the source's."""
        if self._spec.write_mode == "upsert":
            conflicting = self._session.destination.conflict_columns
            return {read: written for read, written in self._pairs.items() if written in conflicting}
        keys = self._strategy.columns
        return {key: self._pairs[key] for key in keys} if set(keys) <= self._pairs.keys() else {}

    def _sides(
        self, source: Source, reader: Source, ranges: tuple[Range | None, Range | None], pairs: dict[str, str]
    ) -> tuple[Side, Side]:
        destination = self._session.destination
        if digests := dialect_of(source.connection).server_digests(
            source, reader, destination.name, list(pairs.items())
        ):
            return (
                ServerSide(source, list(pairs), ranges[0], digests[0]),
                ServerSide(reader, list(pairs.values()), ranges[1], digests[1]),
            )
        one, other = Side(source, list(pairs), ranges[0]), Side(reader, list(pairs.values()), ranges[1])
        samples = zip(one.sample(), other.sample(), pairs.values(), strict=True)
        forms = [form_of(mine, theirs, self._stored(name)) for mine, theirs, name in samples]
        told = zip(pairs.values(), forms, strict=True)
        self._unjudged += [f"{name} ({why})" for name, why in told if isinstance(why, str)]
        return one.judged(forms), other.judged(forms)

    def _stored(self, name: str) -> StoredType:
        destination = self._session.destination
        return destination.dialect.stored(destination.type_of(name))

    def _ranges(self, checkpoint: Checkpoint, reader: Source) -> tuple[Range | None, Range | None]:
        keys = self._strategy.columns
        if not keys:
            return None, None
        nulls = self._spec.on_null_key == "load"
        start = Position(checkpoint.start.key)
        if self._spec.lookback:
            start = self._strategy.behind(start, self._spec.lookback)
        here = Range(keys, start.key, False, checkpoint.upper, nulls)
        if self._spec.write_mode == "replace" or self._spec.stages or not self._has_range(checkpoint, reader):
            return here, None
        upper = checkpoint.upper if checkpoint.lower else None
        return here, Range(tuple(self._pairs[key] for key in keys), checkpoint.lower, True, upper, nulls)

    def _has_range(self, checkpoint: Checkpoint, reader: Source) -> bool:
        """Return whether the destination orders the key's values as the source does."""
        keys, upper = self._strategy.columns, checkpoint.upper
        if not keys or not self._pairs.keys() >= set(keys):
            return False
        if upper is None:
            return True
        names = [self._pairs[key] for key in keys]
        last = reader.last_key(names)
        kinds = list(map(kind, upper))
        return (
            last is not None
            and kinds == list(map(kind, last))
            and _ORDERED.issuperset(kinds)
            and not any(self._stored(name).changes for name in names)
        )

    @contextmanager
    def _reader(self) -> Iterator[Source]:
        """Read the destination on its own connection, and restore that afterwards."""
        destination = self._session.destination
        connection = destination.connection
        names = ", ".join(map(destination.quote, destination.columns))
        query = Query(f"SELECT {names} FROM {destination.name}")
        try:
            yield open_source(connection, query, destination.conn_id, exact=True)
        finally:
            with suppress(Exception):  # the connection may be lost; the error before that is the one to show
                connection.connection.driver_connection.rollback()  # type: ignore[union-attr]
                destination.dialect.write_again(connection)

    def _failed(self, rows: int, there: int, found: list[str]) -> VerificationError:
        differing = f": {'; '.join(found)}" if found else ""
        state = "staged, and nobody sees them" if self._spec.stages else "committed"
        return VerificationError(
            f"verify: {self._session.destination.table} is not what the source has. Compared were {rows:,} rows of the "
            f"source with {there:,} of the destination{differing}. All rows of the load are {state}. If the source "
            "has changed since it was read, or somebody else has written to the table, put that right and clear the "
            "task to load again; a retry compares again."
        )
