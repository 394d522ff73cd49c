"""A heap table, split as it is stored: by ranges of ROWID, which the server compares."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.dictionary import rows_of
from airflow_checkpoint_provider.engine.databases.oracle.errors import NOT_GRANTED, error_code
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, SourceChangedError
from airflow_checkpoint_provider.engine.model.partition import Boundary, Partition, StoragePlaces

COLUMN = "ROWID"
"""The name that a partition has in place of a column's; Oracle allows no column of that name."""

_TABLE = (
    "SELECT t.owner, t.table_name, t.row_movement, t.partitioned, t.num_rows, t.blocks,"
    " CASE WHEN t.iot_type IS NOT NULL OR t.cluster_name IS NOT NULL OR t.temporary = 'Y' OR e.table_name IS NOT NULL"
    " OR m.mview_name IS NOT NULL THEN 1 ELSE 0 END FROM all_tables t"
    " LEFT JOIN all_external_tables e ON e.owner = t.owner AND e.table_name = t.table_name"
    " LEFT JOIN all_mviews m ON m.owner = t.owner AND m.mview_name = t.table_name"
    " WHERE t.owner = :1 AND t.table_name = :2"
)
# The server compares ROWIDs to find the rows of a range, so places outside of the table's blocks only make the ranges
# uneven.
_EXTENTS = (
    "SELECT ROWIDTOCHAR(x.place), x.blocks FROM (SELECT e.blocks,"
    " DBMS_ROWID.ROWID_CREATE(1, o.data_object_id, e.relative_fno, e.block_id, 0) AS place"
    " FROM dba_extents e JOIN all_objects o ON o.owner = e.owner AND o.object_name = e.segment_name"
    " AND o.object_type = e.segment_type AND NVL(o.subobject_name, '-') = NVL(e.partition_name, '-')"
    " WHERE e.owner = :1 AND e.segment_name = :2) x ORDER BY x.place"
)
_SAMPLE = "SELECT ROWIDTOCHAR(x.place) FROM (SELECT ROWID AS place FROM {} SAMPLE BLOCK ({:.6f})) x ORDER BY x.place"
_STORED = (
    "SELECT COUNT(*) FROM all_objects o WHERE o.owner = :1 AND o.object_name = :2"
    " AND o.data_object_id = DBMS_ROWID.ROWID_OBJECT(CHARTOROWID(:3))"
)
_PLACE = re.compile("[A-Za-z0-9+/]{18}")
_SAMPLED_BLOCKS = 10_000
_MOST = 50.0  # percent


def places(raw: Any, owner: str | None, table: str, quoted: str, *, at_moment: bool) -> StoragePlaces:
    """
    Return the boundaries of parts of a table: the beginnings of its extents, or else ROWIDs of a sample.

    :param owner: the schema, or ``None`` for the session's
    :param table: the name as the dictionary has it
    :param quoted: the whole name, as it stands in a statement
    :param at_moment: the table is read as of an earlier moment, at which no row moves any more
    :raises ArgumentError: when its rows have no lasting ROWID
    """
    owner, table, rows, blocks = _heap(raw, owner, table, at_moment=at_moment)
    with closing(raw.cursor()) as cursor:
        try:
            cursor.execute(_EXTENTS, [owner, table])
        except Exception as error:
            if error_code(error) not in NOT_GRANTED:
                raise
        else:
            return _of_extents(cursor.fetchall(), rows)
        percent = min(_MOST, max(100.0 * _SAMPLED_BLOCKS / blocks, 0.000001)) if blocks else _MOST
        cursor.execute(_SAMPLE.format(quoted, percent))
        found = [Boundary(str(place), number) for number, (place,) in enumerate(cursor.fetchall(), 1)]
    return StoragePlaces(f"a sample of {len(found):,} rows", COLUMN, rows, len(found), found[:-1])


def _of_extents(extents: list[Any], rows: int) -> StoragePlaces:
    found, before = [], 0
    for place, blocks in extents:
        if before:
            found.append(Boundary(str(place), before))
        before += int(blocks)
    return StoragePlaces(f"the {len(extents):,} extents of the table", COLUMN, rows, before, found)


def condition(raw: Any, owner: str | None, table: str, part: Partition, *, at_moment: bool) -> str:
    """
    Return the condition that a row of a table is stored between the boundaries of a partition.

    :param owner: the schema, or ``None`` for the session's
    :param table: the name as the dictionary has it
    :param at_moment: the table is read as of an earlier moment, at which no row moves any more
    :raises ArgumentError: when rows may change their ROWIDs, or a boundary is none
    :raises SourceChangedError: when the table has been rewritten since it was split
    """
    owner, table, _, _ = _heap(raw, owner, table, at_moment=at_moment)
    conditions = []
    for operator, place in ((">", part.lowest), ("<=", part.greatest)):
        if place is None:
            continue
        if not isinstance(place, str) or not _PLACE.fullmatch(place):
            raise ArgumentError(f"partition: {place!r} is not a ROWID. Plan the partitions again.")
        with closing(raw.cursor()) as cursor:
            cursor.execute(_STORED, [owner, table, place])
            if not cursor.fetchone()[0]:
                raise SourceChangedError(
                    f"partition: {table} was truncated, moved or made anew since it was split by ROWID. Clear the task "
                    "that plans the partitions, with those behind it."
                )
        conditions.append(f"ROWID {operator} CHARTOROWID('{place}')")
    return " AND ".join(conditions)


def _heap(raw: Any, owner: str | None, table: str, *, at_moment: bool) -> tuple[str, str, int, int]:
    """Return the schema and the name of a heap table, with its rows and its blocks as far as they are known."""
    found = rows_of(raw, _TABLE, owner, table)
    why = "is a view, whose rows have no ROWID of their own"
    if found:
        its, name, movement, partitioned, rows, blocks, other = found[0]
        if other:
            why = "is index-organized, clustered, temporary, external or a materialized view"
        elif movement == "ENABLED":
            why = "has row movement enabled, so that a row may change its ROWID (ALTER TABLE ... DISABLE ROW MOVEMENT)"
        elif partitioned == "YES" and not at_moment:
            why = "is partitioned, and which partitions it has may change meanwhile: give as_of='now', too"
        else:
            return str(its), str(name), int(rows or 0), int(blocks or 0)
    raise ArgumentError(
        f"split: {table} {why}. Without that, leave out split='rowid' to split it by its key."
    )
