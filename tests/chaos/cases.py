"""What is loaded: every way that rows travel, each kind of key, and each way of writing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

PATHS = {"binary": "binary COPY", "text": "text COPY", "rows": "rows"}
KEYS = ("key", "composite", "python")
MODES = ("append", "upsert", "replace")


@dataclass(frozen=True)
class Case:
    """
    One kind of load.

    :param path: ``binary`` or ``text`` for COPY, ``rows`` for Python values
    :param key: what is read by: a ``key``, a ``composite`` one with ties, or by counting (``python``)
    :param mode: the operator's ``write_mode``
    """

    path: str
    key: str
    mode: str

    def __str__(self) -> str:
        return f"{self.path} / {self.key} / {self.mode}"

    def arguments(self, batch_size: int, line: str) -> dict[str, Any]:
        """The operator's arguments, all of which can be sent to another process; a line is a pair of connections."""
        by = {"key": {"checkpoint_column": "id"}, "composite": {"checkpoint_column": ["region", "at"]}}
        return {
            "task_id": "copy",
            "source_conn_id": f"{line}_source",
            "destination_conn_id": f"{line}_destination",
            "sql": "SELECT * FROM orders" + (" ORDER BY id" if self.key == "python" else ""),
            "destination_table": "target",
            "batch_size": batch_size,
            "write_mode": self.mode,
            "retries": 100_000,
            "lock_timeout": 30,
            **by.get(self.key, {"strategy": "python"}),
        }


CASES = [Case(*parts) for parts in product(PATHS, KEYS, MODES)]
