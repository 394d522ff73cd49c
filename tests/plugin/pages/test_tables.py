"""Tables: one line for each destination across DAGs, as far as the viewer may see."""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from airflow_checkpoint_provider.engine.model.partition import Partition, bound
from airflow_checkpoint_provider.hooks.airflow_internals.schedule import NextRun
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.discovery import Places
from airflow_checkpoint_provider.hooks.tables import lines
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import access
from airflow_checkpoint_provider.plugin.app import create_app
from airflow_checkpoint_provider.plugin.pages import tables
from tests.admin.test_search import row
from tests.support.airflow.clients.view_client import JSON, Anybody, airflow_tables, know
from tests.support.databases.db import Db
from tests.support.statements import statements

NOW = datetime.now(UTC).replace(microsecond=0)  # of each test, see below
OWN, OTHER = Place("own"), Place("other")


class Reader(Anybody):
    """A user who may not see one DAG."""

    def readable(self) -> Any:
        return lambda dag_ids: {dag_id for dag_id in dag_ids if dag_id != "hidden"}


def checkpoint(
    dag: str, run: str, hours: float, status: str = "completed", **changes: Any
) -> tuple[Any, ...]:
    """A load of ``dwh.sales`` by task ``load`` of a DAG, that ended some hours ago."""
    ended = NOW - timedelta(hours=hours)
    values = {
        "dag_id": dag, "task_id": "load", "run_id": run, "current_run_id": run, "status": status,
        "destination_table": "dwh.sales", "destination_conn_id": "own", "rows_written": 100,
        "started_at": ended - timedelta(minutes=5), "created_at": ended, "updated_at": ended,
        "completed_at": ended if status == "completed" else None,
    }  # fmt: skip
    values |= changes
    return row(1, now=NOW, **{name: _text(value) for name, value in values.items()})


