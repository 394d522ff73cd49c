"""A group whose tables are published together: who updates assets, who waits for the publication, who is alerted."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import Asset

from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from tests.operators.group import test_group
from tests.operators.group.test_group import task

DEFAULTS = {"write_mode": "replace_atomic", "destination_table": "dwh.{table}"}
SALES, DONE = Asset("sales"), Asset("done")
ADDED = {"write_mode": "append"}


def group(tables: Any, **changes: Any) -> CheckpointedTransferGroup:
    return test_group.group(tables, **{"publish_together": True, "defaults": DEFAULTS, **changes})


def outlets(of: CheckpointedTransferGroup) -> dict[str, list[Any]]:
    return {one.task_id.removeprefix("erp."): one.outlets for one in of.dag.tasks if one.outlets}


def test_assets_are_updated_by_what_publishes() -> None:
    tables = {"a": {"outlets": [SALES]}, "b": {"partitions": 2, "outlets": [DONE, SALES]}, "c": {}}
    assert outlets(group(tables)) == {"publish": [SALES, DONE]}
    alone = group(tables, publish_together=False)
    assert outlets(alone) == {"a": [SALES], "b.publish": [DONE, SALES]}
    assert outlets(group({"a": {"outlets": [SALES]}, "b": {**ADDED, "outlets": [DONE]}})) == {
        "publish": [SALES],
        "b": [DONE],
    }


@pytest.mark.parametrize("place", ["default_args", "defaults"])
def test_assets_of_all_tables_are_updated_by_what_publishes(place: str) -> None:
    given: dict[str, Any] = {"default_args": {}, "defaults": {}}
    given[place] = {"outlets": [SALES]}
    changes = {"default_args": given["default_args"], "defaults": {**DEFAULTS, **given["defaults"]}}
    assert outlets(group({"a": {}, "b": {"partitions": 2}}, **changes)) == {"publish": [SALES]}
    alone = group({"a": {}, "b": {"partitions": 2}}, **changes, publish_together=False)
    assert outlets(alone) == {"a": [SALES], "b.publish": [SALES]}


def test_what_reads_a_published_table_waits_for_the_publication() -> None:
    made = group(
        {
            "a": {},
            "b": {"depends_on": ["a"]},
            "sums": {**ADDED, "depends_on": "b"},
            "more": {**ADDED, "depends_on": "sums"},
            "parts": {"write_mode": "replace", "partitions": 2, "depends_on": "a"},
            "free": ADDED,
        }
    )
    before = {
        name: task(made, name).upstream_task_ids
        for name in ("publish", "b", "sums", "more", "parts.plan", "free")
    }
    assert before == {
        "publish": {"erp.a", "erp.b"},
        "b": {"erp.a"},
        "sums": {"erp.b", "erp.publish"},
        "more": {"erp.sums"},
        "parts.plan": {"erp.a", "erp.publish"},
        "free": set(),
    }


def test_a_publication_that_would_wait_for_itself() -> None:
    tables = {
        "a": {},
        "sums": {**ADDED, "depends_on": "a"},
        "more": {**ADDED, "depends_on": "sums"},
        "b": {"depends_on": "more"},
    }
    with pytest.raises(
        ArgumentError, match="publish_together: 'b' is loaded after 'more', which waits for the publication"
    ):
        group(tables)
    with pytest.raises(ArgumentError, match="publish_together: 'b' is loaded after 'sums', which waits"):
        group({"a": {}, "sums": ADDED, "b": {}}, order="listed")


def alert(context: Any) -> None:
    """Stand for a message to a person."""


def test_the_publication_has_the_arguments_of_every_task() -> None:
    of_all = {"owner": "finance", "on_failure_callback": alert, "priority_weight": 7, "depends_on_past": True}
    publish = task(group({"a": {}, "b": {}}, defaults={**DEFAULTS, **of_all}), "publish")
    assert (publish.owner, publish.priority_weight, publish.depends_on_past) == ("finance", 7, False)
    assert publish.on_failure_callback == [alert]
    of_one = task(group({"a": {"pool": "p"}, "b": {"on_failure_callback": alert, "pool": "q"}}), "publish")
    assert (of_one.pool, of_one.on_failure_callback) == ("p", [alert])


def test_default_args_decide_which_tables_are_staged() -> None:
    made = group(
        {"a": {}, "b": ADDED},
        defaults={"destination_table": "dwh.{table}"},
        default_args={"write_mode": "replace_atomic"},
    )
    assert [one["destination_table"] for one in task(made, "publish").tables] == ["dwh.a"]
    assert task(made, "a").publish is False


@pytest.mark.parametrize("place", ["table", "defaults", "default_args"])
def test_a_write_mode_that_is_not_known_is_refused(place: str) -> None:
    mode = {"write_mode": "{{ params.mode }}"}
    to = {"destination_table": "dwh.{table}"}
    given: dict[str, Any] = {
        "table": {"tables": {"a": mode, "b": {}}},
        "defaults": {"tables": {"a": {}, "b": DEFAULTS}, "defaults": {**to, **mode}},
        "default_args": {"tables": {"a": {}, "b": DEFAULTS}, "defaults": to, "default_args": mode},
    }[place]
    if place != "table":
        given["tables"]["b"] = {"write_mode": "replace_atomic"}
    with pytest.raises(
        ArgumentError, match="'a': write_mode: with publish_together it decides .* a template"
    ):
        group(**given)


@pytest.mark.parametrize("mode", ["replace", "{{ params.mode }}"])
def test_default_args_may_empty_a_common_destination(mode: str) -> None:
    with pytest.raises(ArgumentError, match="'b': destination_table: 'a' is loaded into 't' as well"):
        group(
            {"a": {}, "b": {}},
            defaults={"destination_table": "t"},
            default_args={"write_mode": mode},
            publish_together=False,
        )
