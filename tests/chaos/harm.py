"""The disturbances of an attempt, each at a random moment."""

from __future__ import annotations

import random
import threading
import time
from abc import ABC, abstractmethod

from tests.chaos import attempt
from tests.chaos.figures import Figures
from tests.chaos.running import Running
from tests.chaos.servers import Server
from tests.support.network.proxy import Proxy

_OTHER = 0.1  # share of the kills at any moment: while connecting, claiming, emptying the table
_CUTS = 4  # in one attempt, while it copies
_MOST_BYTES = 300_000  # at most, before a connection is cut


class Harm(ABC):
    """
    One kind of disturbance.

    :param chance: chooses the moments
    :param server: of the destination
    :param lines: the connections to the source and to the destination
    """

    line = "chaos"
    leaves_running = False  # when its successor begins
    spares_process = False  # which may complete its load without dropping the stage

    def __init__(self, chance: random.Random, server: Server, lines: tuple[Proxy, Proxy]) -> None:
        self.chance, self.server, self.lines = chance, server, lines

    @abstractmethod
    def hurt(self, figures: Figures, running: Running, length: float) -> None:
        """
        Wait for a random moment of the load, and strike.

        :param length: the duration of an undisturbed load, in seconds
        """

    def ended(self, figures: Figures, running: Running) -> str | None:
        """Count an ended attempt, and return what is wrong with its end, or ``None``."""
        return "failed" if running.state in (attempt.FAILED, attempt.FENCED) else None

    def _wait(self, running: Running, length: float) -> None:
        running.wait_until_it_copies()
        time.sleep(self.chance.uniform(0, length))


class Kill(Harm):
    def hurt(self, figures: Figures, running: Running, length: float) -> None:
        if self.chance.random() < _OTHER:
            time.sleep(self.chance.uniform(0, 0.2))
        else:
            self._wait(running, length)
        if running.kill():
            hit = running.state == attempt.COPYING
            figures.kills += hit
            figures.other_kills += not hit


class KillServer(Harm):
    spares_process = True

    def hurt(self, figures: Figures, running: Running, length: float) -> None:
        self._wait(running, length)
        hit = running.copies
        self.server.crash()
        figures.server_kills += hit and running.copies
        self.server.start()

    def ended(self, figures: Figures, running: Running) -> str | None:
        return None  # the attempt may give up


class Cut(Harm):
    line = "broken"
    spares_process = True

    def hurt(self, figures: Figures, running: Running, length: float) -> None:
        running.wait_until_it_copies()
        source, destination = self.lines
        for _ in range(_CUTS):
            before = source.cuts + destination.cuts
            if self.chance.random() < 0.5:
                destination.cut_at_commit(self.chance.randint(1, 30), applied=self.chance.random() < 0.5)
            else:
                line = self.chance.choice(self.lines)
                line.cut_at_byte(self.chance.randint(1, _MOST_BYTES), from_client=line is destination)
            while running.copies and source.cuts + destination.cuts == before:
                time.sleep(0.001)
            figures.cuts += source.cuts + destination.cuts - before
        for line in self.lines:
            line.mend()

    def ended(self, figures: Figures, running: Running) -> str | None:
        return None  # the attempt may give up


class Freeze(Harm):
    leaves_running = True

    def hurt(self, figures: Figures, running: Running, length: float) -> None:
        self._wait(running, length)
        running.freeze()
        # Meanwhile its successor claims the checkpoint, or waits for a lock held by the frozen attempt.
        timer = threading.Timer(self.chance.uniform(0.1, 0.5 + length), running.wake)
        timer.daemon = True
        timer.start()

    def ended(self, figures: Figures, running: Running) -> str | None:
        figures.zombies += running.state == attempt.FENCED
        return "failed" if running.state == attempt.FAILED else None


HARMS = {"kills": Kill, "server_kills": KillServer, "cuts": Cut, "zombies": Freeze}
