"""Contests between transfers of whole tables, in rows per second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.cases import other_tools as extras
from benchmarks.harness.bench import Bench, sqlite_connection
from benchmarks.harness.contest import Contest
from benchmarks.harness.data import Table, create_sqlite, digest, sqlite_digest
from benchmarks.peers import psql

SetUp = Callable[[Bench], Contest]


class UnequalError(Exception):
    """A copy differs from its source."""


def against_pipe(
    table: Table, types: Mapping[str, str] | None = None, key: bool = False, from_sqlite: bool = False
) -> SetUp:
    """
    Against psql piped into psql.

    :param types: of columns that are of another type in the destination
    :param key: whether the destination has a primary key
    :param from_sqlite: our side reads from SQLite, the pipe still from Postgres
    """

    def set_up(bench: Bench) -> Contest:
        name = bench.source(table)
        connection = sqlite_connection(bench.sqlite_source(table)[0]) if from_sqlite else None
        return Contest(
            ours=lambda: bench.size(table) / bench.work(_ordered(table, name), source=connection).seconds,
            peer=lambda: bench.size(table) / psql.pipe(bench.server, _query(table, name), _copy(table)),
            prepare=lambda: bench.target(table.create("target", types, key)),
            check=lambda: _check(bench, table, name),
        )

    return set_up


def against_generic(table: Table) -> SetUp:
    """
    Against GenericTransfer, with the fastest settings of its hook.

    With psycopg 3, which the hook prefers, ``fast_executemany`` is without effect.
    """
    insert_args = {"executemany": True, "commit_every": 10_000}

    def set_up(bench: Bench) -> Contest:
        name = bench.source(table)
        arguments = {"sql": _query(table, name), "insert_args": insert_args}
        return Contest(
            ours=lambda: bench.size(table) / bench.work(_ordered(table, name)).seconds,
            peer=lambda: bench.size(table) / bench.work(arguments, task="generic").seconds,
            prepare=lambda: bench.target(table.create("target")),
            check=lambda: _check(bench, table, name),
        )

    return set_up


def against_tool(table: Table, copy: Callable[[Bench, str], float], require: Callable[[], None]) -> SetUp:
    """
    Against another tool, as a whole process.

    :param copy: copies a table of the source to ``target`` and returns the seconds
    :param require: raises when the tool is not installed
    """

    def set_up(bench: Bench) -> Contest:
        require()
        name = bench.source(table)
        return Contest(
            ours=lambda: bench.size(table) / bench.work(_ordered(table, name)).seconds,
            peer=lambda: bench.size(table) / copy(bench, name),
            prepare=lambda: bench.target(table.create("target")),
            check=lambda: _check(bench, table, name),
        )

    return set_up


def in_small_batches(table: Table, rows: int) -> SetUp:
    """Against psql that commits as often, with a statement that keeps the position."""

    def set_up(bench: Bench) -> Contest:
        name = bench.source(table)
        bench.server.execute(
            "destination",
            "CREATE TABLE IF NOT EXISTS position (id integer PRIMARY KEY, rows bigint)",
            "INSERT INTO position VALUES (1, 0) ON CONFLICT DO NOTHING",
        )
        update = f"UPDATE position SET rows = rows + {rows} WHERE id = 1"
        arguments = {**_ordered(table, name), "batch_size": rows}

        def peer() -> float:
            return psql.pipe_in_batches(bench.server, _query(table, name), _copy(table), update, rows)

        return Contest(
            ours=lambda: bench.size(table) / bench.work(arguments).seconds,
            peer=lambda: bench.size(table) / peer(),
            prepare=lambda: bench.target(table.create("target")),
            check=lambda: _check(bench, table, name),
        )

    return set_up


def upserting(table: Table, full: bool) -> SetUp:
    """
    Against psql that copies into a temporary table, and inserts or updates from there.

    :param full: whether the destination has all the keys already
    """
    names = [name for name, _, _ in table.columns[1:]]
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in names)
    commands = (
        "CREATE TEMPORARY TABLE stage (LIKE target) ON COMMIT DROP",
        f"COPY stage ({table.names}) FROM STDIN",
        f"INSERT INTO target ({table.names}) SELECT {table.names} FROM stage "
        f"ON CONFLICT ({table.key}) DO UPDATE SET {changes}",
    )

    def set_up(bench: Bench) -> Contest:
        name, rows = bench.source(table), bench.size(table)
        other = [table.fill("target", rows), "UPDATE target SET amount = -1", "VACUUM (FULL, ANALYZE) target"]
        arguments = {**_ordered(table, name), "write_mode": "upsert"}
        return Contest(
            ours=lambda: rows / bench.work(arguments).seconds,
            peer=lambda: rows / psql.pipe(bench.server, _query(table, name), *commands),
            prepare=lambda: bench.target(table.create("target", key=True), *(other if full else [])),
            check=lambda: _check(bench, table, name),
        )

    return set_up


def without_checkpoint(table: Table) -> SetUp:
    """Against ourselves, keeping no checkpoint and so committing once."""

    def set_up(bench: Bench) -> Contest:
        name, rows = bench.source(table), bench.size(table)
        without = {"sql": _query(table, name), "checkpoint_enabled": False}
        return Contest(
            ours=lambda: rows / bench.work(_ordered(table, name)).seconds,
            peer=lambda: rows / bench.work(without).seconds,
            prepare=lambda: bench.target(table.create("target")),
            check=lambda: _check(bench, table, name),
        )

    return set_up


def with_verification(table: Table, verify: str, from_sqlite: bool = False) -> SetUp:
    """Against ourselves without it."""

    def set_up(bench: Bench) -> Contest:
        name, rows = bench.source(table), bench.size(table)
        connection = sqlite_connection(bench.sqlite_source(table)[0]) if from_sqlite else None

        def work(**extra: str) -> float:
            return rows / bench.work({**_ordered(table, name), **extra}, source=connection).seconds

        return Contest(
            ours=lambda: work(verify=verify),
            peer=work,
            prepare=lambda: bench.target(table.create("target")),
            check=lambda: _check(bench, table, name),
        )

    return set_up


def to_sqlite(table: Table, from_sqlite: bool) -> SetUp:
    """Against executemany of rows that are already in memory."""

    def set_up(bench: Bench) -> Contest:
        path, name = bench.sqlite_source(table)
        target = bench.folder / "target.db"
        source = sqlite_connection(path) if from_sqlite else None
        rows = bench.size(table)

        def ours() -> float:
            outcome = bench.work(_ordered(table, name), source=source, destination=sqlite_connection(target))
            return rows / outcome.seconds

        def check() -> None:
            compare(sqlite_digest(path, name), sqlite_digest(target, "target"))

        return Contest(
            ours=ours,
            peer=lambda: rows / bench.plain("sqlite_executemany", str(path), name, str(target)),
            prepare=lambda: create_sqlite(target, "target"),
            check=check,
        )

    return set_up


def _ordered(table: Table, name: str) -> dict[str, Any]:
    return {"sql": f"SELECT {table.names} FROM {name}", "checkpoint_column": table.key}


def _query(table: Table, name: str) -> str:
    return f"SELECT {table.names} FROM {name} ORDER BY {table.key}"


def _copy(table: Table) -> str:
    return f"COPY target ({table.names}) FROM STDIN"


def _check(bench: Bench, table: Table, name: str) -> None:
    compare(digest(bench.server, "source", table, name), digest(bench.server, "destination", table, "target"))


def compare(source: str, destination: str) -> None:
    """
    Compare the digests of two tables.

    :raises UnequalError: when they differ
    """
    if source != destination:
        raise UnequalError(f"the source has {source}; the destination has {destination}")


def sling(table: Table) -> SetUp:
    """Against sling."""
    return against_tool(table, extras.sling, extras.require_sling)


def dlt(table: Table) -> SetUp:
    """Against dlt."""
    return against_tool(table, extras.dlt, extras.require_dlt)
