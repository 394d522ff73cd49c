"""The databases of the tests, and their pairs of source and destination."""

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
    """Return the kinds named by one kind or by a pair; an empty list for another name."""
    kinds = name.split("->") if isinstance(name, str) else []
    return kinds if all(kind in KINDS for kind in kinds) else []


def able(kind: str, needs: dict[str, bool]) -> bool:
    """Return whether a kind has, or lacks, each ability as required."""
    return all(getattr(KINDS[kind], ability) is wanted for ability, wanted in needs.items())
