"""What MySQL and MariaDB know about a view, and about the tables behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.mysql.drivers import text_of
from airflow_checkpoint_provider.engine.databases.table_facts import (
    DELETE,
    INSERT,
    READ,
    SHOWS_OTHERS,
    UPDATE,
    hides_rows,
)

Named = tuple[str, str]
"""A schema and a table in it."""

_VIEW = sa.text(
    "SELECT is_updatable, view_definition, check_option FROM information_schema.views"
    " WHERE table_schema = :schema AND table_name = :name"
)
_ENGINE = sa.text(
    "SELECT table_type, engine FROM information_schema.tables WHERE table_schema = :schema AND table_name = :name"
)
_NAMES = re.compile(r"`((?:[^`]|``)+)`\.`((?:[^`]|``)+)`")
_QUOTED = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_WHERE = re.compile(r"\bwhere\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class View:
    """
    A view.

    :param stored: the tables behind it, with their engines; empty where they are not known
    :param refused: the actions that the server refuses, or would apply to other rows than the loaded ones
    """

    stored: Mapping[Named, str | None]
    refused: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def ask_view(connection: sa.Connection, named: Named) -> View:
    """Read a view from the catalog, and the views that it reads."""
    waiting, seen = [named], {named}
    stored: dict[Named, str | None] = {}
    updatable, checked, hiding = True, False, ""
    while waiting:
        view = waiting.pop()
        row = connection.execute(_VIEW, {"schema": view[0], "name": view[1]}).one()
        definition, option = text_of(row[1] or ""), text_of(row[2])
        if view == named:
            updatable, checked = text_of(row[0]) == "YES", option == "CASCADED"
        if option == "NONE" and (not definition or _WHERE.search(_QUOTED.sub("", definition))):
            hiding = hiding or view[1]
        for match in _NAMES.finditer(definition):
            behind = (match[1].replace("``", "`"), match[2].replace("``", "`"))
            if behind in seen:
                continue
            seen.add(behind)
            if found := connection.execute(_ENGINE, {"schema": behind[0], "name": behind[1]}).first():
                if text_of(found[0]) == "VIEW":
                    waiting.append(behind)
                else:
                    stored[behind] = found[1]
    if not updatable:
        refused = {
            deed: f"it is a view that takes no {deed}. Name the table behind it"
            for deed in (INSERT, UPDATE, DELETE)
        }
        return View(stored, refused)
    if hiding and not checked:
        return View(stored, {DELETE: hides_rows(hiding), READ: SHOWS_OTHERS})
    return View(stored)
