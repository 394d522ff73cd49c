"""The places of checkpoints, as found in serialized DAGs."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.serialization.serialized_objects import DagSerialization

from airflow_checkpoint_provider.hooks import discovery
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.transfers import Place, display_names_of, place_of, transfers_of
from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

GIVEN: dict[str, Any] = {
    "task_id": "copy",
    "source_conn_id": "src",
    "source_table": "t",
    "destination_table": "t",
}


class Derived(CheckpointedTransferOperator):
    """A user's subclass."""


def found(make: Any) -> list[tuple[str, Place | None]]:
    with DAG("a_dag", schedule=None) as dag:
        make()
        BaseOperator(task_id="something_else")
    return list(transfers_of(DagSerialization.to_dict(dag)))


@pytest.mark.parametrize("kind", [CheckpointedTransferOperator, Derived])
def test_a_task(kind: Any) -> None:
    assert found(lambda: kind(**GIVEN, destination_conn_id="dst")) == [("copy", Place("dst"))]


def test_a_checkpoint_apart_from_the_destination() -> None:
    given = {"checkpoint_conn_id": "keeper", "checkpoint_table": "ops.cp", "allow_duplicates": True}
    operator = found(lambda: CheckpointedTransferOperator(**GIVEN, destination_conn_id="dst", **given))
    assert operator == [("copy", Place("keeper", "ops.cp"))]


def test_a_template_is_for_the_task_instance_to_tell() -> None:
    assert found(lambda: CheckpointedTransferOperator(**GIVEN, destination_conn_id="{{ params.d }}")) == [
        ("copy", None)
    ]


def test_a_mapped_task() -> None:
    given = {name: value for name, value in GIVEN.items() if name != "destination_table"}
    partial = CheckpointedTransferOperator.partial
    assert found(
        lambda: partial(**given, destination_conn_id="dst", checkpoint_table="cp").expand(
            destination_table=["a"]
        )
    ) == [("copy", Place("dst", "cp"))]
    assert found(lambda: partial(**GIVEN).expand(destination_conn_id=["a", "b"])) == [("copy", None)]
    assert found(lambda: partial(**GIVEN).expand_kwargs([{"destination_conn_id": "a"}])) == [("copy", None)]


def test_runs_of_one_task_lead_to_so_many_places_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [(("a_dag", "other"), {"destination_conn_id": "theirs"})]
    asked = [(("a_dag", "copy"), {"destination_conn_id": f"chosen_{n}"}) for n in range(5_000)]
    tasks = [("copy", None), ("other", None)]
    for name, found in {
        "current_dags": lambda: {"a_dag": (1, None)},
        "serialized_dags": lambda *_: [("a_dag", {})],
        "transfers_of": lambda dag: tasks,
        "rendered_fields": lambda unknown: [*asked, *others],
        "teams_of": lambda dag_ids: {},
    }.items():
        monkeypatch.setattr(discovery, name, found)
    places = discovery.Discovery().places()
    assert len(places.all()) == discovery.MOST_RENDERED + 1
    assert places.of("a_dag", "other") == [Place("theirs")]


def test_a_dag_that_is_new_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Places] = []

    def look(self: discovery.Discovery) -> Places:
        looks.append(Places())
        if len(looks) > 1:
            looks[-1].tasks[Place("warehouse")].add(("new", "load"))
        return looks[-1]

    monkeypatch.setattr(discovery.Discovery, "_look", look)
    monkeypatch.setattr(discovery, "_SOON", 0.0)
    found = discovery.Discovery()
    assert found.places().of("new", "load") == found.places().of("new", "load") == []
    assert found.places(("new", "load")).of("new", "load") == [Place("warehouse")]
    assert found.places(("new", "load")) is looks[1]
    monkeypatch.setattr(discovery, "_SOON", 100.0)
    assert found.places(("another", "load")) is looks[1]


def test_rendered_fields() -> None:
    fields = {
        "destination_conn_id": "dst",
        "checkpoint_conn_id": None,
        "checkpoint_table": "airflow_checkpoint",
    }
    assert place_of(fields) == Place("dst")
    assert place_of({}) is None
    for value in (["not", "text"], True, "x" * 251, "a\0b", "a\nb", "\ud800"):
        assert place_of({"destination_conn_id": value}) is None
        assert place_of({"destination_conn_id": "dst", "checkpoint_table": value}) is None


@pytest.mark.parametrize("damaged", [{}, {"dag": {}}, {"dag": {"tasks": [{"__var": {}}]}}])
def test_other_dags_are_no_trouble(damaged: dict[str, Any]) -> None:
    assert list(transfers_of(damaged)) == []


def test_who_publishes_is_not_taken_for_a_transfer() -> None:
    given = {"transfer_task_id": "copy", "destination_conn_id": "dst", "destination_table": "t"}
    assert found(lambda: CheckpointPublishOperator(task_id="publish", **given)) == []


def test_what_a_task_is_called() -> None:
    given = {name: value for name, value in GIVEN.items() if name not in ("source_table", "task_id")}
    with DAG("a_dag", schedule=None) as dag:
        CheckpointedTransferOperator(**GIVEN, destination_conn_id="dst")
        named: dict[str, Any] = {"destination_conn_id": "dst", **given}
        CheckpointedTransferOperator(task_id="plain", task_display_name="Sales", source_table="t", **named)
        CheckpointedTransferOperator.partial(task_id="mapped", task_display_name="By region", **named).expand(
            source_table=["t"]
        )
    names = display_names_of(DagSerialization.to_dict(dag))
    assert names == {"plain": "Sales", "mapped": "By region"}
