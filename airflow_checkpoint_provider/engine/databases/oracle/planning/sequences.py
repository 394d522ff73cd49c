"""Columns whose numbers come from a sequence, and the order in which instances of a cluster assign them."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.dictionary import rows_of

IDENTITIES_SINCE = (12,)
"""The version of the server that has identity columns."""

_IDENTITIES = (
    "SELECT i.column_name, i.identity_options FROM all_tab_identity_cols i"
    " WHERE i.owner = :1 AND i.table_name = :2"
)
# DATA_DEFAULT is a LONG, which no expression can use.
_DEFAULTS = (
    "SELECT c.column_name, c.data_default FROM all_tab_cols c WHERE c.owner = :1 AND c.table_name = :2"
    " AND c.default_length IS NOT NULL"
)
_SEQUENCE = (
    "SELECT s.order_flag, s.cache_size FROM all_sequences s"
    " WHERE s.sequence_owner = :1 AND s.sequence_name = :2"
)
_OPTION = re.compile(r"(\w+): (\w+)")
_NEXT = re.compile(r'\s*"([^"]+)"\."([^"]+)"\."?NEXTVAL"?\s*', re.IGNORECASE)  # as the dictionary writes it


def unordered_columns(raw: Any, owner: str | None, table: str, *, identities: bool) -> frozenset[str]:
    """
    Return the columns whose sequence is known to have NOORDER and a cache.

    :param owner: the schema, or ``None`` for the session's
    :param table: the name as the dictionary has it
    :param identities: the server has identity columns
    """
    found = set()
    for column, text in rows_of(raw, _IDENTITIES, owner, table) if identities else ():
        options = dict(_OPTION.findall(str(text)))
        if _is_unordered(options.get("ORDER_FLAG"), options.get("CACHE_SIZE")):
            found.add(str(column))
    for column, text in rows_of(raw, _DEFAULTS, owner, table):
        named = _NEXT.fullmatch(str(text))
        if not named:
            continue
        with closing(raw.cursor()) as cursor:
            cursor.execute(_SEQUENCE, list(named.groups()))
            sequence = cursor.fetchone()
        if sequence and _is_unordered(*sequence):
            found.add(str(column))
    return frozenset(found)


def _is_unordered(ordered: Any, cached: Any) -> bool:
    return ordered == "N" and int(cached or 0) > 1
