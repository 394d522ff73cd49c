"""The campaign: load, disturb at a random moment, retry until the load is complete, compare; and again."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path

from tests.chaos import attempt
from tests.chaos.agreement import disagreement
from tests.chaos.cases import Case
from tests.chaos.figures import Figures
from tests.chaos.harm import HARMS, Harm
from tests.chaos.running import Running
from tests.chaos.servers import Server
from tests.chaos.tables import Difference, Tables
from tests.support.network.proxy import Proxy

_LIMIT_S = 120.0  # for one attempt: every wait has a limit
_MOST_ATTEMPTS = 100
_SAME_LENGTH = 5  # attempts; later ones get more time, because a retry does not shorten a swap


class Campaign:
    """
    Loads with disturbances.

    :param folder: of the logs
    :param rows: the number of rows of each load
    :param batch_size: small enough for a kill to fall into any part of a batch
    """

    def __init__(
        self, source: Server, destination: Server, folder: Path, seed: int, rows: int, batch_size: int
    ) -> None:
        self._stack = ExitStack()
        lines = []
        for name, server in (("SOURCE", source), ("DESTINATION", destination)):
            lines.append(self._stack.enter_context(Proxy(server.reach)))
            os.environ[f"AIRFLOW_CONN_CHAOS_{name}"] = server.connection()
            os.environ[f"AIRFLOW_CONN_BROKEN_{name}"] = server.connection(lines[-1].port)
        chance = random.Random(seed)
        self._order = random.Random(seed)
        self._harms: dict[str, Harm] = {
            name: harm(chance, destination, (lines[0], lines[1])) for name, harm in HARMS.items()
        }
        self._tables = Tables(source.dsn, destination.dsn, rows)
        self._log = folder / "attempts.log"
        self._batch_size = batch_size
        self._runs = 0
        self._lengths: dict[Case, float] = {}

    def __enter__(self) -> Campaign:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(
        self, cases: Iterable[Case], wanted: Mapping[str, int], observe: Callable[[Figures], None]
    ) -> list[Figures]:
        """
        Disturb loads of all kinds in turn, until something is wrong.

        :param wanted: the number of disturbances of each kind, by the names of :data:`HARMS`
        :param observe: called after every load
        """
        every = [Figures(case) for case in cases]
        for name, most in wanted.items():
            count = attrgetter(name)
            while (left := most - sum(map(count, every))) > 0:
                for figures in sorted(self._order.sample(every, len(every)), key=count)[:left]:
                    self._load(figures, self._harms[name])
                    observe(figures)
                    if figures.lost or figures.doubled or figures.faults:
                        return [figures for figures in every if figures.loads]
        return [figures for figures in every if figures.loads]

    def _load(self, figures: Figures, harm: Harm) -> None:
        case = figures.case
        if case not in self._lengths:
            self._lengths[case] = self._measure(case)
        run_id = self._new_run(case)
        begun: list[Running] = []
        with ExitStack() as stack:
            while not begun or begun[-1].state != attempt.DONE:
                if len(begun) == _MOST_ATTEMPTS:
                    figures.faults.append(
                        f"{run_id} is not complete after {len(begun)} attempts: {self.log_tail()}"
                    )
                    break
                begun.append(stack.enter_context(self._attempt(case, run_id, len(begun) + 1, harm.line)))
                harm.hurt(figures, begun[-1], self._lengths[case] * max(1.0, len(begun) / _SAME_LENGTH))
                if not harm.leaves_running:
                    self._await_end(begun[-1], run_id, figures, harm)
                if wrong := disagreement(self._tables, case, run_id):
                    figures.faults.append(f"{run_id}, after attempt {len(begun)}: {wrong}")
            if harm.leaves_running:
                for running in begun:
                    self._await_end(running, run_id, figures, harm)
        if harm.spares_process and self._tables.stages():
            with self._attempt(case, run_id, len(begun) + 1) as running:  # which makes up for it
                self._await_end(running, run_id, figures, harm)
        self._judge(figures, run_id)

    def _attempt(self, case: Case, run_id: str, number: int, line: str = Harm.line) -> Running:
        self._log.unlink(missing_ok=True)
        return Running(case, run_id, number, batch_size=self._batch_size, line=line, log=self._log)

    def _new_run(self, case: Case) -> str:
        self._tables.reset(case)
        self._runs += 1
        return f"run_{self._runs}"

    def _measure(self, case: Case) -> float:
        """Return the duration of an undisturbed load, over which the kills are spread."""
        run_id = self._new_run(case)
        with self._attempt(case, run_id, 1) as running:
            running.wait_until_it_copies()
            began = time.monotonic()
            while running.copies:
                time.sleep(0.001)
            seconds = time.monotonic() - began
            running.wait(_LIMIT_S)
            if running.state != attempt.DONE or self._tables.compare(case, run_id) != Difference():
                raise RuntimeError(f"{case} does not even work undisturbed: {self.log_tail()}")
        return seconds

    def _await_end(self, running: Running, run_id: str, figures: Figures, harm: Harm) -> None:
        figures.attempts += 1
        wrong = (
            harm.ended(figures, running) if running.wait(_LIMIT_S) else f"did not end within {_LIMIT_S:g} s"
        )
        figures.reconnects += running.reconnects
        if wrong:
            figures.faults.append(f"{run_id}: attempt {running.number} {wrong}: {self.log_tail()}")

    def _judge(self, figures: Figures, run_id: str) -> None:
        difference = self._tables.compare(figures.case, run_id)
        history = self._tables.history(figures.case, run_id)
        figures.loads += 1
        figures.lost += difference.lost
        figures.doubled += difference.doubled
        figures.resumed += history["resumed"]
        figures.saved += history["saved"]
        figures.swaps += history["swaps"]
        figures.rejected += history["rejected"]
        if history["completed"] != 1:
            figures.faults.append(f"{run_id} was completed {history['completed']} times")
        if left := self._tables.stages():
            figures.faults.append(f"{run_id} has left {', '.join(left)} behind")

    def log_tail(self) -> str:
        """Return the last lines of the last attempt's log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
