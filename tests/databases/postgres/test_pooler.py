"""PgBouncer between the task and Postgres: a pool of whole sessions works, one of transactions is refused."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from airflow_checkpoint_provider.engine.model.errors import CannotConnectError
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.waiting import wait_for

SERVER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(
        SERVER is None, reason="there is no pgbouncer on the PATH, as Debian's package of that name has it"
    ),
]
Pool = Callable[..., Db]
SETTINGS = (
    "SELECT name, setting FROM pg_settings WHERE source = 'session' AND name NOT IN ('application_name',"
    " 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings', 'IntervalStyle') ORDER BY name"
)
"""What a pool does not see to by itself, which it does for those that are named."""


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    """Put a PgBouncer in front of a database."""
    with ExitStack() as stack:

        def start(db: Db, mode: str, size: int = 5) -> Db:
            parts = psycopg.conninfo.conninfo_to_dict(db.place)
            with closing(socket.socket()) as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            login = " ".join(
                f"{name}={parts[name]}" for name in ("host", "port", "user", "password") if name in parts
            )
            folder = tmp_path / f"pool_{port}"
            folder.mkdir()
            ini, log = folder / "pgbouncer.ini", folder / "log"
            settings = [
                "[databases]",
                f"* = {login}",
                "[pgbouncer]",
                *("listen_addr = 127.0.0.1", f"listen_port = {port}", "unix_socket_dir =", "auth_type = any"),
                *(f"pool_mode = {mode}", f"default_pool_size = {size}", f"logfile = {log}"),
                "ignore_startup_parameters = extra_float_digits,options",
                "server_connect_timeout = 3",
                "query_wait_timeout = 20",
            ]
            if os.getuid() == 0:  # PgBouncer refuses to run as root
                # Run as the server's user, who owns the folder of its socket, if there is one.
                host = str(parts.get("host", ""))
                owner = Path(host).owner() if host.startswith("/") else "nobody"
                settings.append(f"user = {owner if owner != 'root' else 'nobody'}")
                for path in (tmp_path, *tmp_path.parents[:3]):
                    path.chmod(path.stat().st_mode | 0o055)
                shutil.chown(folder, owner if owner != "root" else "nobody")
            ini.write_text("\n".join(settings))
            process = subprocess.Popen([str(SERVER), "-q", str(ini)])
            stack.callback(process.wait, 10)
            stack.callback(process.kill)
            place = psycopg.conninfo.make_conninfo(
                "", host="127.0.0.1", port=port, dbname=parts["dbname"], user="anybody", sslmode="disable"
            )

            def answers() -> bool:
                assert process.poll() is None, log.read_text() if log.exists() else "it has ended"
                try:
                    psycopg.connect(place, connect_timeout=3).close()
                except psycopg.OperationalError:
                    return False
                return True

            wait_for(answers, "pgbouncer", timeout=30)
            return Db("postgres", place)

        yield start


@pytest.fixture
def load(make_db: MakeDb) -> Load:
    source, destination = make_db("postgres", "source"), make_db("postgres", "destination")
    source.execute("CREATE TABLE t (n integer PRIMARY KEY)")
    source.insert("t", [(n,) for n in range(20)])
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY)")
    return Load(source, destination, {"source_table": "t", "batch_size": 4, "write_mode": "upsert"})


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("busy", [False, True])
def test_a_pool_of_transactions_is_refused_and_left_as_it_was(
    load: Load, pool: Pool, side: str, mode: str, busy: bool
) -> None:
    pooled = pool(getattr(load, side), mode)
    neighbours = [psycopg.connect(pooled.place, autocommit=True) for _ in range(3 if busy else 0)]
    for neighbour in neighbours:
        neighbour.execute("SELECT 1")
    setattr(load, side, pooled)
    with pytest.raises(
        CannotConnectError, match=r"cannot be opened: it leads to a pooler.*pool_mode = session"
    ):
        load.attempt()
    for _ in range(3):
        with closing(psycopg.connect(pooled.place, autocommit=True)) as neighbour:
            assert neighbour.execute(SETTINGS).fetchall() == []
            assert neighbour.execute("SHOW default_transaction_isolation").fetchone() == ("read committed",)
    for neighbour in neighbours:
        neighbour.close()


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("write_mode", ["append", "upsert", "replace", "replace_atomic"])
def test_a_pool_of_sessions_works(load: Load, pool: Pool, write_mode: str, size: int) -> None:
    load.source, load.destination = (
        pool(load.source, "session", size),
        pool(load.destination, "session", size),
    )
    assert load.attempt(write_mode=write_mode).rows == 20
    for db in (load.source, load.destination):
        assert db.rows(SETTINGS) == []
    assert load.destination.one("SELECT count(*) FROM target") == 20
