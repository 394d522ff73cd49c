"""What is wrong with a declaration: each problem with its table and its argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_checkpoint_provider.engine.model.errors import ArgumentError

_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """
    A mistake in a declaration.

    :param message: the mistake and its remedy
    :param table: the table, as the declaration names it; ``None`` for ``defaults`` and the group
    :param argument: the argument, where it is known
    """

    message: str
    table: str | None = None
    argument: str | None = None

    def __str__(self) -> str:
        return f"tables: {self.table!r}: {self.message}" if self.table is not None else self.message


class DeclarationError(ArgumentError):
    """
    A declaration that cannot become tasks.

    :param problems: all that was found, in the order of the declaration
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        told = [str(problem) for problem in problems[:_MOST_TOLD]]
        if more := len(problems) - len(told):
            told.append(f"and {more:,} more")
        super().__init__("\n".join(told))
        self.problems = tuple(problems)
