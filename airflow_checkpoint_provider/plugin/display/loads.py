"""The instances of a mapped task in one run as one line of a list."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from airflow_checkpoint_provider.engine.admin.mapped_loads import Run, Totals
from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.status import TROUBLED, Status
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.display.parts import Parts
from airflow_checkpoint_provider.plugin.models import View

_FIRST = (*TROUBLED, Status.RUNNING)


@dataclass(frozen=True, slots=True)
class MappedLoad:
    """
    A load of several checkpoints.

    :param parts: those that were read: the ones that may need a person first, then by map index
    :param totals: of all
    """

    parts: Sequence[View]
    totals: Totals

    @classmethod
    def of(cls, views: Sequence[View], totals: Totals) -> MappedLoad:
        """Combine the checkpoints of one run of a task."""

        def urgency(view: View) -> tuple[int, int, str]:
            return _urgency(view.state), view.identity.map_index, view.identity.name

        return cls(sorted(views, key=urgency), totals)

    @property
    def count(self) -> int:
        """The number of all."""
        return max(self.totals.count, len(self.parts))

    @property
    def more(self) -> bool:
        """Whether some were not read."""
        return self.count > len(self.parts)

    @property
    def states(self) -> list[tuple[str, str, int]]:
        """The states, each with the words for it and the number of those in it."""
        words = {view.state: view.word for view in self.parts}
        counts = Counter(view.state.value for view in self.parts)
        # Of those that were not read, the stored state is known.
        stored = Counter(self.totals.by_status)
        stored.subtract(view.checkpoint.status.value for view in self.parts)
        counts += stored
        return [
            (state, words.get(Status(state), state), counts[state]) for state in sorted(counts, key=_urgency)
        ]

    @property
    def rows(self) -> int:
        """The committed rows of all."""
        return self.totals.rows

    @property
    def rejected(self) -> int:
        """The number of rows that the destination has refused, of those that were read."""
        return sum(view.rejected for view in self.parts)

    @property
    def rate(self) -> float | None:
        """Recent rows a second of those that run."""
        return sum(view.pace.rate or 0.0 for view in self.parts) or None

    @property
    def share(self) -> float | None:
        """The committed share: of a plan's partitions by their rows, else the mean; ``None`` where one is unknown."""
        if self.more:
            return None
        if planned := Parts.of(self.parts):
            return planned.share
        shares = [view.pace.share for view in self.parts]
        known = [share for share in shares if share is not None]
        return sum(known) / len(shares) if len(known) == len(shares) else None

    @property
    def tables(self) -> list[str]:
        """The tables that they load."""
        return list(dict.fromkeys(view.checkpoint.destination_table for view in self.parts))

    @property
    def href(self) -> str:
        """The address of the page of the whole load."""
        who = self.parts[0].identity
        return f"task?{urlencode({'dag_id': who.dag_id, 'task_id': who.task_id, 'run_id': who.run_id})}"


def mapped_loads(
    views: Sequence[View], instances: Sequence[View], totals: Mapping[tuple[Place, Run], Totals]
) -> dict[tuple[Place, Identity], MappedLoad]:
    """
    Return the loads that views stand for; a view that stands for itself is left out.

    :param instances: the instances of these runs of mapped tasks that were read
    :param totals: of all instances of each run that has several
    """
    together: dict[tuple[Place, Run], list[View]] = defaultdict(list)
    for instance in instances:
        together[_run_of(instance)].append(instance)
    return {
        (view.place, view.identity): MappedLoad.of(together[run] or [view], totals[run])
        for view in views
        if (run := _run_of(view)) in totals
    }


def _urgency(state: str) -> int:
    return _FIRST.index(Status(state)) if state in _FIRST else len(_FIRST)


def _run_of(view: View) -> tuple[Place, Run]:
    return view.place, (view.identity.dag_id, view.identity.task_id, view.identity.run_id)
