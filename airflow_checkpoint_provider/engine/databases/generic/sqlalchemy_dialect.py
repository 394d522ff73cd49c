"""SQLAlchemy's dialect for an unknown database, in SQL that every database understands."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType

NAME = "ansi"
URL = "airflow_checkpoint_ansi://"
_LOST = (
    "closed",
    "lost",
    "gone away",
    "broken pipe",
    "reset by peer",
    "terminat",
    "communication",
    "not connected",
)
_TABLES = "SELECT table_name FROM information_schema.tables WHERE LOWER(table_name) = :name"
_IN_SCHEMA = " AND LOWER(table_schema) = :schema"
_PRIMARY_KEY = (
    "SELECT k.table_schema, k.column_name FROM information_schema.table_constraints c"
    " JOIN information_schema.key_column_usage k ON k.constraint_name = c.constraint_name"
    " AND k.table_schema = c.table_schema AND k.table_name = c.table_name"
    " WHERE c.constraint_type = 'PRIMARY KEY' AND LOWER(c.table_name) = :name ORDER BY k.ordinal_position"
)

registry.register(URL.partition(":")[0], __name__, "AnsiDialect")


def dbapi_of(raw: Any) -> Any:
    """Return the driver module of a connection, found by the names that PEP 249 requires; ``None`` without one."""
    for base in type(raw).__mro__:
        parts = base.__module__.split(".")
        for end in range(1, len(parts) + 1):
            module = sys.modules.get(".".join(parts[:end]))
            if hasattr(module, "paramstyle") and hasattr(module, "Error"):
                return module
    return None


def url_of(raw: Any, scheme: str | None) -> str:
    """Return the URL of SQLAlchemy's dialect for a connection, if the hook names one that is made for its driver."""
    try:
        named = sa.make_url(f"{scheme}://").get_dialect().import_dbapi() if scheme else None
    except Exception:  # the dialect, or its driver, is not installed
        named = None
    return f"{scheme}://" if named is not None and named is dbapi_of(raw) else URL


class _Compiler(SQLCompiler):
    def for_update_clause(self, select: Any, **kw: Any) -> str:
        return ""  # not every database has it: the update of the fence decides who was first

    def limit_clause(self, select: Any, **kw: Any) -> str:
        return ""  # databases differ: callers fetch no more rows than they need


class AnsiDialect(DefaultDialect):
    """The dialect of a database of which only the DB-API driver is known."""

    name = NAME
    driver = "any"
    statement_compiler = _Compiler
    supports_statement_cache = True
    supports_sane_rowcount = False
    postfetch_lastrowid = False
    _begun = False
    _has_catalog: bool | None = None

    def do_begin(self, dbapi_connection: Any) -> None:
        # A driver that offers this does not begin transactions by itself.
        if callable(begin := getattr(dbapi_connection, "begin", None)):
            begin()
            self._begun = True

    def do_commit(self, dbapi_connection: Any) -> None:
        if self._begun or not hasattr(dbapi_connection, "begin"):
            dbapi_connection.commit()
        self._begun = False

    def do_rollback(self, dbapi_connection: Any) -> None:
        if self._begun or not hasattr(dbapi_connection, "begin"):
            dbapi_connection.rollback()
        self._begun = False

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:
        # PEP 249 has no error for a lost connection.
        dbapi = self.loaded_dbapi
        kinds = (dbapi.OperationalError, getattr(dbapi, "InterfaceError", dbapi.OperationalError))
        return isinstance(e, kinds) and any(word in str(e).lower() for word in _LOST)

    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> bool:
        # The catalog is read first: where there is one, a failed statement may end the transaction.
        wanted = {"name": table_name.lower(), "schema": (schema or "").lower()}
        if self._has_catalog is not False:
            try:
                found = connection.execute(sa.text(_TABLES + (_IN_SCHEMA if schema else "")), wanted).first()
            except sa.exc.DBAPIError:
                self._has_catalog = False
            else:
                self._has_catalog = True
                return found is not None
        try:
            self.get_columns(connection, table_name, schema)
        except sa.exc.NoSuchTableError:
            return False
        return True

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        name = ".".join(self.identifier_preparer.quote(part) for part in (schema, table_name) if part)
        if self.paramstyle in ("format", "pyformat"):
            name = name.replace("%%", "%")  # doubled for statements with parameters, and there are none here
        with closing(connection.connection.cursor()) as cursor:
            try:
                cursor.execute(f"SELECT * FROM {name} WHERE 1 = 0")
            except self.loaded_dbapi.Error as error:
                raise sa.exc.NoSuchTableError(name) from error
            columns = [str(column[0]) for column in cursor.description]
        return [{"name": name, "type": NullType(), "nullable": True, "default": None} for name in columns]

    def get_pk_constraint(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> Any:
        found = []
        if self._has_catalog:
            found = list(connection.execute(sa.text(_PRIMARY_KEY), {"name": table_name.lower()}))
        schemas = {row[0] for row in found}
        if schema is None and len(schemas) > 1:
            found = []
        names = [str(row[1]) for row in found if schema is None or row[0] == schema]
        return {"name": None, "constrained_columns": names}
