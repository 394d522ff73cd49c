"""Checkpoints of mapped tasks, found by their name instead of the map index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.admin.search import Search
from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load

DESTINATIONS = ("sqlite", "postgres", "mysql", "oracle")
TABLES = ("orders", "items", "people")


@dataclass
class Mapped:
    """A task mapped over tables of ten rows each."""

    source: Db
    destination: Db

    def load(self, table: str, index: int, **arguments: Any) -> Load:
        """Return the task instance that loads a table."""
        given = {
            "sql": f"SELECT * FROM {table}",
            "checkpoint_column": "n",
            "batch_size": 4,
            "destination_table": f"to_{table}",
            "checkpoint_name": table,
        }
        return Load(self.source, self.destination, {**given, **arguments}, map_index=index)

    def loaded(self, table: str) -> list[int]:
        return [n for (n,) in self.destination.rows(f"SELECT n FROM to_{table} ORDER BY n")]


@pytest.fixture
def mapped(destination: Db, make_db: MakeDb) -> Mapped:
    source = make_db("sqlite", "source")
    for table in TABLES:
        source.execute(f"CREATE TABLE {table} (n integer)")
        source.insert(table, [(n,) for n in range(10)])
        destination.execute(f"CREATE TABLE to_{table} (n integer)")
    return Mapped(source, destination)


def test_a_list_is_reordered_and_grows(mapped: Mapped, hook: CheckpointHook) -> None:
    """The same names at other indexes in the next run: each load goes on from its own mark."""
    for index, table in enumerate(("orders", "items")):
        mapped.load(table, index, scope="task").attempt()
    mapped.source.insert("orders", [(10,)])
    mapped.source.insert("items", [(11,), (12,)])
    for index, table in enumerate(("people", "items", "orders")):
        load = mapped.load(table, index, scope="task")
        load.next_run()
        load.attempt()
    assert mapped.loaded("orders") == list(range(11))
    assert mapped.loaded("items") == [*range(10), 11, 12]
    assert mapped.loaded("people") == list(range(10))
    found = {one.identity.name: one for one in hook.list()}
    assert {name: one.claimed_map_index for name, one in found.items()} == {
        "people": 0,
        "items": 1,
        "orders": 2,
    }
    assert {one.identity.map_index for one in found.values()} == {-1}


def test_a_retry_resumes(mapped: Mapped, hook: CheckpointHook) -> None:
    load = mapped.load("orders", 3)
    assert load.attempt_batches(1)
    other = mapped.load("items", 4)
    assert other.attempt_batches(1)
    assert load.attempt().rows == 6
    assert mapped.loaded("orders") == list(range(10))
    assert mapped.loaded("items") == [0, 1, 2, 3]
    assert [entry.kind for entry in hook.history("a_dag", "a_task", "run_1", name="orders")] == [
        *("completed", "opened", "resumed", "failed", "opened", "started")
    ]


@pytest.mark.parametrize("ended", [True, False])
def test_two_of_one_run_with_one_name(mapped: Mapped, ended: bool) -> None:
    first, second = mapped.load("orders", 0), mapped.load("orders", 1)
    if ended:
        first.attempt()
    else:
        assert first.attempt_batches(1)
    said = (
        "checkpoint_name: 'orders' is the name of map index 0 of this run as well as of 1: .*name of its own"
    )
    for _ in range(2):
        with pytest.raises(ArgumentError, match=said):
            second.attempt()
    if not ended:
        assert first.attempt().rows == 6
    assert mapped.loaded("orders") == list(range(10))


def test_mapped_anew_after_a_clear(mapped: Mapped) -> None:
    """The run is cleared with the task that makes the list, and the same name has another index."""
    first = mapped.load("orders", 0)
    first.attempt()
    again = mapped.load("orders", 5, write_mode="replace")
    again.try_number = 1
    again.clear()
    assert again.attempt().rows == 10
    assert mapped.loaded("orders") == list(range(10))


def test_through_the_hook(mapped: Mapped, hook: CheckpointHook) -> None:
    for index, table in enumerate(TABLES):
        assert mapped.load(table, index).attempt_batches(1)
    key = ("a_dag", "a_task", "run_1", -1, "items")
    assert hook.get("a_dag", "a_task", "run_1") is None
    found = hook.get(*key)
    assert found
    assert str(found.identity) == "a_dag.a_task [items], run run_1"
    assert hook.list(name="items") == [found]
    assert hook.list(name="") == []
    assert hook.list(name=["items", "orders"], order_by="name")[0] == found
    assert hook.list(destination_name=mapped.destination.spelt("to_items")) == [found]
    assert [one.checkpoint for one in hook.find(Search(text="item")).rows] == [found]
    hook.request_reload(*key)
    assert list(hook.pending_requests(hook.list())) == [found.identity]
    hook.cancel_request(*key)
    assert hook.pending_requests(hook.list()) == {}
    hook.request_resume(*key)
    assert hook.look(*key)[0] == found
    assert hook.delete(*key)
    assert not hook.delete(*key)
    assert {one.identity.name for one in hook.list()} == {"orders", "people"}
    assert hook.history(*key)[0].kind == "deleted"


def test_seeded(mapped: Mapped, hook: CheckpointHook) -> None:
    seeded = hook.seed(
        *("a_dag", "a_task", "run_1", -1, "orders"),
        position=6,
        source_conn_id="src",
        sql="SELECT * FROM orders",
        checkpoint_column="n",
        destination_table="to_orders",
        destination_conn_id="dst",
    )
    assert seeded.identity == Identity("a_dag", "a_task", "run_1", name="orders")
    assert mapped.load("orders", 7).attempt().rows == 3


@pytest.fixture(autouse=True)
def connections(mapped: Mapped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SRC", mapped.source.uri)
    monkeypatch.setenv("AIRFLOW_CONN_DST", mapped.destination.uri)


@pytest.mark.parametrize("destination", ["sqlite", "postgres", "mysql"], indirect=True)
def test_bad_rows_of_each_name(mapped: Mapped, hook: CheckpointHook) -> None:
    mapped.destination.execute("DROP TABLE to_orders", "CREATE TABLE to_orders (n integer CHECK (n <> 5))")
    for index, table in enumerate(TABLES):
        mapped.load(table, index, on_bad_row="reject").attempt()
    assert [one.row for one in hook.rejects("a_dag", "a_task", "run_1", name="orders")] == [{"n": 5}]
    assert hook.rejects("a_dag", "a_task", "run_1", name="items") == []


def test_long_names_that_begin_alike(mapped: Mapped, hook: CheckpointHook) -> None:
    names = ["\N{SNOWMAN}" * 249 + letter for letter in "ab"]
    for index, (table, name) in enumerate(zip(TABLES, names, strict=False)):
        mapped.load(table, index, checkpoint_name=name).attempt()
    assert sorted(one.identity.name for one in hook.list()) == names


@pytest.mark.parametrize("destination", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["", " a", "a ", "-", "x" * 251, "a\nb", "a\0b", 7, "\ud800"])
def test_what_is_no_name(mapped: Mapped, name: Any) -> None:
    with pytest.raises(ArgumentError, match="checkpoint_name: .* is not a name: 1 to 250 characters"):
        mapped.load("orders", 0, checkpoint_name=name).attempt()


@pytest.mark.parametrize("destination", ["sqlite"], indirect=True)
def test_not_with_parts(mapped: Mapped) -> None:
    with pytest.raises(ArgumentError, match="checkpoint_name: the partitions of one load"):
        mapped.load("orders", 0, write_mode="replace_atomic", publish=False).attempt()
