"""Planned faults: an error of the server, or a lost connection, at a chosen statement."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.oracle_standin.errors import ora, wrapped

LOST = frozenset((3113, 3114, 3135))


@dataclass
class Fault:
    """
    One planned error.

    :param code: of the ORA- error; 3113, 3114 and 3135 lose the connection
    :param at: a pattern that the statement matches, or ``commit`` or ``fetch``
    :param of: a pattern in the statement whose rows are fetched
    :param skip: the number of matching statements that pass first
    :param after: let the statement take effect before the error, as when an acknowledgement is lost
    :param times: the number of errors
    :param raises: another exception, which loses the connection
    :param wrapped_in: the number of an error with this one as its cause
    """

    code: int
    at: str
    skip: int = 0
    of: str = ""
    after: bool = False
    times: int = 1
    raises: Exception | None = None
    wrapped_in: int = 0

    def strikes(self, what: str, of: str) -> bool:
        if not self.times or not re.match(self.at, " ".join(what.split()), re.IGNORECASE):
            return False
        if self.of and not re.search(self.of, " ".join(of.split())):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Faults:
    """
    The planned faults, and the statements so far.

    :param hidden: tables whose rows a policy hides from each query
    """

    planned: list[Fault] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)
    fetched_at_once: dict[str, int] = field(default_factory=dict)

    def plan(self, *faults: Fault) -> None:
        self.planned.extend(faults)

    def run(self, what: str, lose: Callable[[], None], run: Callable[[], Any], of: str = "") -> Any:
        """
        Run a step, unless a fault strikes.

        :param of: the statement whose rows are fetched
        """
        self.seen.append(what)
        fault = next((fault for fault in self.planned if fault.strikes(what, of)), None)
        if fault is None:
            return run()
        if fault.after:
            run()
        if fault.code in LOST or fault.raises:
            lose()
        raise fault.raises or (wrapped(fault.wrapped_in, fault.code) if fault.wrapped_in else ora(fault.code))
