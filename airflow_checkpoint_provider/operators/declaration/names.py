"""The names in a declaration: a table's own, those that are derived from it, and the id of its task."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import ArgumentError

_PART = r'(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|[^".`]+)'
_NAME = re.compile(rf"(?:(?P<schema>{_PART}(?:\.{_PART})*)\.)?(?P<table>{_PART})")
_PLACEHOLDER = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
_UNFIT = re.compile(r"[^\w-]")

NAMES_OF_TABLES = ("source_table", "destination_table", "checkpoint_table")
"""The arguments in which no placeholder may be left."""


@dataclass(frozen=True, slots=True)
class DeclaredName:
    """
    The name of a table in a declaration, as it is written there, quotes included.

    :param table: the name without its schema, which ``{table}`` stands for
    :param schema: all in front of it, which ``{schema}`` stands for
    """

    table: str
    schema: str | None = None

    @classmethod
    def parse(cls, text: str) -> DeclaredName:
        """
        Read ``table`` or ``schema.table``, each part plain or in quotes.

        :raises ArgumentError: when it is not a table name
        """
        found = _NAME.fullmatch(text)
        if not found or text != text.strip():
            raise ArgumentError("the name is not that of a table; write table or schema.table.")
        return cls(found["table"], found["schema"])

    @property
    def task_id(self) -> str:
        """The id of its task; it depends on nothing but the name, so that the checkpoint stays with the table."""
        text = str(self)
        plain = re.sub(r'["`]', "", text).replace(".", "__")
        fit = _UNFIT.sub("_", plain)
        return fit if fit == plain else f"{fit}_{sha256(text.encode()).hexdigest()[:8]}"

    def fill(self, value: Any) -> Any:
        """
        Replace ``{table}`` and ``{schema}`` in a text, and in the texts of a list or a mapping.

        :raises ArgumentError: for ``{schema}``, when the name has none
        """
        if isinstance(value, str):
            return _PLACEHOLDER.sub(self._replacement, value)
        if isinstance(value, Mapping):
            return {key: self.fill(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(map(self.fill, value)) if type(value) in (list, tuple) else value
        return value

    def _replacement(self, found: re.Match[str]) -> str:
        if found[1] == "table":
            return self.table
        if found[1] != "schema":
            return found[0]
        if self.schema is None:
            raise ArgumentError("{schema} stands for the schema, which the name of this table has not.")
        return self.schema

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}" if self.schema else self.table


def check_filled(arguments: Mapping[str, Any]) -> None:
    """
    Check that no placeholder is left in the name of a table, where it would become part of the name.

    :raises ArgumentError: for the first one
    """
    for name in NAMES_OF_TABLES:
        value = arguments.get(name)
        if isinstance(value, str) and (found := _PLACEHOLDER.search(value)):
            raise ArgumentError(
                f"{name}: {found[0]} is not replaced; only {{table}} and {{schema}} are, in small letters."
            )
