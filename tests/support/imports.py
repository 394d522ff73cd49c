"""What the parsing of a DAG may import."""

from __future__ import annotations

from collections.abc import Iterable

HEAVY = ("engine.store", "engine.databases.dialect", "engine.transfer.transfer", ".hooks", ".observability")
"""Parts of the names of modules that only a running task needs."""


def heavy(names: Iterable[str]) -> list[str]:
    """Return the modules that only a running task needs."""
    return [name for name in names if any(part in name for part in HEAVY)]
