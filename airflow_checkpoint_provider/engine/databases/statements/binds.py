"""Bind parameters of the engine, added after the user's, in the driver's style."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_checkpoint_provider.engine.databases.statements.query import Parameters

_NAME = "airflow_checkpoint_"


class Binds:
    """
    The parameters of one statement: the user's first, then the engine's.

    :param paramstyle: the driver's DB-API paramstyle
    :param given: the user's parameters, which decide between names and places
    """

    def __init__(self, paramstyle: str, given: Parameters) -> None:
        self._paramstyle = paramstyle
        self._given = bool(given)
        self._named: dict[str, Any] | None = None
        self._listed: list[Any] = []
        if isinstance(given, Mapping):
            self._named = dict(given)
        elif given:
            self._listed = list(given)
        elif paramstyle in ("named", "pyformat"):
            self._named = {}

    def add(self, value: Any) -> str:
        """Add a value and return its placeholder."""
        if self._named is not None:
            name = f"{_NAME}{len(self._named)}"
            self._named[name] = value
            return f"%({name})s" if self._paramstyle in ("pyformat", "format") else f":{name}"
        self._listed.append(value)
        if self._paramstyle in ("format", "pyformat"):
            return "%s"
        return "?" if self._paramstyle == "qmark" else f":{len(self._listed)}"

    def escape(self, sql: str) -> str:
        """Escape each ``%`` in SQL that the driver would interpret."""
        if self._paramstyle in ("format", "pyformat") and not self._given:
            return sql.replace("%", "%%")
        return sql

    @property
    def values(self) -> Mapping[str, Any] | list[Any] | None:
        """The parameters to execute with; drivers that interpret ``%`` do so only when they are given some."""
        values = self._listed if self._named is None else self._named
        return values if values or self._paramstyle in ("format", "pyformat") else None
