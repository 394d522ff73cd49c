"""The operator's plan, through Airflow connections."""

from __future__ import annotations

import pytest

from tests.support.airflow.operating import context, execute, operator
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb

WITHOUT = ("unknown",)


def test_the_plan_of_a_first_attempt_and_of_the_next(databases: tuple[Db, Db]) -> None:
    plan = operator().plan()
    assert plan.problems == ()
    assert (plan.source.table, plan.destination.table) == ("orders", "target")
    assert plan.next
    assert (plan.next.action, plan.guarantee) == ("start", "exactly-once")
    assert "airflow_checkpoint" not in databases[1].tables()
    execute(operator())
    again = operator().plan(context(try_number=2))  # type: ignore[arg-type]
    assert again.next
    assert (again.next.action, again.next.rows) == ("nothing", 1000)


@pytest.fixture
def source_alone(make_db: MakeDb, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_db("sqlite", "source")
    source.execute("CREATE TABLE orders (id integer PRIMARY KEY)")
    monkeypatch.setenv("AIRFLOW_CONN_SRC", source.uri)


@pytest.mark.usefixtures("source_alone")
def test_a_connection_that_is_missing_hides_nothing_of_the_other(make_db: MakeDb) -> None:
    plan = operator().plan()
    (problem,) = plan.problems
    assert "destination_conn_id: there is no Airflow connection 'dst'" in problem.text
    assert plan.source.reachable
    assert not plan.destination.reachable


def test_an_argument_that_is_wrong_is_a_problem() -> None:
    task = operator(batch_size="{{ 0 }}")
    task.batch_size = "0"
    plan = task.plan(context())  # type: ignore[arg-type]
    assert [one.about for one in plan.problems] == ["arguments"]
    assert plan.problems[0].text.startswith("batch_size:")


def test_a_template_is_rendered_first() -> None:
    plan = operator(destination_table="{{ ds }}").plan()
    assert "destination_table: it is a template" in plan.problems[0].text
