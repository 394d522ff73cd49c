"""Contests between transfers from and to MariaDB, in rows per second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.cases.copying import SetUp, compare
from benchmarks.harness.bench import Bench
from benchmarks.harness.contest import Contest
from benchmarks.harness.shared_data import SharedTable
from benchmarks.peers import mariadb as peers

POSTGRES, MARIADB = 0, 1
require_pgloader = peers.require_pgloader
GENERIC = {"executemany": True, "commit_every": 10_000}


def contest(
    table: SharedTable,
    source: int,
    destination: int,
    peer: Callable[[Bench, SharedTable, str], float],
    require: Callable[[], None] = lambda: None,
    **arguments: Any,
) -> SetUp:
    """
    Against another way from one server to the other.

    :param source: :data:`POSTGRES` or :data:`MARIADB`
    :param peer: copies a table of the source to ``target`` and returns the seconds
    :param require: raises when the peer is not installed
    :param arguments: more of the operator's
    """
    upsert = arguments.get("write_mode") == "upsert"

    def set_up(bench: Bench) -> Contest:
        require()
        name, rows = bench.shared_source(table), bench.size(table)
        target = name if peer is dump else "target"
        ours = {
            "sql": f"SELECT {table.names} FROM {name}",
            "checkpoint_column": table.key,
            "destination_table": target,
            **arguments,
        }

        def prepare() -> None:
            bench.shared_target(table.create(destination, target, key=upsert), destination, target)

        return Contest(
            ours=lambda: rows / bench.work(ours, **bench.connections(source, destination)).seconds,
            peer=lambda: rows / peer(bench, table, name),
            prepare=prepare,
            check=lambda: compare(
                bench.shared_digest(table, source, "source", name),
                bench.shared_digest(table, destination, "destination", target),
            ),
        )

    return set_up


def client_into_psql(bench: Bench, table: SharedTable, name: str) -> float:
    """Pipe the client mariadb into psql COPY."""
    return peers.into_psql(bench.mariadb, bench.server, table, name)


def psql_into_load_data(bench: Bench, table: SharedTable, name: str) -> float:
    """Pipe psql COPY into LOAD DATA LOCAL."""
    return peers.into_load_data(bench.server, bench.mariadb, table, name)


def load_data_upserted(bench: Bench, table: SharedTable, name: str) -> float:
    """Pipe psql COPY into LOAD DATA LOCAL of a temporary table, and insert or update from there."""
    changes = ", ".join(f"{column.name} = VALUES({column.name})" for column in table.columns[1:])
    insert = f"INSERT INTO target SELECT * FROM stage ON DUPLICATE KEY UPDATE {changes}"
    return peers.into_load_data(bench.server, bench.mariadb, table, name, insert, into="stage")


def dump(bench: Bench, table: SharedTable, name: str) -> float:
    """Pipe mariadb-dump into mariadb."""
    return peers.dumped(bench.mariadb, name)


def pgloader(bench: Bench, table: SharedTable, name: str) -> float:
    """Copy with pgloader, as a whole process."""
    return peers.pgloader(bench.mariadb, bench.server, name, bench.folder)


def generic(source: int, destination: int) -> Callable[[Bench, SharedTable, str], float]:
    """Copy with GenericTransfer, with the fastest settings of its hook."""

    def copy(bench: Bench, table: SharedTable, name: str) -> float:
        arguments = {"sql": f"SELECT {table.names} FROM {name} ORDER BY {table.key}", "insert_args": GENERIC}
        ends = bench.connections(source, destination)
        return bench.work(arguments, task="generic", **ends).seconds

    return copy
