"""A real MySQL or MariaDB server: the one of a DSN, or the installed one, started for the tests."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.databases.db import Db
from tests.support.databases.mysql_drivers import DRIVERS

NO_SERVER = (
    "there is no MySQL: set CHECKPOINT_TEST_MYSQL_DSN=mysql://user:password@host:port/ "
    "(or have mariadbd and mariadb-install-db on the PATH, as Debian's mariadb-server has them)"
)
NO_DRIVER = "there is no driver of MySQL: install mysqlclient or mysql-connector-python"
NO_HOOK = "there is no MySqlHook: install apache-airflow-providers-mysql"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report once why the tests of MySQL are skipped."""
    skipped = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])]
    for reason in (NO_SERVER, NO_DRIVER, NO_HOOK):
        if number := sum(reason in text for text in skipped):
            terminalreporter.section("MySQL and MariaDB")
            terminalreporter.write_line(f"{number} tests are skipped: {reason}")


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[str]:
    """DSN of a server on which databases may be created."""
    if not DRIVERS:
        pytest.skip(NO_DRIVER)
    if not find_spec("airflow.providers.mysql"):
        pytest.skip(NO_HOOK)
    if dsn := os.environ.get("CHECKPOINT_TEST_MYSQL_DSN"):
        yield dsn
        return
    path = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"
    server, installer = shutil.which("mariadbd", path=path), shutil.which("mariadb-install-db", path=path)
    if not server or not installer:
        pytest.skip(NO_SERVER)
    with tempfile.TemporaryDirectory(prefix="checkpoint_my_") as folder:
        yield from _serve(server, installer, Path(folder))


def _serve(server: str, installer: str, folder: Path) -> Iterator[str]:
    data, own, at, password = folder / "data", folder / "tmp", folder / "s", secrets.token_hex(16)
    start = folder / "init.sql"
    statements = [
        *(f"DROP USER IF EXISTS {user}" for user in ("''@localhost", "root@'127.0.0.1'", "root@'::1'")),
        f"ALTER USER root@localhost IDENTIFIED BY '{password}'",
        f"CREATE USER tester IDENTIFIED BY '{password}'",
        "GRANT ALL ON *.* TO tester WITH GRANT OPTION",
    ]
    start.write_text("".join(f"{statement};\n" for statement in statements))  # one on each line
    data.mkdir()
    own.mkdir()
    # At its start a server removes all temporary tables from its tmpdir, other servers' too.
    options = [f"--datadir={data}", f"--tmpdir={own}"]
    if os.getuid() == 0:  # the server refuses to run as root
        options.append("--user=mysql")
        for path in (folder, data, own, start):
            shutil.chown(path, "mysql")
    log = folder / "log"
    with log.open("w") as output:
        subprocess.run(
            [
                installer,
                "--no-defaults",
                *options,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            check=True,
            stdout=output,
            stderr=output,
        )
        # With MySQL's own driver, the hook connects by TCP only.
        port = _free_port()
        process = subprocess.Popen(
            [
                *(server, "--no-defaults", *options, f"--socket={at}", f"--init-file={start}"),
                *("--bind-address=127.0.0.1", f"--port={port}", "--skip-name-resolve"),
                # Tests of durability kill processes, not the machine.
                *("--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"),
            ],
            stdout=output,
            stderr=output,
        )
    try:
        dsn = f"mysql://tester:{password}@127.0.0.1:{port}/?unix_socket={at}"
        _wait(Db("mysql", dsn), process, log)
        yield dsn
        assert process.poll() is None, f"the server has ended by itself:\n{log.read_text()[-5000:]}"
    finally:
        process.terminate()
        process.wait(60)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait(db: Db, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            return db.connect().close()
        except Exception:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server does not start:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.05)


@pytest.fixture(scope="session")
def mysql_databases(mysql_server: str) -> Iterator[Callable[[str], str]]:
    """Empty databases, created again for every test."""
    server = Db("mysql", mysql_server)
    made: set[str] = set()

    def empty(role: str) -> str:
        name = f"checkpoint_test_{os.getpid()}_{role}"
        made.add(name)
        _end_others(server, name)
        server.execute(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return (
            mysql_server.replace("/?", f"/{name}?")
            if "?" in mysql_server
            else f"{mysql_server.rstrip('/')}/{name}"
        )

    yield empty
    for name in made:
        server.execute(f"DROP DATABASE IF EXISTS {name}")


def _end_others(server: Db, name: str) -> None:
    with closing(server.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = %s", (name,))
        for (number,) in cursor.fetchall():
            try:
                cursor.execute(f"KILL {int(number)}")
            except Exception as error:
                assert "thread" in str(error).lower()  # the session has ended by itself


@pytest.fixture
def mysql_source(mysql_databases: Callable[[str], str]) -> str:
    """DSN of an empty database."""
    return mysql_databases("source")


@pytest.fixture
def mysql_destination(mysql_databases: Callable[[str], str]) -> str:
    """DSN of another empty database."""
    return mysql_databases("destination")