def _text(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is at work has to be recent, however long other tests have taken."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[Place, Db]:
    made = {}
    for place in (OWN, OTHER):
        made[place] = Db("sqlite", str(tmp_path / f"{place.conn_id}.db"))
        monkeypatch.setenv(f"AIRFLOW_CONN_{place.conn_id.upper()}", made[place].uri)
        CheckpointHook(place.conn_id).create_tables()
    return made


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Places:
    """The transfers of three DAGs; a fourth one is hidden."""
    tasks = {(dag, "load") for dag in ("a", "b", "c", "hidden")}
    places = Places(defaultdict(set, {OWN: set(tasks), OTHER: set(tasks)}), transfers=tasks)
    know(monkeypatch, places)
    return places


@pytest.fixture
def client(databases: dict[Place, Db], known: Places) -> Iterator[TestClient]:
    app = create_app()
    app.dependency_overrides[access.logged_in] = Reader
    with airflow_tables(), TestClient(app, raise_server_exceptions=False, headers=JSON) as opened:
        yield opened


def shown(client: TestClient, query: str = "") -> dict[str, str]:
    """Return the lines of the page, by table, as text."""
    page = client.get(f"/tables{query}")
    assert page.status_code == 200, page.text
    found = {}
    for line in re.findall(r"<tr>\s*<td.*?</tr>", page.text, re.DOTALL):
        cells = [
            " ".join(html.unescape(re.sub("<[^>]*>", " ", cell)).split()) for cell in line.split("</td>")
        ]
        text = " ".join(" | ".join(cells[1:-1]).split())
        found[cells[0]] = re.sub(r" \d+ (min|s)(?= ago)", "", text)  # the test itself takes time
    return found


def insert(database: Db, *rows: tuple[Any, ...]) -> None:
    database.insert("airflow_checkpoint", list(rows))


def at(hours: float) -> str:
    return f"{NOW - timedelta(hours=hours):%Y-%m-%d %H:%M:%S} UTC"


def test_the_last_complete_load_of_a_table_across_dags(
    client: TestClient, databases: dict[Place, Db]
) -> None:
    insert(
        databases[OWN],
        checkpoint("a", "r1", 30, rows_written=7),
        checkpoint("b", "r1", 20, rows_written=1_234),
        checkpoint("b", "r2", 2, "failed"),
        checkpoint("a", "r2", 0, "running", committed_at=_text(NOW)),
        checkpoint("c", "r1", 1, destination_table="dwh.other"),
    )
    found = shown(client)
    assert list(found) == ["dwh.other own", "dwh.sales own"]
    # Airflow has no such task instance: the attempt is over.
    assert found["dwh.sales own"] == (
        f"20 h ago {at(20)} | 1,234 | 2 failed | not planned | 2 writers a: load b: load"
    )
    assert found["dwh.other own"].endswith("| not planned | c: load")
    assert list(shown(client, "?only=failed")) == ["dwh.sales own"]
    assert list(shown(client, "?only=several")) == ["dwh.sales own"]
    assert list(shown(client, "?sort=-age")) == ["dwh.sales own", "dwh.other own"]
    assert list(shown(client, "?q=OTHER")) == ["dwh.other own"]


def test_others_dags_are_neither_writers_nor_loads(client: TestClient, databases: dict[Place, Db]) -> None:
    insert(
        databases[OWN],
        checkpoint("a", "r1", 30),
        checkpoint("hidden", "r1", 1, rows_written=9),
        checkpoint("hidden", "r2", 0, "failed"),
        checkpoint("hidden", "r1", 1, destination_table="secret", task_id="other"),
    )
    assert shown(client) == {"dwh.sales own": f"1 d 6 h ago {at(30)} | 100 | | not planned | a: load"}


def test_a_table_that_two_connections_and_places_lead_to_is_one(
    client: TestClient, databases: dict[Place, Db], known: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SAME", databases[OWN].uri)
    known.tasks[Place("same")] = {("b", "load")}
    catalog = {"destination_database": "d", "destination_schema": "dwh", "destination_name": "sales"}
    insert(
        databases[OWN],
        checkpoint("a", "r1", 30, **catalog),
        checkpoint("b", "r1", 20, destination_conn_id="same", destination_table="SALES", **catalog),
        checkpoint("a", "r0", 40, rows_written=5),  # of an earlier version, which has no catalog name
    )
    insert(databases[OTHER], checkpoint("c", "r1", 10, **catalog))
    insert(databases[OTHER], checkpoint("c", "r2", 9, destination_conn_id="other", **catalog))
    found = shown(client)
    assert {table: line.rpartition("| ")[2] for table, line in found.items()} == {
        "dwh.sales own": "3 writers a: load b: load c: load",
        "dwh.sales other": "c: load",
    }
    assert found["dwh.sales own"].startswith("10 h ago")


def part(index: int, of: int, plan: str = "p") -> str:
    whole = Partition(
        plan=plan,
        index=index,
        of=of,
        column="id",
        lower=None,
        upper=bound(9),
        nulls=True,
        rows=1,
        rows_in_all=2,
    )
    return json.dumps({"partition": whole.as_text()})


def test_a_load_of_partitions_is_complete_when_all_are(
    client: TestClient, databases: dict[Place, Db]
) -> None:
    def of(run: str, hours: float, index: int, plan: str = "p") -> tuple[Any, ...]:
        return checkpoint("a", run, hours, map_index=index, fingerprint=part(index, 2, plan))

    insert(databases[OWN], of("r1", 30, 0), of("r1", 29, 1), of("r2", 2, 0), of("r2", 40, 1, "old"))
    assert shown(client)["dwh.sales own"].startswith(f"1 d 5 h ago {at(29)} | 200 |")
    insert(databases[OWN], of("r3", 1, 0), of("r3", 1, 1))
    assert shown(client)["dwh.sales own"].startswith(f"1 h ago {at(1)} | 200 |")


def test_what_is_staged_is_no_complete_load(client: TestClient, databases: dict[Place, Db]) -> None:
    staged = {"fingerprint": json.dumps({"stage": "beside"})}
    insert(databases[OWN], checkpoint("a", "r1", 30, **staged), checkpoint("a", "r2", 1, **staged))
    entry = "INSERT INTO airflow_checkpoint_event (dag_id, task_id, run_id, map_index, kind, recorded_at, who, detail)"
    facts = json.dumps({"write_mode": "replace_atomic", "batch_size": 1, "scope": "run", "publishes": False})
    for run, kinds in (("r1", ("opened", "completed", "published")), ("r2", ("opened", "completed"))):
        for kind in kinds:
            detail = f"'{facts}'" if kind == "opened" else "NULL"
            databases[OWN].execute(
                f"{entry} VALUES ('a', 'load', '{run}', -1, '{kind}', '2026-01-01 00:00:00.000000', 'x', {detail})"
            )
    assert shown(client)["dwh.sales own"].startswith(f"1 d 6 h ago {at(30)}")


def completed(database: Db, hours: float, rows: int) -> None:
    """A completed run of the mark of task ``load`` in DAG ``a``, in its history alone."""
    database.execute(
        "INSERT INTO airflow_checkpoint_event (dag_id, task_id, run_id, map_index, kind, recorded_at, who, "
        f"rows_written) VALUES ('a', 'load', '*', -1, 'completed', '{_text(NOW - timedelta(hours=hours))}', 'x', {rows})"
    )


def test_the_last_run_of_a_mark_is_in_its_history_while_the_next_is_at_work(
    client: TestClient, databases: dict[Place, Db]
) -> None:
    insert(databases[OWN], checkpoint("a", "*", 0, "failed", current_run_id="r3"))
    completed(databases[OWN], 50, rows=9)
    completed(databases[OWN], 3, rows=42)
    assert shown(client)["dwh.sales own"].startswith(f"3 h ago {at(3)} | 42 | failed |")


def test_marks_of_one_task_in_two_databases_have_a_history_each(
    client: TestClient, databases: dict[Place, Db]
) -> None:
    for place, hours, rows in ((OWN, 3, 42), (OTHER, 5, 7)):
        mark = checkpoint("a", "*", hours - 1, "failed", destination_conn_id=place.conn_id)
        insert(databases[place], mark)
        completed(databases[place], hours, rows)
    found = shown(client)
    assert found["dwh.sales own"].startswith(f"3 h ago {at(3)} | 42 |")
    assert found["dwh.sales other"].startswith(f"5 h ago {at(5)} | 7 |")


def test_marks_of_one_task_in_two_databases_are_at_work_each_by_itself(
    client: TestClient, databases: dict[Place, Db], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "airflow_checkpoint_provider.hooks.instances.states_of",
        lambda runs: {("a", "load", "new", -1): {"running"}},
    )
    for place, run, hours in ((OTHER, "old", 2), (OWN, "new", 1)):
        own = {
            "current_run_id": run,
            "committed_at": _text(datetime.now(UTC)),
            "destination_conn_id": place.conn_id,
        }
        mark = checkpoint("a", "*", hours, "running", **own)
        insert(databases[place], mark)
    found = shown(client)
    assert " | running | " in found["dwh.sales own"]
    assert " | failed | " in found["dwh.sales other"]


def test_a_mapped_load_with_an_instance_to_come_is_not_complete(
    client: TestClient, databases: dict[Place, Db], monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(databases[OWN], checkpoint("a", "r1", 5, map_index=0), checkpoint("a", "r0", 9, map_index=0))
    monkeypatch.setattr(
        "airflow_checkpoint_provider.hooks.tables.last_loads.unfinished",
        lambda tasks: {task: {0, 1} for task in tasks if task[2] == "r1"},
    )
    assert shown(client)["dwh.sales own"].startswith(f"9 h ago {at(9)}")


def test_tables_that_dags_name_are_there_before_their_first_load(
    client: TestClient, databases: dict[Place, Db], known: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.targets |= {("a", "load"): ("own", "dwh.new"), ("hidden", "load"): ("own", "secret")}
    at_four = NOW + timedelta(hours=4)
    monkeypatch.setattr(
        lines, "next_runs", lambda dags: {dag: NextRun(at_four, paused=False) for dag in dags}
    )
    assert shown(client) == {"dwh.new own": f"never | | | {at(-4)} | a: load"}
    monkeypatch.setattr(lines, "next_runs", lambda dags: {dag: NextRun(at_four, paused=True) for dag in dags})
    assert shown(client, "?only=never") == {"dwh.new own": "never | | | paused | a: load"}


def test_nothing_is_called_never_loaded_while_a_database_does_not_answer(
    client: TestClient, known: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.targets[("a", "load")] = ("own", "dwh.new")
    monkeypatch.setenv("AIRFLOW_CONN_OWN", "postgres://nobody@127.0.0.1:1/x")
    assert shown(client) == {"dwh.new own": "not known | | | not planned | a: load"}
    assert shown(client, "?only=never") == {}


def test_what_was_not_read_is_named(
    client: TestClient, databases: dict[Place, Db], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST_READ", 1)
    insert(databases[OWN], checkpoint("a", "r1", 30), checkpoint("a", "r2", 1, "failed"))
    assert shown(client)["dwh.sales own"].startswith("not known | | failed")
    assert "the newest 1 checkpoints were read" in client.get("/tables").text


def test_2600_checkpoints_need_no_more_statements_than_a_hundred(
    client: TestClient, databases: dict[Place, Db], known: Places
) -> None:
    known.transfers |= {(f"dag_{n}", "load") for n in range(100)}
    counts = []
    for numbers in (range(100), range(100, 2_600)):
        databases[OWN].insert("airflow_checkpoint", [row(n, now=NOW) for n in numbers])
        with statements() as sent:
            assert len(shown(client)) == 100
        counts.append(len(sent))
    assert counts[0] == counts[1] > 0
