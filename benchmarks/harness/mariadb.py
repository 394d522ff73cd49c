"""The MariaDB server of the benchmarks: the installed one, with default durability."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks.harness.unavailable import UnavailableError

_PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb", "mariadb-dump")
_SHOWN = ("version", "innodb_flush_log_at_trx_commit", "innodb_buffer_pool_size", "log_bin")
_PASSWORD = "bench"
_PORT = 13306
_START_S = 30.0


class MariaDB:
    """
    A running server, which only this machine reaches.

    :param folder: where its data and its socket are
    """

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "s"
        self.port = _PORT

    def client(self, database: str = "", program: str = "mariadb") -> list[str]:
        """Return the command that begins a client of a database."""
        options = [f"--socket={self.socket}", "--user=bench", f"--password={_PASSWORD}"]
        return [
            program,
            "--no-defaults",
            *options,
            "--default-character-set=utf8mb4",
            *([database] * bool(database)),
        ]

    def execute(self, database: str, *statements: str) -> str:
        """Run statements that each commit by themselves, and return what they print."""
        command = [
            *self.client(database),
            "--batch",
            "--skip-column-names",
            "--execute",
            "; ".join(statements),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"mariadb failed: {done.stderr[-2000:]}")
        return done.stdout

    def create(self, database: str) -> None:
        """Create a database anew."""
        self.execute(
            "", f"DROP DATABASE IF EXISTS {database}", f"CREATE DATABASE {database} CHARACTER SET utf8mb4"
        )

    def airflow(self, database: str) -> str:
        """Return the Airflow connection to a database."""
        return json.dumps(
            {
                "conn_type": "mysql",
                "host": "127.0.0.1",
                "port": self.port,
                "login": "bench",
                "password": _PASSWORD,
                "schema": database,
                "extra": {"charset": "utf8mb4", "client": driver()},
            }
        )

    def url(self, database: str) -> str:
        """Return the URL of a database, as pgloader takes it."""
        return f"mysql://bench:{_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def describe(self) -> dict[str, str]:
        """Return the settings that matter here."""
        names = ", ".join(f"@@{name}" for name in _SHOWN)
        shown = self.execute("", f"SELECT {names}").strip().split("\t")
        return {"driver": driver(), **dict(zip(_SHOWN, shown, strict=True))}


def driver() -> str:
    """Return the driver in the terms of Airflow's hook: mysqlclient where it is installed, else MySQL's own."""
    return "mysqlclient" if find_spec("MySQLdb") else "mysql-connector-python"


@contextmanager
def running_mariadb(folder: Path) -> Iterator[MariaDB]:
    """
    Start a server that keeps its data in a folder, and stop it at the end.

    :raises UnavailableError: when it is not installed
    """
    path = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"
    found = {name: shutil.which(name, path=path) for name in _PROGRAMS}
    if missing := [name for name, where in found.items() if where is None]:
        raise UnavailableError(f"not installed: {', '.join(missing)} (Debian's mariadb-server)")
    home = folder / "mariadb"
    home.mkdir()
    server = MariaDB(home)
    start = home / "init.sql"
    start.write_text(
        f"CREATE USER bench IDENTIFIED BY '{_PASSWORD}';\nGRANT ALL ON *.* TO bench WITH GRANT OPTION;\n"
        "DROP USER IF EXISTS ''@localhost;\n"
    )
    options = [f"--datadir={home / 'data'}", f"--tmpdir={home}"]
    (home / "data").mkdir()
    if os.getuid() == 0:  # the server refuses to run as root
        options.append("--user=mysql")
        folder.chmod(0o755)
        for place in (home, home / "data", start):
            shutil.chown(place, "mysql")
    with (home / "log").open("w") as log:
        install = [str(found["mariadb-install-db"]), "--no-defaults", *options, "--skip-test-db"]
        subprocess.run(install, check=True, stdout=log, stderr=log)
        run = [str(found["mariadbd"]), "--no-defaults", *options, f"--socket={server.socket}"]
        process = subprocess.Popen(
            [
                *run,
                f"--init-file={start}",
                "--bind-address=127.0.0.1",
                f"--port={server.port}",
                "--local-infile=1",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        _wait(server, process, home / "log")
        yield server
    finally:
        process.terminate()
        process.wait(60)


def _wait(server: MariaDB, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_S
    while True:
        try:
            server.execute("", "SELECT 1")
        except RuntimeError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"MariaDB does not start:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.1)
        else:
            return
