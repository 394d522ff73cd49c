"""The databases that the tests know, and the pairs of source and destination that they make."""

from __future__ import annotations

from typing import Any

from tests.support.databases.kind import Kind
from tests.support.databases.mysql import Mysql
from tests.support.databases.oracle import Oracle
from tests.support.databases.postgres import Postgres
from tests.support.databases.sqlite import Sqlite
from tests.support.databases.unknown import Unknown

KINDS: dict[str, Kind] = {kind.name: kind for kind in (Sqlite(), Postgres(), Mysql(), Oracle(), Unknown())}

PAIRS = [f"{source}->{destination}" for source in KINDS for destination in KINDS]
"""Every database as source of every database."""

COVERING = [
    *(f"{one}->{one}" for one in KINDS),
    *(f"{one}->{next_one}" for one, next_one in zip(KINDS, [*KINDS][1:] + [*KINDS][:1], strict=True)),
]
"""Every database as source and as destination: of itself, and of another one."""


def kinds_of(name: Any) -> list[str]:
    """Return the kinds that a name of one or of a pair means; none if it is neither."""
    kinds = name.split("->") if isinstance(name, str) else []
    return kinds if all(kind in KINDS for kind in kinds) else []


def able(kind: str, needs: dict[str, bool]) -> bool:
    """Tell whether a kind has each of the abilities, or lacks it."""
    return all(getattr(KINDS[kind], ability) is wanted for ability, wanted in needs.items())
