"""Problems of a load, collected: a check that raises is a problem, and the next one runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import sqlalchemy as sa

from airflow_checkpoint_provider.engine.databases.dbapi import raw_connection
from airflow_checkpoint_provider.engine.model.errors import CheckpointError, one_line, with_class
from airflow_checkpoint_provider.engine.transfer.planning.load_plan import Problem

T = TypeVar("T")


class Problems:
    """The problems of one plan, in the order in which an attempt would meet them."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self.connections: list[sa.Connection] = []
        """Open connections; what a failed statement has left of a transaction there is rolled back."""

    @contextmanager
    def of(self, about: str, *, ends: bool = True) -> Iterator[None]:
        """
        Turn an error in this context into a problem.

        :param about: the part of the load
        :param ends: whether an attempt would end there
        """
        try:
            yield
        except Exception as error:
            self._met(about, error, ends=ends)

    def take(self, about: str, ask: Callable[[], T], *, ends: bool = True) -> T | None:
        """Return what a call returns; ``None`` where it raises, which is a problem."""
        try:
            return ask()
        except Exception as error:
            self._met(about, error, ends=ends)
            return None

    def quietly(self, ask: Callable[[], T]) -> T | None:
        """Return what a call returns; ``None`` where the server does not answer, which is no problem of the load."""
        try:
            return ask()
        except Exception:
            self._roll_back()
            return None

    def about(self, part: str) -> bool:
        """Return whether there is a problem with a part of the load."""
        return any(problem.about == part for problem in self.found)

    def keep(self, about: str, error: BaseException, *, ends: bool) -> None:
        """Add an error that a check has raised without a statement."""
        self.add(Problem(about, one_line(error), ends))

    def add(self, problem: Problem) -> None:
        """Add a problem, unless its text was met before."""
        if problem.text not in {known.text for known in self.found}:
            self.found.append(problem)

    def _met(self, about: str, error: Exception, *, ends: bool) -> None:
        text = one_line(error) if isinstance(error, CheckpointError) else with_class(error)
        self.add(Problem(about, text, ends))
        self._roll_back()

    def _roll_back(self) -> None:
        for connection in self.connections:
            with suppress(Exception):  # it may be lost
                raw_connection(connection).rollback()
            with suppress(Exception):
                connection.rollback()
