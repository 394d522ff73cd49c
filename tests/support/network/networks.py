"""Databases behind a proxy, or with ended sessions."""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg

from tests.support.databases.db import Db
from tests.support.network.proxy import Proxy


def reach(db: Db) -> Callable[[], socket.socket]:
    """Return a function that connects to a server without its driver."""
    if db.kind == "mysql":
        url = urlsplit(db.place)
        return lambda: socket.create_connection((url.hostname, url.port or 3306))
    parts = psycopg.conninfo.conninfo_to_dict(db.place)
    host, port = str(parts.get("host", "localhost")), int(parts.get("port", 5432))

    def connect() -> socket.socket:
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        line = socket.socket(socket.AF_UNIX)
        line.connect(f"{host}/.s.PGSQL.{port}")
        return line

    return connect


def behind(db: Db, proxy: Proxy) -> Db:
    """The same database, through a proxy."""
    if db.kind == "mysql":
        url = urlsplit(db.place)
        login = url.netloc.rpartition("@")[0]
        allowed = "?local_infile=1" if "local_infile=1" in url.query else ""
        return Db("mysql", f"mysql://{login}@127.0.0.1:{proxy.port}{url.path}{allowed}", db.driver)
    place = psycopg.conninfo.make_conninfo(db.place, host="127.0.0.1", port=proxy.port, sslmode="disable")
    return Db("postgres", place)


def kill(db: Db) -> None:
    """End all sessions of a Postgres database, as a restart of the server does."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    db.rows(f"SELECT pg_terminate_backend(pid) {others}")
    while db.one(f"SELECT count(*) {others}"):
        pass
