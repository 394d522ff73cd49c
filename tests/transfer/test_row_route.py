"""The row route is negotiated between source and destination, also for forms unknown to the engine."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.rows.routes import PackedForm, RowRoute, RowUse
from airflow_checkpoint_provider.engine.transfer.row_route import choose_route


class Writes:
    """A source whose server writes whole rows, but not those of every type."""

    dialect = SimpleNamespace(title="here")

    def __init__(self, forms: Sequence[str], types: Sequence[str], told_apart: bool = True) -> None:
        self.packed_forms = frozenset(forms)
        self._types = types
        self._told_apart = told_apart

    def tells_apart(self, column: str) -> bool:
        return self._told_apart

    def packed_route(self, form: PackedForm, use: RowUse) -> RowRoute | str:
        if form.types and tuple(self._types) != form.types:
            return f"{form.name} wants {' and '.join(form.types)}"
        return RowRoute(form.name, "all types are the same", "lines", use.read, silent=True)

    def value_route(self, route: RowRoute, use: RowUse) -> RowRoute:
        return route

    def pads(self, column: str) -> bool:
        return False

    def kept_places(self, forms: Sequence[PackedForm], read: Sequence[str]) -> frozenset[int]:
        return frozenset()


class Reads:
    """A destination that takes whole rows."""

    dialect = SimpleNamespace(waits=True, title="there")
    columns = ("a", "b")

    def __init__(self, *forms: PackedForm) -> None:
        self._forms = forms

    def packed_forms(self) -> Sequence[PackedForm]:
        return self._forms

    def text_digits(self, column: str) -> float:
        return 0


FAST, SLOW = PackedForm("tuples", ("int", "text")), PackedForm("lines")


def chosen(source: Writes, destination: Reads, **spec: Any) -> RowRoute:
    arguments = {"rows_processor": None, "on_bad_row": "fail", "resume_proof": "last_row", **spec}
    strategy = SimpleNamespace(name="key", columns=("a",))
    session = SimpleNamespace(source=source, destination=destination)
    columns = SimpleNamespace(read=["a", "b"])
    return choose_route(SimpleNamespace(**arguments), session, strategy, columns)  # type: ignore[arg-type]


def test_the_first_form_that_both_ends_know_is_taken() -> None:
    route = chosen(Writes(["lines", "tuples"], ["int", "text"]), Reads(FAST, SLOW))
    assert route == RowRoute("tuples", "all types are the same", "lines", ("a", "b"), silent=True)
    assert chosen(Writes(["lines"], []), Reads(FAST, SLOW)).name == "lines"


def test_the_next_form_is_taken_for_the_reason_that_the_first_is_not() -> None:
    route = chosen(Writes(["lines", "tuples"], ["int", "json"]), Reads(FAST, SLOW))
    assert (route.name, route.reason) == ("lines", "tuples wants int and text")


def test_rows_are_values_where_a_column_fits_no_form() -> None:
    route = chosen(Writes(["tuples"], ["int", "json"]), Reads(FAST))
    assert route == RowRoute("rows", "tuples wants int and text")


@pytest.mark.parametrize(("written", "read"), [([], [SLOW]), (["lines"], []), (["lines"], [FAST])])
def test_rows_are_values_without_a_common_form(written: list[str], read: list[PackedForm]) -> None:
    route = chosen(Writes(written, ["int", "text"]), Reads(*read))
    assert route == RowRoute("rows", "from here to there")


def test_rows_are_values_where_somebody_looks_at_them() -> None:
    ends = Writes(["lines"], []), Reads(SLOW)
    assert chosen(*ends, rows_processor=list).reason == "rows_processor is set"
    assert chosen(*ends, on_bad_row="reject").name == "rows"
    unclear = chosen(Writes(["lines"], [], told_apart=False), Reads(SLOW))
    assert unclear.reason == "only the server can tell which values of a are equal"
