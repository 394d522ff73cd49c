"""What the engine assumes of a database that it does not know."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dialect import Dialect
from airflow_checkpoint_provider.engine.databases.generic import sqlalchemy_dialect
from airflow_checkpoint_provider.engine.databases.generic.destination import GenericDestination
from airflow_checkpoint_provider.engine.databases.source import Source


class GenericDialect(Dialect):
    """
    Any driver that follows Python's DB-API.

    :param url: of SQLAlchemy's dialect for it
    :param module: the driver
    """

    @property
    def source_class(self) -> Any:
        return Source

    @property
    def destination_class(self) -> Any:
        return GenericDestination

    def __init__(self, url: str, module: Any) -> None:
        self.url = url
        self.title = str(module.__name__)
        self.engine_options = {"module": module, "paramstyle": module.paramstyle}
        # By PEP 249, threads may share connections from 2 on.
        self.remote = getattr(module, "threadsafety", 0) >= 2
        # Where SQLAlchemy has a dialect for the driver, that one can limit rows.
        self.limits_rows = url != sqlalchemy_dialect.URL
        self.numbers_rows = sa.make_url(url).get_dialect().supports_identity_columns

    @classmethod
    def of(cls, raw: Any, scheme: str | None) -> GenericDialect | None:
        """
        Return the dialect of a connection, or ``None`` where its driver does not follow the DB-API.

        :param scheme: SQLAlchemy's dialect, if the hook names one
        """
        module = sqlalchemy_dialect.dbapi_of(raw)
        return None if module is None else cls(sqlalchemy_dialect.url_of(raw, scheme), module)
