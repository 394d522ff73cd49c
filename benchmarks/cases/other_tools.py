"""Other tools, measured where they are installed, as whole processes."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Mapping

from psycopg import conninfo

from benchmarks.harness.bench import Bench
from benchmarks.harness.unavailable import UnavailableError
from benchmarks.peers.sling import find_sling


def require_sling() -> None:
    """
    Check that sling is installed.

    :raises UnavailableError: when it is not
    """
    if not find_sling():
        raise UnavailableError("sling is not installed: put it on the PATH, or name it in SLING_BINARY")


def sling(bench: Bench, name: str) -> float:
    """Copy a table with sling and return the seconds."""
    environment = {
        "SOURCE": bench.server.url("source"),
        "DESTINATION": bench.server.url("destination"),
        "SLING_DISABLE_TELEMETRY": "true",
    }
    command = [
        str(find_sling()),
        "run",
        "--src-conn",
        "SOURCE",
        "--src-stream",
        f"SELECT * FROM {name} ORDER BY id",
    ]
    return _timed(
        bench, [*command, "--tgt-conn", "DESTINATION", "--tgt-object", "public.target"], environment
    )


def require_dlt() -> None:
    """
    Check that dlt is installed, with the fastest of its ways to read a database.

    :raises UnavailableError: when something is missing
    """
    missing = [
        name for name in ("dlt", "connectorx", "pyarrow", "psycopg2") if not importlib.util.find_spec(name)
    ]
    if missing:
        raise UnavailableError(
            f'not installed: {", ".join(missing)} (pip install "dlt[postgres]" connectorx pyarrow)'
        )


def dlt(bench: Bench, name: str) -> float:
    """Copy a table with dlt and return the seconds."""
    parts = conninfo.conninfo_to_dict(bench.server.dsn("destination"))
    end = [str(parts["host"]), str(parts.get("port", 5432)), str(bench.folder)]
    command = [sys.executable, "-m", "benchmarks.peers.dlt_copy", name, *end]
    return _timed(bench, command, {"RUNTIME__DLTHUB_TELEMETRY": "false"})


def _timed(bench: Bench, command: list[str], environment: Mapping[str, str] | None = None) -> float:
    started = time.perf_counter()
    bench.processes.run(command, environment)
    return time.perf_counter() - started
