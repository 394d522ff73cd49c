"""The reference peer: psql, one process that reads and one that writes."""

from __future__ import annotations

import subprocess
import time
from itertools import islice
from typing import IO

from benchmarks.harness.server import Server


def pipe(server: Server, query: str, *commands: str) -> float:
    """
    Copy the rows of a query, and return the seconds from the first process's start to the last one's end.

    :param query: run in the database ``source``
    :param commands: run in the database ``destination`` in one transaction; one of them is COPY FROM STDIN
    """
    writing = [argument for command in commands for argument in ("-c", command)]
    started = time.perf_counter()
    with (
        _read(server, query) as reader,
        subprocess.Popen(
            [*_psql(server, "destination"), "--single-transaction", *writing], stdin=reader.stdout
        ) as writer,
    ):
        if reader.stdout:
            reader.stdout.close()  # the writer's end is its own; a writer that fails ends the reader
    return _ended(started, reader, writer)


def pipe_in_batches(server: Server, query: str, copy: str, update: str, rows: int) -> float:
    """
    Copy the rows of a query in transactions of so many rows, each with an update.

    :param copy: the COPY FROM STDIN
    :param update: the statement that keeps the position
    """
    started = time.perf_counter()
    with (
        _read(server, query) as reader,
        subprocess.Popen([*_psql(server, "destination"), "-f", "-"], stdin=subprocess.PIPE) as writer,
    ):
        begin = f"BEGIN;\n{update};\n{copy};\n".encode()
        _forward(reader.stdout, writer.stdin, begin, b"\\.\nCOMMIT;\n", rows)
    return _ended(started, reader, writer)


def _forward(
    lines: IO[bytes] | None, script: IO[bytes] | None, before: bytes, after: bytes, rows: int
) -> None:
    if lines is None or script is None:
        raise ValueError("both processes need a pipe")
    while batch := b"".join(islice(lines, rows)):
        script.write(before + batch + after)
    script.close()


def _psql(server: Server, database: str) -> list[str]:
    return [server.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", server.dsn(database)]


def _read(server: Server, query: str) -> subprocess.Popen[bytes]:
    command = [*_psql(server, "source"), "-c", f"COPY ({query}) TO STDOUT"]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def _ended(started: float, *processes: subprocess.Popen[bytes]) -> float:
    seconds = time.perf_counter() - started
    if any(process.returncode for process in processes):
        raise RuntimeError("psql failed; its message is above")
    return seconds
