"""The types that keep every value of another type, by the types alone."""

from __future__ import annotations

from dataclasses import replace

from airflow_checkpoint_provider.engine.databases.postgres.columns import PostgresColumn
from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType, scale_of

WHOLE = ("int2", "int4", "int8", "oid")


TEXTS = frozenset(("text", "varchar", "bpchar"))


# By the destination's type, the types whose every value it keeps or refuses.
_KEEPS = {
    **dict.fromkeys(WHOLE, frozenset((*WHOLE, "numeric", "float4", "float8"))),
    "oid": frozenset(("oid",)),  # which makes a positive number of a negative one
    "numeric": frozenset((*WHOLE, "numeric", "float4", "float8")),
    "float8": frozenset(("int2", "int4", "float4", "float8")),
    "float4": frozenset(("int2", "float4")),
    "timestamp": frozenset(("timestamp", "date")),
    "json": frozenset(("json", "jsonb")),
    "interval": frozenset(("interval",)),
}


_MOMENTS = frozenset(("timestamp", "timestamptz", "time", "timetz"))


def keeps(column: PostgresColumn, type_: PostgresType) -> bool:
    """Return whether every value arrives as it is, or is refused by the server, by the types alone."""
    kind, modifier = column.kind, column.modifier
    if type_.parts and (column.is_own or column.made_of):
        return column.family == type_.family and column.made_of == type_.made_of
    if type_.is_array and kind.startswith("_"):
        return keeps(replace(column, kind=kind[1:]), type_.parts[0])
    if type_.family == "e":
        return column.is_own or kind in TEXTS
    if type_.kind in TEXTS:
        if kind in ("bool", "bytea"):
            return False
        if type_.length is None and type_.kind != "bpchar":
            return True
        if kind == "bpchar" and type_.kind == "bpchar":
            return True
        known = kind in ("varchar", "bpchar") and modifier >= 4
        return known and type_.kind == "varchar" and modifier - 4 <= (type_.length or 0)
    if kind not in _KEEPS.get(type_.kind, {type_.kind}):
        return False
    if type_.modifier == -1 or kind == "date" or (type_.kind == kind and type_.modifier == modifier):
        return True
    if type_.kind == "numeric":
        scale, most = scale_of(modifier) if kind == "numeric" else None, type_.scale or 0
        return (most >= 0 and kind in WHOLE) or (scale is not None and scale <= most)
    return type_.kind in _MOMENTS and 0 <= modifier <= type_.modifier
