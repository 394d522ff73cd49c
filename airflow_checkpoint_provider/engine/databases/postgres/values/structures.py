"""The parts of arrays, ranges and composite types, as the catalog has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_checkpoint_provider.engine.databases.postgres.values.types import PostgresType

_MULTIRANGES_FROM = 140000
_MULTIRANGE = "UNION ALL SELECT 1, rngtypid, -1 FROM pg_range WHERE rngmultitypid = of.oid"
# int2vector and oidvector have elements, but another form of text.
_PARTS = """
WITH RECURSIVE part AS (
    SELECT root::integer, ARRAY[]::bigint[] AS path, oid, modifier
    FROM unnest(%(oids)s::oid[], %(modifiers)s::integer[]) WITH ORDINALITY AS asked (oid, modifier, root)
    UNION ALL
    SELECT root, path || child.place, child.oid, child.modifier
    FROM part JOIN pg_type AS of ON of.oid = part.oid CROSS JOIN LATERAL (
        SELECT row_number() OVER (ORDER BY attnum) AS place, atttypid AS oid, atttypmod AS modifier
        FROM pg_attribute
        WHERE of.typtype = 'c' AND attrelid = of.typrelid AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT 1, of.typbasetype, CASE WHEN of.typtypmod = -1 THEN part.modifier ELSE of.typtypmod END
        WHERE of.typtype = 'd'
        UNION ALL
        SELECT 1, of.typelem, part.modifier
        WHERE of.typcategory = 'A' AND of.typelem <> 0 AND of.oid NOT IN (22, 30)
        UNION ALL
        SELECT 1, rngsubtype, -1 FROM pg_range WHERE rngtypid = of.oid
        {multirange}
    ) AS child
)
SELECT root, path, part.oid, typname, typtype::text, modifier, format_type(part.oid, modifier)
FROM part JOIN pg_type ON pg_type.oid = part.oid ORDER BY root, path
"""
_Path = tuple[int, ...]


def with_parts(raw: Any, types: Sequence[PostgresType]) -> list[PostgresType]:
    """
    Return types with their parts, at every depth.

    :param raw: the psycopg connection
    """
    statement = _PARTS.format(multirange=_MULTIRANGE if raw.info.server_version >= _MULTIRANGES_FROM else "")
    asked = {"oids": [type_.oid for type_ in types], "modifiers": [type_.modifier for type_ in types]}
    found: list[dict[_Path, PostgresType]] = [{} for _ in types]
    if types:
        with raw.cursor() as cursor:
            for root, path, *type_ in cursor.execute(statement, asked).fetchall():
                found[root - 1][tuple(path)] = PostgresType(*type_)
    return [_assembled(parts, ()) for parts in found]


def _assembled(parts: dict[_Path, PostgresType], path: _Path) -> PostgresType:
    type_ = parts[path]
    own = tuple(
        _assembled(parts, other) for other in parts if len(other) == len(path) + 1 and other[:-1] == path
    )
    if type_.family == "d":
        return own[0]
    return PostgresType(type_.oid, type_.kind, type_.family, type_.modifier, type_.declared, own)
