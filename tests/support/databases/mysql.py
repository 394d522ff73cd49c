"""MySQL and MariaDB, through any of the installed drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.databases.kind import Kind, as_extra
from tests.support.databases.mysql_drivers import connect_mysql

if TYPE_CHECKING:
    import pytest

    from tests.support.databases.db import Db

TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"


class Mysql(Kind):
    name = "mysql"
    rejects = True
    transactional = True
    lists_tables = True
    knows_primary_keys = True
    tells_identity = True
    keeps_lock_timeout = True
    knows_unique_keys = True
    knows_views = True
    hides_columns = True
    computes = "GENERATED ALWAYS AS ({}) STORED"
    has_schemas = True
    moment = "datetime"
    long_text = "longtext"

    def make(self, request: pytest.FixtureRequest, role: str) -> str:
        return str(request.getfixturevalue(f"mysql_{role}"))

    def connect(self, db: Db) -> Any:
        return connect_mysql(db.place, db.driver)

    def by_hand(self, db: Db) -> Any:
        connection = self.connect(db)
        connection.cursor().execute("SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')")
        return connection

    def uri(self, db: Db) -> str:
        url = urlsplit(db.place)
        own = {"client": "mysql-connector-python"}
        extra = dict(parse_qsl(url.query)) if db.driver == "MySQLdb" else own
        return f"mysql://{url.netloc}{url.path}?{as_extra(extra)}"

    def drop_schema(self, name: str) -> str:
        return f"DROP SCHEMA {name}"

    def tables(self, db: Db) -> list[str]:
        return [name for (name,) in db.rows(TABLES)]
