"""The kinds of load: every route, each kind of key, and each write mode."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product
from typing import Any

PATHS = {"binary": "binary COPY", "text": "text COPY", "rows": "rows", "rejects": "rows"}
KEYS = ("key", "composite", "python")
MODES = ("append", "upsert", "replace", "replace_atomic")


@dataclass(frozen=True)
class Case:
    """
    One kind of load.

    :param path: ``binary`` or ``text`` for COPY, ``rows`` for Python values, ``rejects`` for Python values with bad
        rows, which are rejected
    :param key: the order of reading: by a ``key``, by a ``composite`` one with ties, or by counting (``python``)
    :param mode: the operator's ``write_mode``
    """

    path: str
    key: str
    mode: str

    def __str__(self) -> str:
        return f"{self.path} / {self.key} / {self.mode}"

    @property
    def rejects(self) -> bool:
        return self.path == "rejects"

    @property
    def stages(self) -> bool:
        return self.mode == "replace_atomic"

    @property
    def columns(self) -> list[str]:
        """The key columns; none where rows are counted."""
        return {"key": ["id"], "composite": ["region", "at"]}.get(self.key, [])

    def arguments(self, batch_size: int, line: str) -> dict[str, Any]:
        """The operator's arguments, all picklable; ``line`` is the prefix of a pair of connections."""
        by = {"checkpoint_column": self.columns} if self.columns else {"strategy": "python"}
        rejects = {"on_bad_row": "reject", "max_rejected_rows": None} if self.rejects else {}
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
            **by,
            **rejects,
        }


# The constraints of the destination find bad rows, and a stage has no constraints.
CASES = [
    case
    for case in (Case(*parts) for parts in product(PATHS, KEYS, MODES))
    if not (case.rejects and case.stages)
]


def sample(chance: random.Random) -> list[Case]:
    """Choose one case for each path and mode, by any key."""
    chosen = {(case.path, case.mode): case for case in chance.sample(CASES, len(CASES))}
    return [case for case in CASES if case in chosen.values()]
