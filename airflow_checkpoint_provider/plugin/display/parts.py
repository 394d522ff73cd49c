"""The partitions of one table, loaded by the instances of one mapped task, shown as one load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_checkpoint_provider.engine.model.partition import Partition
from airflow_checkpoint_provider.engine.model.status import TROUBLED, Status
from airflow_checkpoint_provider.plugin.models import View

_DONE = frozenset({Status.COMPLETED, Status.STAGED})


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One partition.

    :param view: ``None`` before its first attempt
    :param share: committed share of its rows, from 0 to 1
    """

    index: int
    view: View | None = None
    share: float = 0.0

    @property
    def state(self) -> Status:
        """The state of its checkpoint."""
        return self.view.state if self.view else Status.WAITING


@dataclass(frozen=True, slots=True)
class Parts:
    """
    All partitions of a plan.

    :param run_id: of the DAG run
    :param share: committed share of all rows, from 0 to 1
    :param rows: committed rows
    :param expected: estimated rows in all
    :param rate: recent rows a second of all running partitions
    :param left: estimated seconds to the end, where known
    :param other_plans: number of instances whose checkpoint is of another plan
    """

    run_id: str
    cells: Sequence[Cell]
    share: float
    rows: int
    expected: int
    rate: float | None
    left: float | None
    other_plans: int

    @classmethod
    def of(cls, views: Sequence[View]) -> Parts | None:
        """Combine the checkpoints of one task in one run; ``None`` where they are not of partitions."""
        found = [(view, part) for view in views if (part := view.part)]
        if not found:
            return None
        # After a new plan, the instances take it up one after another; the newest plan is shown.
        newest = max(found, key=lambda pair: pair[0].checkpoint.started_at)[1]
        own = {part.index: (view, part) for view, part in found if part.plan == newest.plan}
        cells = [
            Cell(index, own[index][0], _share(*own[index])) if index in own else Cell(index)
            for index in range(newest.of)
        ]
        weights = {index: max(part.rows, 0) for index, (_, part) in own.items()}
        expected = newest.rows_in_all
        done = sum(cells[index].share * weight for index, weight in weights.items())
        # Partitions without rows have no weight, so they are counted.
        share = min(done / expected, 1.0) if expected else len(own) / newest.of
        share = min(share, 0.999) if any(cell.state not in _DONE for cell in cells) else 1.0
        at_work = [view.pace for view, _ in own.values() if view.state == Status.RUNNING]
        rate = sum(pace.rate or 0.0 for pace in at_work) or None
        left = None
        if rate and share < 1:
            # The rows that are left at the common rate, but no less than the slowest partition takes.
            left = max([expected * (1 - share) / rate, *(pace.left or 0.0 for pace in at_work)])
        return cls(
            run_id=own[newest.index][0].identity.run_id,
            cells=cells,
            share=share,
            rows=sum(view.checkpoint.rows for view, _ in own.values()),
            expected=expected,
            rate=rate,
            left=left,
            other_plans=len(found) - len(own),
        )

    @property
    def slowest(self) -> Cell | None:
        """The running partition that is expected to end last."""
        at_work = [cell for cell in self.cells if cell.view and cell.state == Status.RUNNING]
        return max(at_work, key=lambda cell: (cell.view.pace.left or 0.0, -cell.share), default=None)  # type: ignore[union-attr]

    @property
    def troubled(self) -> list[Cell]:
        """The partitions that have failed, were killed, or stand still."""
        return [cell for cell in self.cells if cell.state in TROUBLED]

    @property
    def state(self) -> Status:
        """The state of all partitions, as one word."""
        states = {cell.state for cell in self.cells}
        if states <= _DONE:
            return Status.STAGED if Status.STAGED in states else Status.COMPLETED
        if Status.RUNNING in states:
            return Status.RUNNING
        return next((state for state in TROUBLED if state in states), Status.RUNNING)

    @property
    def troubles(self) -> dict[Status, int]:
        """The number of partitions in each state that may need attention."""
        return {state: number for state in TROUBLED if (number := self.count(state))}

    def count(self, state: str) -> int:
        """Count the partitions in a state."""
        return sum(cell.state == state for cell in self.cells)


def _share(view: View, part: Partition) -> float:
    if view.state in _DONE:
        return 1.0
    if view.pace.share is not None:
        return min(view.pace.share, 0.999)
    return min(view.checkpoint.rows / part.rows, 0.999) if part.rows else 0.0
