"""Values of ENUM, SET, UUID and INET as their column keeps them, or refused."""

from __future__ import annotations

import ipaddress
from itertools import pairwise
from typing import Any
from uuid import UUID

from airflow_checkpoint_provider.engine.databases.mysql.values.column_facts import ColumnFacts
from airflow_checkpoint_provider.engine.databases.values.refusals import (
    CAST,
    RefusedValueError,
    shown,
    unknown,
)

SHAPES = (
    *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
    *("geometrycollection", "geomcollection"),
)


def as_member(facts: ColumnFacts, value: Any) -> str:
    """Return a member of an ENUM."""
    if not isinstance(value, str):
        raise RefusedValueError(
            f"is given {shown(value)}, of which MySQL takes numbers for the place of a value in the list. {CAST}"
        )
    if value not in facts.listed:
        raise RefusedValueError(
            f"has no value {shown(value)}, to the letter; it has {', '.join(facts.listed)}."
        )
    return value


def as_members(facts: ColumnFacts, value: Any) -> str:
    """Return members of a SET."""
    if isinstance(value, (set, frozenset)):
        value = ",".join(
            sorted(value, key=lambda one: facts.listed.index(one) if one in facts.listed else -1)
        )
    if not isinstance(value, str):
        raise RefusedValueError(
            f"is given {shown(value)}, of which MySQL takes numbers for a sum of places in the list. {CAST}"
        )
    parts = value.split(",") if value else []
    if missing := [part for part in parts if part not in facts.listed]:
        raise RefusedValueError(
            f"has no value {shown(missing[0])}, to the letter; it has {', '.join(facts.listed)}."
        )
    if any(facts.listed.index(one) >= facts.listed.index(other) for one, other in pairwise(parts)):
        raise RefusedValueError(
            f"would write {shown(value)} in another way: each value once, in the order of {', '.join(facts.listed)}."
        )
    return value


def as_uuid(facts: ColumnFacts, value: Any) -> str:
    """Return a UUID as the column writes it."""
    text = str(value) if isinstance(value, (UUID, str)) else ""
    try:
        if str(UUID(text)) == text:
            return text
    except ValueError:
        pass
    raise unknown(value, "uuid")


def as_address(facts: ColumnFacts, value: Any) -> str:
    """Return an address as the column writes it."""
    text = str(value)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise unknown(value, facts.kind) from None
    wanted = 4 if facts.kind == "inet4" else 6
    if address.version != wanted or str(address) != text or getattr(address, "ipv4_mapped", None):
        raise unknown(value, facts.kind)
    return text
