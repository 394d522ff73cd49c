"""Metrics, OpenLineage, hook lineage and asset events of a transfer on real databases."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from airflow.providers.common.compat.sdk import Asset, BaseHook, HookLineageCollector, Stats
from airflow.sdk.execution_time.context import OutletEventAccessors
from structlog.testing import capture_logs

from airflow_checkpoint_provider.engine.model.checkpoint import Identity
from airflow_checkpoint_provider.engine.model.events.transfer import Reconnecting, Started
from airflow_checkpoint_provider.observability.lineage import Server
from airflow_checkpoint_provider.observability.metrics import Metrics
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.support.airflow.operating import context, execute, operator
from tests.support.databases.db import Db
from tests.support.waiting import wait_for

WITHOUT = ("unknown",)  # no known primary key


class Counted:
    """Replaces Airflow's metrics backend."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.timings: list[tuple[str, timedelta]] = []
        self.gauges: list[tuple[str, float, dict[str, str]]] = []
        self.tags: list[dict[str, str]] = []

    def incr(self, stat: str, count: int = 1, rate: Any = None, *, tags: dict[str, str]) -> None:
        self.counters[stat] += count
        self.tags.append(tags)

    def gauge(self, stat: str, value: float, rate: Any = None, *, tags: dict[str, str]) -> None:
        self.gauges.append((stat.removeprefix("checkpoint."), value, tags))

    def timing(self, stat: str, dt: timedelta, *, tags: dict[str, str]) -> None:
        self.timings.append((stat, dt))
        self.tags.append(tags)


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted()
    for name in ("incr", "timing", "gauge"):
        monkeypatch.setattr(Stats, name, getattr(counted, name), raising=False)
    return counted


SINCE = "seconds_since_commit"


class StopError(Exception):
    """Ends an attempt."""


def stop_in_the_third(rows: list[Any], **context: Any) -> list[Any]:
    if rows[0][0] >= 600:
        raise StopError
    return rows


def test_metrics(databases: tuple[Db, Db], metrics: Counted) -> None:
    with pytest.raises(StopError):
        execute(operator(rows_processor=stop_in_the_third))
    assert metrics.counters == {"checkpoint.rows": 600, "checkpoint.batches": 2}
    execute(operator(), try_number=2)
    assert metrics.counters == {"checkpoint.rows": 1000, "checkpoint.batches": 4, "checkpoint.resumes": 1}
    assert {name for name, _ in metrics.timings} == {"checkpoint.batch_duration"}
    assert len(metrics.timings) == 4
    assert all(timedelta(0) < spent < timedelta(minutes=1) for _, spent in metrics.timings)
    assert metrics.tags == [{"dag_id": "a_dag", "task_id": "copy", "strategy": "key"}] * len(metrics.tags)


