"""Connections of teams: each team may have its own connection of the same name."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from airflow.providers.sqlite.hooks.sqlite import SqliteHook
from fastapi import HTTPException

from airflow_checkpoint_provider.engine.model.errors import ArgumentError, CannotConnectError
from airflow_checkpoint_provider.hooks import discovery
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin import actions, reading
from tests.admin.test_search import row
from tests.support.databases.db import Db
from tests.support.databases.registry import KINDS

DESTINATIONS = tuple(KINDS)
EAST, WEST = Place("warehouse", team="east"), Place("warehouse", team="west")


@pytest.fixture
def teams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")


@pytest.fixture
def warehouses(teams: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warehouse of the team east, with two checkpoints, and one without a team, with one checkpoint."""
    for variable, count in (("AIRFLOW_CONN__EAST___WAREHOUSE", 2), ("AIRFLOW_CONN_WAREHOUSE", 1)):
        database = Db("sqlite", str(tmp_path / f"{variable}.db"))
        monkeypatch.setenv(variable, database.uri)
        monkeypatch.setenv("AIRFLOW_CONN_ANY", database.uri)
        CheckpointHook("any").create_tables()
        database.insert("airflow_checkpoint", [row(n) for n in range(count)])


def test_the_hook_opens_the_connection_of_a_team(
    destination: Db, teams: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN__EAST___WAREHOUSE", destination.uri)
    hook = CheckpointHook("warehouse", team="east")
    hook.create_tables()
    hook.request_reload("a_dag", "copy", "run_1")
    assert destination.one("SELECT count(*) FROM airflow_checkpoint_event") == 1
    with pytest.raises(ArgumentError, match="no Airflow connection 'warehouse'"):
        CheckpointHook("warehouse").list()


def test_a_team_without_one_of_its_own_gets_that_of_no_team(warehouses: None) -> None:
    counts = {team: len(CheckpointHook("warehouse", team=team).list()) for team in ("east", "west", None)}
    assert counts == {"east": 2, "west": 1, None: 1}


def test_a_connection_that_is_missing_is_refused_with_its_team(teams: None) -> None:
    with pytest.raises(ArgumentError, match="no Airflow connection 'nowhere', of team 'east' or of none"):
        CheckpointHook("nowhere", team="east").list()


def test_a_team_is_refused_where_there_are_none() -> None:
    with pytest.raises(ArgumentError, match="team: 'east' is given, and there are no teams here"):
        CheckpointHook("warehouse", team="east").list()


def test_a_hook_that_does_not_ask_for_the_connection_of_a_team_is_refused(
    warehouses: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = SqliteHook("warehouse").get_conn()
    monkeypatch.setattr(SqliteHook, "get_conn", lambda self: opened)
    with pytest.raises(
        CannotConnectError,
        match="'warehouse' cannot be opened: SqliteHook does not ask for the connection of a team",
    ):
        CheckpointHook("warehouse", team="east").list()


def test_the_view_reads_the_connection_of_each_team(warehouses: None) -> None:
    answers = reading.Reader(timeout=30).ask([EAST, WEST], lambda hook: len(hook.list()))
    assert (answers.by_place, answers.troubles) == ({EAST: 2, WEST: 1}, [])


def test_places_are_told_apart_by_the_teams_of_their_dags(monkeypatch: pytest.MonkeyPatch) -> None:
    teams = {"a": "east", "b": "west"}
    monkeypatch.setattr(discovery, "teams_of", lambda dag_ids: {d: teams[d] for d in dag_ids if d in teams})
    found = discovery.Places(configured={Place("configured")})
    found.tasks[Place("warehouse")] |= {("a", "copy"), ("b", "copy"), ("c", "copy")}
    told = discovery._in_teams(found)
    assert told.all() == [Place("configured"), Place("warehouse"), EAST, WEST]
    assert told.of("a", "copy") == [EAST]
    assert told.of("c", "copy") == [Place("warehouse")]


def test_nobody_acts_on_a_place_of_another_team(monkeypatch: pytest.MonkeyPatch) -> None:
    known: Any = Mock(**{"places.return_value": discovery.Places(configured={EAST, Place("warehouse")})})
    monkeypatch.setattr(actions, "discovery", lambda: known)
    monkeypatch.setattr(actions, "team_of", {"a": "east", "b": "west"}.get)

    def place(dag_id: str, team: str) -> Place:
        ids = {"dag_id": dag_id, "task_id": "copy", "run_id": "run_1", "conn_id": "warehouse"}
        return actions.place_of(actions.Target(**ids, table=EAST.table, team=team), Mock())

    assert place("a", "east") == EAST
    assert place("b", "") == Place("warehouse")
    with pytest.raises(HTTPException, match="No checkpoints are known to be kept in warehouse of team east"):
        place("b", "east")
