"""A source whose tables refer to each other, and grow all the time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from tests.support.databases.db import Db
from tests.support.waiting import wait_for

PARENTS, CHILDREN = "parents", "children"


@dataclass
class Growing:
    """
    Inserts a parent and a child of it in one transaction after the other.

    ``pairs`` is the number of pairs that are committed.
    """

    source: Db
    pairs: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def grow(self, pairs: int = 4) -> None:
        """Wait until rows have been added since."""
        before = self.pairs
        wait_for(lambda: self.pairs >= before + pairs, "more rows at the source", interval=0.01)

    def _run(self) -> None:
        with closing(self.source.by_hand()) as connection:
            cursor = connection.cursor()
            while not self._ended.wait(0.01):  # leaves the machine to those who read
                cursor.execute(f"INSERT INTO {PARENTS} VALUES ({self.pairs})")
                cursor.execute(f"INSERT INTO {CHILDREN} VALUES ({self.pairs}, {self.pairs})")
                connection.commit()
                self.pairs += 1


@contextmanager
def growing(source: Db) -> Iterator[Growing]:
    """Create the two tables, and add rows to them until the end of the block."""
    source.execute(
        f"CREATE TABLE {PARENTS} (n integer PRIMARY KEY)",
        f"CREATE TABLE {CHILDREN} (n integer PRIMARY KEY, parent integer)",
    )
    found = Growing(source)
    thread = threading.Thread(target=found._run)
    thread.start()
    try:
        found.grow()
        yield found
    finally:
        found._ended.set()
        thread.join()
