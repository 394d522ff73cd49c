"""The names of tables in the catalog."""

from __future__ import annotations

import sqlalchemy as sa

# A partition, or a child table, is read with its parent.
TABLE_NAMES = sa.text(
    "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = COALESCE(CAST(:schema AS text), current_schema()) AND c.relkind IN ('r', 'p') "
    "AND c.relpersistence <> 't' AND NOT EXISTS (SELECT 1 FROM pg_inherits i "
    "JOIN pg_class p ON p.oid = i.inhparent WHERE i.inhrelid = c.oid AND p.relnamespace = c.relnamespace) ORDER BY 1"
)
