"""The databases that the engine knows, and the classes that serve a connection to one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import raw_connection, reading
from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.dialect import Dialect, dialect_of, keep
from airflow_checkpoint_provider.engine.databases.generic.dialect import GenericDialect
from airflow_checkpoint_provider.engine.databases.mysql.dialect import MysqlDialect
from airflow_checkpoint_provider.engine.databases.oracle.dialect import OracleDialect
from airflow_checkpoint_provider.engine.databases.postgres.dialect import PostgresDialect
from airflow_checkpoint_provider.engine.databases.source import Source
from airflow_checkpoint_provider.engine.databases.sqlite.dialect import SqliteDialect
from airflow_checkpoint_provider.engine.databases.statements.identifiers import (
    TableName,
    match_columns,
    quote_exactly,
)
from airflow_checkpoint_provider.engine.databases.statements.query import Parameters, Query
from airflow_checkpoint_provider.engine.model.errors import SourceMismatchError

KNOWN: tuple[Dialect, ...] = (PostgresDialect(), MysqlDialect(), OracleDialect(), SqliteDialect())

_BY_DRIVER = {package: dialect for dialect in KNOWN for package in dialect.drivers}

_REFUSED = {package: reason for dialect in KNOWN for package, reason in dialect.refused_drivers.items()}


def refused_driver(raw: Any) -> tuple[str, str] | None:
    """Return the package of a connection's driver and the reason, if the driver is refused."""
    package = _package(raw, _REFUSED)
    return (package, _REFUSED[package]) if package else None


def before_connecting() -> None:
    """Set up the drivers whose packages are loaded; the one that connects is known only afterwards."""
    for dialect in KNOWN:
        dialect.before_connecting()


def limit_connecting(hook: Any, seconds: float) -> None:
    """Limit the time in which a hook's driver connects; the driver is known only afterwards."""
    for dialect in KNOWN:
        dialect.limit_connecting(hook, seconds)


def why_not_connected(error: BaseException) -> str | None:
    """Return the remedy for a connection that could not be opened, where the driver's error does not name it."""
    return next((advice for dialect in KNOWN if (advice := dialect.why_not_connected(error))), None)


def dialect_for(raw: Any, scheme: Callable[[], str | None]) -> tuple[Dialect, str] | None:
    """
    Choose the dialect of a driver's connection.

    :param scheme: names SQLAlchemy's dialect, where the driver is not known
    :return: the dialect and the URL of SQLAlchemy's; ``None`` where the driver does not follow the DB-API
    """
    if package := _package(raw, _BY_DRIVER):
        dialect = _BY_DRIVER[package]
        return dialect, dialect.drivers[package]
    generic = GenericDialect.of(raw, scheme())
    return (generic, generic.url) if generic else None


def _package(raw: Any, among: Collection[str]) -> str | None:
    """Return the driver's package; a hook may return a class derived from the driver's."""
    packages = [base.__module__.partition(".")[0] for base in type(raw).__mro__]
    return next((package for package in packages if package in among), None)


def sqlalchemy_dialects() -> Mapping[str, Callable[[], sa.Dialect]]:
    """Return a factory of SQLAlchemy's dialect for each known database, by SQLAlchemy's name of it."""
    urls = {dialect: next(iter(dialect.drivers.values())) for dialect in KNOWN}
    return {
        sa.make_url(url).get_backend_name(): partial(_compiling, url, dialect)
        for dialect, url in urls.items()
    }


def _compiling(url: str, dialect: Dialect) -> sa.Dialect:
    made = sa.create_mock_engine(url, lambda *_, **__: None).dialect
    keep(dialect, made)
    return made


def open_source(connection: sa.Connection, query: Query, conn_id: str, *, exact: bool) -> Source:
    """
    Return the source for a connection.

    :param exact: rows are passed on untouched, so values may come as text where Python would round them
    """
    source: Source = dialect_of(connection).source_class(connection, query, conn_id, exact=exact)
    return source


def open_destination(
    connection: sa.Connection, table: TableName, conn_id: str, write_mode: str
) -> Destination:
    """
    Return the destination for a connection.

    :raises DestinationError: when the table does not exist
    """
    destination: Destination = dialect_of(connection).destination_class(
        connection, table, conn_id, write_mode
    )
    return destination


class Asked(Protocol):
    """The arguments that name a query, or a table instead of it."""

    @property
    def sql(self) -> str | None: ...

    @property
    def source_table(self) -> str | None: ...

    @property
    def where(self) -> str | None: ...

    @property
    def parameters(self) -> Parameters: ...


def query_of(spec: Asked, connection: sa.Connection, wanted: Sequence[str] | None = None) -> Query:
    """
    Return the query to read.

    :param wanted: the columns of a table; by default all of them
    :raises SourceError: when the table, or one of its columns, does not exist
    :raises ArgumentError: when the query, or the condition on a table, is not one
    """
    if spec.source_table is None:
        return Query.parse(spec.sql or "", spec.parameters, dialect_of(connection).tokens)
    table = TableName.parse(spec.source_table, argument="source_table")
    with reading(connection):
        found = table.resolve(sa.inspect(connection))
    if found is None:
        raise SourceMismatchError(
            f"source_table: there is no table {table} at the source; check the schema and the spelling."
        )
    schema, plain = found.in_catalog(connection.dialect)
    name = found.quote(connection.dialect)
    columns = dialect_of(connection).table_columns(connection, plain, schema, name)
    names = list(columns.names)
    if wanted is not None:
        names = _columns(wanted, names or _described(connection, name), table)
    listed = ", ".join(quote_exactly(column, connection.dialect) for column in names)
    tokens = dialect_of(connection).tokens
    return Query.of_table(f"SELECT {listed or '*'} FROM {name}", columns, spec.where, tokens)


def _described(connection: sa.Connection, name: str) -> list[str]:
    """Return the columns of a table as the driver names them."""
    with reading(connection), closing(raw_connection(connection).cursor()) as cursor:
        cursor.execute(f"SELECT * FROM {name} WHERE 1 = 0")
        names = [str(column[0]) for column in cursor.description]
        cursor.fetchall()
        return names


def _columns(wanted: Sequence[str], names: list[str], table: TableName) -> list[str]:
    def missing(name: str) -> SourceMismatchError:
        return SourceMismatchError(
            f"columns: {table} at the source has no column {name!r}. It has: {', '.join(names)}."
        )

    return match_columns(wanted, names, missing)
