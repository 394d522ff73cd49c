"""The columns that a load has read, kept with its checkpoint, and what has become of them at the source."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airflow_checkpoint_provider.engine.model.stored_text import json_of

COLUMN_LIST = "column list"
"""The part of a fingerprint with the columns that are read; it is compared name by name."""


@dataclass(frozen=True, slots=True)
class KnownColumns:
    """
    The columns that a load has read.

    :param types: the type of each, as its source declares it; empty where it was not asked
    """

    types: Mapping[str, str]

    @classmethod
    def of(cls, fingerprint: Mapping[str, str]) -> KnownColumns | None:
        """Read the list out of a fingerprint; ``None`` where there is none, or it is damaged."""
        try:
            stored = json_of(fingerprint.get(COLUMN_LIST, ""))
        except ValueError:
            return None
        if type(stored) is not dict or not all(type(text) is str for text in stored.values()):
            return None
        return cls(stored)

    def as_text(self) -> str:
        """Return the form for a fingerprint."""
        return json.dumps(self.types, ensure_ascii=False)

    def new(self, names: Sequence[str]) -> list[str]:
        """Return those of some columns that the load has not read."""
        return [name for name in names if name not in self.types]

    def gone(self, names: Sequence[str]) -> list[str]:
        """Return the columns that the load has read, and that are not among some others."""
        return [name for name in self.types if name not in names]
