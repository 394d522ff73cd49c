"""What is loaded, as its checkpoint remembers it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Load:
    """What is being loaded, as the checkpoint remembers it."""

    strategy: str
    key_columns: tuple[str, ...]
    fingerprint: dict[str, str]
    source_conn_id: str
    destination_conn_id: str
    destination_table: str

    def values(self) -> dict[str, Any]:
        """Columns of the metadata table."""
        return {
            "strategy": self.strategy,
            "key_columns": json.dumps(self.key_columns),
            "fingerprint": json.dumps(self.fingerprint),
            "source_conn_id": self.source_conn_id,
            "destination_conn_id": self.destination_conn_id,
            "destination_table": self.destination_table,
        }
