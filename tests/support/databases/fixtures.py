"""Databases for a test, chosen by their abilities, alone or in pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.databases.db import Db
from tests.support.databases.registry import COVERING, KINDS, PAIRS, able, kinds_of

MakeDb = Callable[[str, str], Db]

KNOWN = ("sqlite", "postgres", "mysql")
"""The destinations of a test outside of tests/conformance that names none."""


_SERVERS = ("postgres", "mysql", "oracle", "real_oracle", "faults", "stood_in")


@pytest.fixture
def make_db(request: pytest.FixtureRequest) -> MakeDb:
    """Make an empty database of a kind, for a role."""

    def make(kind: str, role: str) -> Db:
        if KINDS[kind].needs_server and "not server" in request.config.getoption("-m", ""):
            pytest.fail(f"a test that makes a database of {kind} is to be marked with pytest.mark.server")
        return Db(kind, KINDS[kind].make(request, role))

    return make


@pytest.fixture
def pair(request: pytest.FixtureRequest, make_db: MakeDb) -> tuple[Db, Db]:
    """Source and destination."""
    source, destination = request.param.split("->")
    return make_db(source, "source"), make_db(destination, "destination")


@pytest.fixture
def source(request: pytest.FixtureRequest, make_db: MakeDb) -> Db:
    return make_db(request.param, "source")


@pytest.fixture
def destination(request: pytest.FixtureRequest, make_db: MakeDb) -> Db:
    return make_db(request.param, "destination")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """
    Run tests on the databases that they request.

    ``source`` and ``destination`` are all databases in tests/conformance, and elsewhere those named by a module;
    ``pair`` is each as source of each in tests/conformance; elsewhere, and with ``@pytest.mark.covering``, it is as few
    pairs as have each on both sides.
    A module leaves out the databases in its ``WITHOUT``.
    ``@pytest.mark.able(ability=True)`` keeps those with an ability, of the destination where there are two.
    """
    needs = {
        key: value for mark in metafunc.definition.iter_markers("able") for key, value in mark.kwargs.items()
    }
    everywhere = metafunc.module.__name__.startswith("tests.conformance.")
    if _wants(metafunc, "pair"):
        few = not everywhere or metafunc.definition.get_closest_marker("covering")
        pairs = COVERING if few else PAIRS
        without = getattr(metafunc.module, "WITHOUT", ())
        chosen = [
            pair
            for pair in pairs
            if able(kinds_of(pair)[1], needs) and not set(kinds_of(pair)) & set(without)
        ]
        metafunc.parametrize("pair", chosen, indirect=True)
    for side in ("source", "destination"):
        if _wants(metafunc, side):
            named = getattr(metafunc.module, f"{side.upper()}S", None)
            kinds: Iterable[str] = named or (KINDS if everywhere else KNOWN)
            metafunc.parametrize(side, [kind for kind in kinds if able(kind, needs)], indirect=True)


def _wants(metafunc: pytest.Metafunc, name: str) -> bool:
    """Return whether a test takes a fixture of this module, and does not parametrize it."""
    definitions = metafunc.definition._fixtureinfo.name2fixturedefs.get(name, ())
    marks = metafunc.definition.iter_markers("parametrize")
    return (
        name in metafunc.fixturenames
        and bool(definitions)
        and definitions[-1].func.__module__ == __name__
        and not any(name in mark.args[0] for mark in marks)
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a server, by their parameters and fixtures."""
    for item in items:
        values = item.callspec.params.values() if hasattr(item, "callspec") else ()
        needed = any(KINDS[kind].needs_server for value in values for kind in kinds_of(value))
        if needed or any(name.startswith(_SERVERS) for name in getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)


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
