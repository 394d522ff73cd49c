"""A table of Postgres whose pages are left partly empty."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable

_FILLFACTOR = 50  # percent of each page that INSERT fills


class CreateWithRoom(CreateTable):
    """A table whose pages are left partly empty; SQLAlchemy has an option for that from 2.1 on."""


@compiles(CreateWithRoom)
def _with_room(create: CreateWithRoom, compiler: Any, **options: Any) -> str:
    created = compiler.visit_create_table(create, **options)
    return f"{created.rstrip()}\n WITH (fillfactor = {_FILLFACTOR})\n\n"
