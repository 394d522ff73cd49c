"""
Stops a load at a known batch, so that a test can interrupt it there.

The test closes a gate by writing a file, and the load's ``rows_processor`` waits in front of it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DIRECTORY_VARIABLE = "ACCEPTANCE_GATES"


@dataclass(frozen=True)
class Gate:
    """The gate of one task instance; in a task loop, of one pass."""

    directory: Path
    run_id: str
    map_index: int = -1

    @property
    def _file(self) -> Path:
        return self.directory / f"{self.run_id}.{self.map_index}"

    def close(self, after_batches: int) -> None:
        """Let every attempt pass this number of batches, then hold it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        scratch = self._file.with_suffix(".new")
        scratch.write_text(str(after_batches))
        scratch.rename(self._file)

    def open(self) -> None:
        self._file.unlink(missing_ok=True)

    def limit(self) -> int | None:
        """The batches that may pass, ``None`` when the gate is open."""
        try:
            return int(self._file.read_text())
        except FileNotFoundError:
            return None

    def arrive(self) -> None:
        """Record that this process waits."""
        self._waiting(os.getpid()).touch()

    def holds(self, pid: int) -> bool:
        return self._waiting(pid).exists()

    def _waiting(self, pid: int) -> Path:
        return self.directory / f"{self.run_id}.{self.map_index}.waiting.{pid}"


class Counter:
    """The batches this process has seen; every attempt is a process of its own."""

    batches = 0


def gated(rows: list[Any], **context: Any) -> list[Any]:
    """A ``rows_processor`` that waits at the gate, and returns the rows unchanged."""
    instance = context["ti"]
    index = context["loop"].index if "loop" in context else instance.map_index
    gate = Gate(Path(os.environ[DIRECTORY_VARIABLE]), instance.run_id, index)
    Counter.batches += 1
    while (limit := gate.limit()) is not None and Counter.batches > limit:
        gate.arrive()
        time.sleep(0.02)
    return rows
