"""A table of a group in one run: its state, from Airflow's task instances and its checkpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from airflow_checkpoint_provider.engine.model.status import TROUBLED, Status
from airflow_checkpoint_provider.plugin.display.parts import Parts
from airflow_checkpoint_provider.plugin.models import View

UPSTREAM_FAILED, SKIPPED = "upstream failed", "skipped"
ORDER = (
    *(state.value for state in TROUBLED),
    UPSTREAM_FAILED,
    Status.RUNNING.value,
    Status.WAITING.value,
    Status.STAGED.value,
    Status.SEEDED.value,
    Status.COMPLETED.value,
    SKIPPED,
)
"""The states of tables, those first that may need a person."""
_OF_INSTANCES = {
    "failed": Status.FAILED.value,
    "up_for_retry": Status.FAILED.value,
    "upstream_failed": UPSTREAM_FAILED,
    "running": Status.RUNNING.value,
    "deferred": Status.RUNNING.value,
    "restarting": Status.RUNNING.value,
    "success": Status.COMPLETED.value,
    "skipped": SKIPPED,
}
_GONE = "removed"


@dataclass(frozen=True, slots=True)
class TableLoad:
    """
    A table of a group, in one run.

    :param task_id: of its transfer
    :param name: that id within the group
    :param views: its checkpoints: one, or one for each instance of a mapped task; none where there are none yet, where
        the load keeps none, or where a later run has moved them on
    :param instances: the number of its task instances in each of Airflow's states
    """

    task_id: str
    name: str
    views: Sequence[View]
    instances: Counter[str]

    @property
    def state(self) -> str:
        """The state of its load in one word: of several instances, that of the one that may most need a person."""
        states = {view.state.value for view in self.views}
        for state, number in self.instances.items():
            if number and state != _GONE:
                states.add(_OF_INSTANCES.get(state, Status.WAITING.value))
        return min(states or {Status.WAITING.value}, key=ORDER.index)

    @property
    def parts(self) -> list[tuple[str, int]]:
        """Of a mapped task: the number of instances in each state, those without a checkpoint as waiting."""
        if not self.is_mapped:
            return []
        counts = Counter(view.state.value for view in self.views)
        counts += Counter({Status.WAITING.value: self._expected - len(self.views)})
        return [(state, counts[state]) for state in sorted(counts, key=ORDER.index)]

    @property
    def is_mapped(self) -> bool:
        """Whether it has several instances, of which at least one has a checkpoint."""
        return bool(self.views) and max(len(self.views), self._expected) > 1

    @property
    def view(self) -> View | None:
        """Its only checkpoint."""
        return self.views[0] if self.views and not self.is_mapped else None

    @property
    def newest(self) -> View | None:
        """The checkpoint that has committed last."""
        return max(self.views, key=lambda view: view.checkpoint.committed_at, default=None)

    @property
    def rows(self) -> int:
        """The committed rows."""
        return sum(view.checkpoint.rows for view in self.views)

    @property
    def rejected(self) -> int:
        """The number of rows that the destination has refused."""
        return sum(view.rejected for view in self.views)

    @property
    def seconds(self) -> float:
        """The time from its first attempt to its end, or to now."""
        if not self.views:
            return 0.0
        began = min(view.checkpoint.started_at for view in self.views)
        return (max(view.ended_at for view in self.views) - began).total_seconds()

    @property
    def share(self) -> float | None:
        """The committed share: of a plan's partitions by their rows, else the mean; ``None`` where one is unknown."""
        if planned := Parts.of(self.views):
            return planned.share
        shares = [view.pace.share for view in self.views]
        known = [share for share in shares if share is not None]
        is_known = shares and len(known) == len(shares) >= self._expected
        return sum(known) / len(shares) if is_known else None

    @property
    def error(self) -> str:
        """The error that has ended a load."""
        errors = (view.checkpoint.last_error for view in self.views if view.state is Status.FAILED)
        return next(filter(None, errors), "")

    @property
    def destination(self) -> str:
        """The table that it loads; empty before its first attempt."""
        return self.views[0].checkpoint.destination_table if self.views else ""

    @property
    def _expected(self) -> int:
        return self.instances.total() - self.instances[_GONE]
