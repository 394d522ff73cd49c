"""The questions for a server's first hour, asked of the stand-in, which has no execution plans."""

from __future__ import annotations

import pytest

from tests.oracle_first_hour import FirstHour, ask
from tests.support.databases.db import Db

pytestmark = pytest.mark.server


class WithoutPlans(FirstHour):
    def by_index(self) -> str:
        return "not asked"


def test_the_answers_are_as_they_should_be(stood_in: tuple[Db, Db]) -> None:
    told: list[str] = []
    assert ask(WithoutPlans(*stood_in), told.append) == 0, "\n".join(told)
    assert [line[:2].strip() for line in told] == [str(number) for number in range(1, 12)]


def test_another_answer_is_counted(stood_in: tuple[Db, Db], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(WithoutPlans, "_fill", lambda self, rows: None)
    assert ask(WithoutPlans(*stood_in), told.append) == 4, "\n".join(told)
    assert " 3. WRONG  a load that is ended after every batch has each row once: " in told[2]
