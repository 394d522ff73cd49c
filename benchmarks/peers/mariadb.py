"""The peers of MariaDB: its own clients in a pipe, and pgloader."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from psycopg import conninfo

from benchmarks.harness.mariadb import MariaDB
from benchmarks.harness.server import Server
from benchmarks.harness.shared_data import SharedTable
from benchmarks.harness.unavailable import UnavailableError


def into_psql(mariadb: MariaDB, server: Server, table: SharedTable, name: str) -> float:
    """Pipe a table of ``source`` from the client mariadb into psql COPY, and return the seconds."""
    columns = ", ".join(
        rf"concat('\\x', hex({column.name}))" if column.types[0] == "bytea" else column.name
        for column in table.columns
    )
    query = f"SELECT {columns} FROM {name} ORDER BY {table.key}"
    reading = [*mariadb.client("source"), "--batch", "--quick", "--skip-column-names", "--execute", query]
    copy = f"COPY target ({table.names}) FROM STDIN (NULL 'NULL')"
    return _piped(reading, _psql(server, "destination", copy))


def into_load_data(
    server: Server, mariadb: MariaDB, table: SharedTable, name: str, *after: str, into: str = "target"
) -> float:
    """
    Pipe a table of ``source`` from psql COPY into LOAD DATA LOCAL, and return the seconds.

    :param after: statements that follow in the same transaction
    :param into: the table that is loaded
    """
    raw = [column.name for column in table.columns if column.types[0] == "bytea"]
    columns = ", ".join(f"@{name}" if name in raw else name for name in (c.name for c in table.columns))
    decoded = ", ".join(f"{name} = unhex(substr(@{name}, 3))" for name in raw)
    load = (
        f"LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE {into} CHARACTER SET utf8mb4 ({columns})"
        f"{f' SET {decoded}' if decoded else ''}"
    )
    reading = _psql(
        server, "source", f"COPY (SELECT {table.names} FROM {name} ORDER BY {table.key}) TO STDOUT"
    )
    begin = [f"CREATE TEMPORARY TABLE {into} LIKE target"] if into != "target" else []
    script = "; ".join(("SET autocommit = 0", *begin, load, *after, "COMMIT"))
    writing = [*mariadb.client("destination"), "--local-infile=1", "--execute", script]
    return _piped(reading, writing)


def dumped(mariadb: MariaDB, name: str) -> float:
    """Pipe a table of ``source`` from mariadb-dump into mariadb, and return the seconds."""
    options = ["--no-create-info", "--single-transaction", "--order-by-primary", "--skip-add-locks"]
    dump = [*mariadb.client(program="mariadb-dump"), *options, "--skip-disable-keys", "source", name]
    return _piped(dump, mariadb.client("destination"))


def require_pgloader() -> None:
    """
    Check that pgloader is installed.

    :raises UnavailableError: when it is not
    """
    if not shutil.which("pgloader"):
        raise UnavailableError("pgloader is not installed (Debian's pgloader)")


def pgloader(mariadb: MariaDB, server: Server, name: str, folder: Path) -> float:
    """Copy a table of ``source`` to ``target`` with pgloader, and return the seconds."""
    script = folder / "pgloader.load"
    parts = conninfo.conninfo_to_dict(server.dsn("destination"))
    target = f"postgresql://{parts['user']}@unix:{parts['host']}:{parts.get('port', 5432)}/destination"
    script.write_text(
        f"LOAD DATABASE FROM {mariadb.url('source')} INTO {target}\n"
        "WITH data only, disable triggers\n"
        f"INCLUDING ONLY TABLE NAMES MATCHING '{name}'\n"
        f"ALTER TABLE NAMES MATCHING '{name}' RENAME TO 'target'\n"
        "ALTER SCHEMA 'source' RENAME TO 'public';\n"
    )
    started = time.perf_counter()
    done = subprocess.run(
        ["pgloader", "--root-dir", str(folder), str(script)], capture_output=True, text=True
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"pgloader failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return seconds


def _psql(server: Server, database: str, command: str) -> list[str]:
    return [server.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", server.dsn(database), "-c", command]


def _piped(reading: list[str], writing: list[str]) -> float:
    started = time.perf_counter()
    with (
        subprocess.Popen(reading, stdout=subprocess.PIPE) as reader,
        subprocess.Popen(writing, stdin=reader.stdout) as writer,
    ):
        if reader.stdout:
            reader.stdout.close()  # the writer's end is its own; a writer that fails ends the reader
    seconds = time.perf_counter() - started
    if reader.returncode or writer.returncode:
        raise RuntimeError(f"{reading[0]} into {writing[0]} failed; the message is above")
    return seconds
