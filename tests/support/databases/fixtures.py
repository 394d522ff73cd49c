"""Pairs of source and destination, in all combinations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db

PAIRS = [
    *("sqlite->sqlite", "sqlite->postgres", "postgres->sqlite", "postgres->postgres"),
    *("mysql->postgres", "postgres->mysql"),
    *("oracle->postgres", "postgres->oracle", "oracle->oracle"),
]

MakeDb = Callable[[str, str], Db]


@pytest.fixture
def make_db(request: pytest.FixtureRequest, tmp_path: Path) -> MakeDb:
    """Make a database of a kind; two of kind postgres are two schemas' worth of tables in one database."""

    def make(kind: str, name: str) -> Db:
        if kind == "oracle":
            made: Db = request.getfixturevalue("oracle_databases")(name)
            return made
        if kind == "sqlite":
            return Db("sqlite", str(tmp_path / f"{name}.db"))
        return Db(kind, request.getfixturevalue(f"{kind}_{name}"))

    return make


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest, make_db: MakeDb) -> tuple[Db, Db]:
    """Source and destination."""
    source, destination = request.param.split("->")
    return make_db(source, "source"), make_db(destination, "destination")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module with the kinds of destination that it names, or those that a test names itself."""
    marks = metafunc.definition.iter_markers("parametrize")
    if "destination" in metafunc.fixturenames and not any("destination" in mark.args[0] for mark in marks):
        kinds = getattr(metafunc.module, "DESTINATIONS", ("sqlite", "postgres", "mysql"))
        metafunc.parametrize("destination", kinds, indirect=True)


@pytest.fixture
def destination(request: pytest.FixtureRequest, make_db: MakeDb) -> Db:
    return make_db(request.param, "destination")


@pytest.fixture
def hook(destination: Db, monkeypatch: pytest.MonkeyPatch) -> CheckpointHook:
    """The hook of the destination, through an Airflow connection."""
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", destination.uri)
    return CheckpointHook("target")


@pytest.fixture
def databases(pair: tuple[Db, Db], monkeypatch: pytest.MonkeyPatch) -> tuple[Db, Db]:
    source, destination = pair
    source.execute("CREATE TABLE orders (id integer PRIMARY KEY, region varchar(10))")
    source.insert("orders", [(n, "north" if n % 2 else "south") for n in range(1000)])
    destination.execute("CREATE TABLE target (id integer, region varchar(10))")
    monkeypatch.setenv("AIRFLOW_CONN_SRC", source.uri)
    monkeypatch.setenv("AIRFLOW_CONN_DST", destination.uri)
    return pair
