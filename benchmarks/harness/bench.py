"""The parts that all cases share: the server, the data, the workers."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.harness.data import Table, create_source, fill_sqlite
from benchmarks.harness.mariadb import MariaDB, running_mariadb
from benchmarks.harness.processes import FreshProcesses
from benchmarks.harness.server import Server
from benchmarks.harness.shared_data import SharedTable, create_shared


@dataclass(frozen=True)
class Outcome:
    """
    The outcome of a worker's job.

    :param seconds: of ``execute``
    :param process_s: of the whole process
    :param first_batch_s: from the start of ``execute`` until the first batch was committed
    :param peak_mb: the largest resident size
    """

    seconds: float
    process_s: float
    first_batch_s: float | None
    peak_mb: float


@dataclass
class Bench:
    """
    The server with its two databases, ``source`` and ``destination``.

    :param processes: where the workers run
    :param folder: for SQLite files
    :param rows: of the narrow table; the wide one has three tenths of it
    :param at_end: closed by the caller; ends the servers started for one case
    """

    server: Server
    processes: FreshProcesses
    folder: Path
    rows: int
    at_end: ExitStack = field(default_factory=ExitStack)
    _numbers: count[int] = field(default_factory=count)
    _sources: set[str] = field(default_factory=set)

    def source(self, table: Table, rows: int | None = None) -> str:
        """Return the name of a filled table in the source, which is created on first use."""
        rows = rows if rows is not None else self.size(table)
        name = f"{table.name}_{rows}"
        if name not in self._sources:
            create_source(self.server, "source", table, name, rows)
            self._sources.add(name)
        return name

    @cached_property
    def mariadb(self) -> MariaDB:
        """
        The MariaDB server, started on first use.

        :raises UnavailableError: when it is not installed
        """
        server = self.at_end.enter_context(running_mariadb(self.folder))
        for database in ("source", "destination"):
            server.create(database)
        return server

    def shared_source(self, table: SharedTable) -> str:
        """Return the name of a filled table in the source of both servers, which is created on first use."""
        name = f"shared_{table.name}_{self.size(table)}"
        if name not in self._sources:
            create_shared(self.server, self.mariadb, table, name, self.size(table))
            self._sources.add(name)
        return name

    def shared_target(self, ddl: str, side: int, name: str) -> None:
        """
        Create the destination's table anew.

        :param side: 0 for Postgres, 1 for MariaDB
        """
        if side == 0:
            self.target(ddl)
        else:
            self.mariadb.execute("destination", f"DROP TABLE IF EXISTS {name}", ddl, "FLUSH TABLES")

    def shared_digest(self, table: SharedTable, side: int, database: str, name: str) -> str:
        """Return the number of rows and a sum over all of them; ``side`` as above."""
        query = table.digest(side, name)
        row = self.server.row(database, query) if side == 0 else self.mariadb.execute(database, query).split()
        return ", ".join(map(str, row))

    def connections(self, source: int, destination: int) -> dict[str, str]:
        """Return the Airflow connections of a task from one server to another, each 0 or 1 as above."""
        servers = (self.server, self.mariadb)
        return {
            "source": servers[source].airflow("source"),
            "destination": servers[destination].airflow("destination"),
        }

    def sqlite_source(self, table: Table) -> tuple[Path, str]:
        """Return an SQLite file with a filled table, and the table's name."""
        name = self.source(table)
        path = self.folder / "source.db"
        if not path.exists():
            fill_sqlite(path, self.server.dsn("source"), name)
        return path, name

    def size(self, table: Table | SharedTable) -> int:
        """Return the number of rows of a table, unless a case wants another one."""
        return self.rows if table.name == "narrow" else self.rows * 3 // 10

    def target(self, ddl: str, *statements: str, database: str = "destination") -> None:
        """Create the table ``target`` anew, and let the server write its pending changes to the disk."""
        self.server.execute(database, "DROP TABLE IF EXISTS target", ddl, *statements, "CHECKPOINT")

    def new_run(self) -> str:
        """Return a run_id that no checkpoint has."""
        return f"run_{next(self._numbers)}"

    def work(
        self,
        arguments: dict[str, Any],
        *,
        task: str = "checkpointed",
        source: str | None = None,
        destination: str | None = None,
        run_id: str | None = None,
        try_number: int = 1,
        warm: bool = True,
        watch: bool = False,
        rows_wanted: int | None = None,
    ) -> Outcome:
        """
        Run a task in a process of its own.

        :param arguments: the operator's; the connections are added
        :param task: ``checkpointed`` or ``generic``
        :param source: the Airflow connection to read from, by default to the database ``source``
        :param destination: the Airflow connection to write to, by default to the database ``destination``
        :param run_id: the run of an earlier attempt, to resume its load; by default a new one
        :param warm: import everything before the clock starts
        :param watch: note when the first batch is committed
        :param rows_wanted: end the attempt, as a failing one, when so many rows are committed
        """
        ends = {"source_conn_id": "bench_source", "destination_conn_id": "bench_destination"}
        job = {
            "task": task,
            "arguments": {"destination_table": "target", **ends, **arguments},
            "run_id": run_id or self.new_run(),
            "try_number": try_number,
            "warm": warm,
            "watch": watch,
            "rows_wanted": rows_wanted,
        }
        connections = {
            "AIRFLOW_CONN_BENCH_SOURCE": source or self.server.airflow("source"),
            "AIRFLOW_CONN_BENCH_DESTINATION": destination or self.server.airflow("destination"),
        }
        return Outcome(**self.processes.work(job, connections))

    def plain(self, task: str, *arguments: str) -> float:
        """Run a task of :mod:`benchmarks.peers.plain` and return its seconds."""
        return float(self.processes.run([sys.executable, "-m", "benchmarks.peers.plain", task, *arguments]))


def sqlite_connection(path: Path) -> str:
    """Return the Airflow connection to an SQLite file."""
    return json.dumps({"conn_type": "sqlite", "host": str(path)})
