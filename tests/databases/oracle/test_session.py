"""Settings of a connection, or of its service, with which the engine cannot work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_checkpoint_provider.engine.model.errors import CannotConnectError, DestinationError
from airflow_checkpoint_provider.hooks.databases import open_database
from tests.support.databases.db import Db
from tests.support.databases.oracle_places import stand_in
from tests.support.loads import Load, loaded
from tests.support.oracle_standin import Fault, Faults, Server


@pytest.fixture
def load(stood_in: tuple[Db, Db]) -> Load:
    source, destination = stood_in
    source.execute("CREATE TABLE t (n integer PRIMARY KEY)")
    source.insert("t", [(n,) for n in range(9)])
    destination.execute("CREATE TABLE target (n integer PRIMARY KEY)")
    return Load(source, destination, {"source_table": "t", "batch_size": 4})


@pytest.fixture
def in_parallel(load: Load) -> Iterator[Server]:
    """A service that writes in parallel, as HIGH and MEDIUM of an Autonomous Database do."""
    server = stand_in.server(load.destination.place)
    server.parallel_dml = True
    yield server
    server.parallel_dml = False


@pytest.mark.usefixtures("in_parallel")
@pytest.mark.parametrize("write_mode", ["replace", "replace_atomic", "upsert"])
def test_a_service_that_writes_in_parallel(load: Load, write_mode: str) -> None:
    for run in range(2):
        load.run = run
        load.attempt(write_mode=write_mode)
    assert loaded(load) == list(range(9))


def test_only_the_schema_is_given(stood_in: tuple[Db, Db], monkeypatch: pytest.MonkeyPatch) -> None:
    import oracledb

    monkeypatch.setattr(oracledb, "connect", stand_in.connect)
    monkeypatch.setenv("AIRFLOW_CONN_ERP", stood_in[0].uri.replace("/?service_name=", "/"))
    with pytest.raises(CannotConnectError, match=r"ORA-01435.*field Schema .*\"service_name\""):
        open_database("erp", "source_conn_id").open()


def test_a_table_that_somebody_else_publishes(load: Load, faults: dict[str, Faults]) -> None:
    faults["destination"].plan(Fault(30006, "LOCK TABLE .* WAIT 7$"))
    with pytest.raises(DestinationError, match="ORA-30006"):
        load.attempt(write_mode="replace_atomic", lock_timeout=7)
    load.attempt(write_mode="replace_atomic", lock_timeout=7)
    assert loaded(load) == list(range(9))