def test_gauges_while_a_load_runs(
    databases: tuple[Db, Db], metrics: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_checkpoint_provider.observability.metrics.BEAT_S", 0.02)

    def stand_still(rows: list[Any], **context: Any) -> list[Any]:
        if rows[0][0] >= 600:
            wait_for(
                lambda: any(value > 0.1 for name, value, _ in metrics.gauges if name == SINCE), "a gauge"
            )
        return rows

    before = {*threading.enumerate()}
    execute(operator(rows_processor=stand_still), map_index=3)
    shares = [value for name, value, _ in metrics.gauges if name == "progress"]
    assert len(shares) == 5
    assert (sorted(shares), shares[-1]) == (shares, 1.0)
    assert abs(max(value for name, value, _ in metrics.gauges if name == "last_commit") - time.time()) < 60
    assert [value for name, value, _ in metrics.gauges if name == SINCE][-1] == 0.0
    assert {tags["map_index"] for *_, tags in metrics.gauges} == {"3"}
    wait_for(lambda: not {*threading.enumerate()} - before, "its thread to end")


def test_metrics_of_a_reload(databases: tuple[Db, Db], metrics: Counted) -> None:
    task = {
        "preoperator": "DELETE FROM target",
        "strategy": "python",
        "destination_columns": ["id", "region"],
    }
    execute(operator(**task))
    assert metrics.tags[0]["strategy"] == "python"
    execute(operator(**task), try_number=2, max_tries=4)
    execute(operator(**task), try_number=3, max_tries=4)  # the load is complete
    assert metrics.counters == {"checkpoint.rows": 2000, "checkpoint.batches": 8, "checkpoint.reloads": 1}


def test_metrics_of_lost_connections(metrics: Counted) -> None:
    observe = Metrics(Identity("a_dag", "copy", "run_1"))
    resumed = Started("resume", "Resuming", "id > 5", 2, 5, None, again=True)
    for event in (
        resumed,
        Reconnecting("gone", 1, 5, 0.1),
        resumed,
        Reconnecting("gone", 1, 5, 0.1),
        resumed,
    ):
        observe(event)
    assert metrics.counters == {"checkpoint.resumes": 1, "checkpoint.reconnects": 2}


def facets(task: CheckpointedTransferOperator) -> Any:
    return task.get_openlineage_facets_on_complete(None)


def name_of(db: Db, table: str) -> tuple[str, str]:
    """The namespace and the name of a table in OpenLineage."""
    if db.kind == "sqlite":
        return f"sqlite://{db.place}", table
    if db.kind == "oracle":
        there = urlsplit(db.uri)
        service = parse_qs(there.query)["service_name"][0]
        return f"oracle://{there.hostname}:1521", f"{service}.SCOTT.{table.upper()}"
    if db.kind == "mysql":
        url = urlsplit(db.place)
        return f"mysql://{url.hostname}:{url.port or 3306}", f"{url.path.strip('/')}.{table}"
    parts = psycopg.conninfo.conninfo_to_dict(db.place)
    host = str(parts.get("host", "localhost"))
    place = f"{'localhost' if host.startswith('/') else host}:{parts.get('port', 5432)}"
    return f"postgres://{place}", f"{parts['dbname']}.public.{table}"


def test_openlineage_of_a_table(databases: tuple[Db, Db]) -> None:
    source, destination = databases
    task = operator(destination_columns={"id": "id", "region": "region"})
    assert facets(task) is None
    execute(task)
    lineage = facets(task)
    (read,), (written,) = lineage.inputs, lineage.outputs
    assert (read.namespace, read.name) == name_of(source, "orders")
    assert (written.namespace, written.name) == name_of(destination, "target")
    for db, dataset in ((source, read), (destination, written)):
        names = [db.spelt("id"), db.spelt("region")]
        assert [field.name for field in dataset.facets["schema"].fields] == names
    assert written.outputFacets["outputStatistics"].rowCount == 1000
    columns = written.facets["columnLineage"].fields
    assert {to: [one.field for one in by.inputFields] for to, by in columns.items()} == {
        destination.spelt(name): [source.spelt(name)] for name in ("id", "region")
    }


def test_openlineage_of_a_query(databases: tuple[Db, Db]) -> None:
    source, destination = databases
    query = "SELECT o.id, o.region FROM orders o JOIN orders p ON p.id = o.id"
    task = operator(source_table=None, sql=query, checkpoint_column="id")
    execute(task)
    lineage = facets(task)
    assert [(one.namespace, one.name) for one in lineage.inputs] == [name_of(source, "orders")]
    assert lineage.job_facets["sql"].query == query
    written = lineage.outputs[0].facets["schema"].fields
    assert [field.name for field in written] == [destination.spelt("id"), destination.spelt("region")]


def test_openlineage_of_a_failure_has_the_rows_that_are_there(databases: tuple[Db, Db]) -> None:
    task = operator(rows_processor=stop_in_the_third)
    with pytest.raises(StopError):
        execute(task)
    (written,) = facets(task).outputs
    assert written.outputFacets["outputStatistics"].rowCount == 600
    # The columns that a rows_processor writes have no known source.
    assert set(written.facets) == {"schema"}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[HookLineageCollector]:
    collector = HookLineageCollector()
    monkeypatch.setattr(
        "airflow_checkpoint_provider.observability.lineage.get_hook_lineage_collector", lambda: collector
    )
    return collector


def test_hook_lineage_once_for_the_transfer(
    databases: tuple[Db, Db], collector: HookLineageCollector
) -> None:
    source, destination = databases
    execute(operator())
    found = collector.collected_assets
    assert [(one.asset.uri.rpartition("/")[2], one.count) for one in found.inputs] == [
        (source.spelt("orders"), 1)
    ]
    assert [(one.asset.uri.rpartition("/")[2], one.count) for one in found.outputs] == [
        (destination.spelt("target"), 1)
    ]
    for db, (one,) in ((source, found.inputs), (destination, found.outputs)):
        assert one.asset.uri.startswith(f"{db.kind}:/")


def test_a_name_that_is_no_asset_does_not_fail_the_transfer(
    databases: tuple[Db, Db], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: HookLineageCollector, hook: Any, **asset: Any) -> None:
        raise ValueError("URI format must contain a host")

    monkeypatch.setattr(HookLineageCollector, "add_output_asset", refuse)
    monkeypatch.setattr(
        "airflow_checkpoint_provider.observability.lineage.get_hook_lineage_collector", HookLineageCollector
    )
    with capture_logs() as log:
        assert execute(operator())["rows"] == 1000
    (warning,) = [entry for entry in log if entry["log_level"] == "warning" and "lineage" in entry["event"]]
    assert "URI format must contain a host" in str(warning)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("postgres://u:p@db.example/sales", ("postgres://db.example:5432/sales/s/t", "sales.s.t")),
        ("postgres://u:p@db.example:6543/sales", ("postgres://db.example:6543/sales/s/t", "sales.s.t")),
        ("postgres://u:p@%2Fvar%2Frun/sales", ("postgres://localhost:5432/sales/s/t", "sales.s.t")),
        ("oracle://u:p@db.example/S?service_name=xe", ("oracle://db.example:1521/xe/s/t", "xe.s.t")),
        ("oracle://u:p@db.example/S?sid=orcl", ("oracle://db.example:1521/orcl/s/t", "orcl.s.t")),
        ("mysql://u:p@db.example/s", ("mysql://db.example:3306/s/t", "s.t")),
        ("sqlite:///data/x.db", ("sqlite:///data/x.db/s/t", "s.t")),
    ],
)
def test_names_of_tables(uri: str, expected: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SOME", uri)
    server = Server.of(BaseHook.get_connection("some"))
    assert (server.uri("s.t"), server.name("s.t")) == expected


def test_events_of_assets_say_how_far(databases: tuple[Db, Db]) -> None:
    asset, where = Asset("orders_in_target"), context()
    where["outlet_events"] = OutletEventAccessors()
    operator(outlets=[asset]).execute(where)  # type: ignore[arg-type]
    assert where["outlet_events"][asset].extra == {
        "rows": 1000,
        "rows_total": 1000,
        "checkpoint": {databases[0].spelt("id"): 999},
    }
