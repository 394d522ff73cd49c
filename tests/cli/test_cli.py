"""``airflow checkpoint``, parsed and run as Airflow does it, on real tables."""

from __future__ import annotations

import os
import re
from unittest.mock import Mock

import pytest
import yaml
from sqlalchemy.exc import OperationalError

from airflow_checkpoint_provider.cli import places, statuses
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.discovery import Places as KnownPlaces
from airflow_checkpoint_provider.hooks.transfers import Place
from tests.cli.conftest import Airflow, know
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.numbers import numbers

ONE = ("a_dag", "a_task", "run_1")
SEED = ("--source-conn-id", "src", "--source-table", "t", "--destination-table", "target")


@pytest.fixture
def load(hook: CheckpointHook, make_db: MakeDb) -> Load:
    destination = make_db(str(hook.get_connection("target").conn_type), "destination")
    return numbers(make_db("sqlite", "source"), destination, declared="n integer", write_mode="replace")


@pytest.fixture
def two(load: Load) -> Load:
    """Run 1 is completed, run 2 failed after its first batch."""
    load.attempt()
    load.next_run()
    load.attempt_batches(1)
    return load


def test_list(airflow: Airflow, two: Load) -> None:
    listed = airflow("list", "-o", "json")
    assert listed.code == 0
    assert [
        (row["run_id"], row["status"], row["rows"], row["position"], row["done"]) for row in listed.json()
    ] == [
        ("run_2", "failed", 4, {"n": 3}, pytest.approx(1 / 3)),
        ("run_1", "completed", 10, {"n": 9}, 1.0),
    ]
    assert {row["conn_id"] for row in listed.json()} == {"target"}
    assert [row["run_id"] for row in airflow("list", "--status", "failed", "-o", "json").json()] == ["run_2"]
    assert len(airflow("list", "--status", "failed", "--status", "completed", "-o", "json").json()) == 2
    assert [row["run_id"] for row in airflow("list", "--limit", "1", "-o", "json").json()] == ["run_2"]
    assert [row["run_id"] for row in airflow("list", "--run-id", "run_1", "-o", "json").json()] == ["run_1"]
    assert airflow("list", "--dag-id", "other").out.strip() == "No data found"
    assert airflow("list", "--dag-id", "other", "-o", "json").out == "[]\n"
    table = airflow("list").out
    assert re.search(r"^dag_id +\| task_id +\| run_id", table)
    assert re.search(r"\| failed +\| +\| 4 +\| +\| n = 3 +\| 33% +\| \d+ s ago", table)


def test_a_stalled_load_is_listed_as_such(
    airflow: Airflow, two: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = "status = 'running', updated_at = '2020-01-01 00:00:00.000000', committed_at = '2020-01-01 00:00:00.000000'"
    two.destination.execute(f"UPDATE airflow_checkpoint SET {stale} WHERE run_id = 'run_2'")
    (listed,) = airflow("list", "--status", "stalled", "-o", "json").json()
    for row in (listed, airflow("show", *ONE[:2], "run_2", "-o", "json").json()):
        assert (row["run_id"], row["status"]) == ("run_2", "stalled")
    assert airflow("list", "--status", "running", "-o", "json").json() == []
    two.destination.execute("UPDATE airflow_checkpoint SET status = 'running' WHERE run_id = 'run_1'")
    for status, run in (("stalled", "run_2"), ("running", "run_1")):
        (row,) = airflow("list", "--status", status, "--status", "failed", "-o", "json").json()
        assert (row["run_id"], row["status"]) == (run, status)
    assert len(airflow("list", "--status", "stalled", "--status", "running", "-o", "json").json()) == 2
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__STALLED_AFTER", "1000000000")
    assert airflow("list", "--status", "stalled", "-o", "json").json() == []


WRONG = [
    (["list", "--status", "lost"], "--status: 'lost' is not one of running, stalled, failed, completed, "),
    (["list", "--request", "x"], "--request: 'x' is not one of reload, resume."),
    (["list", "--limit", "0"], "--limit: '0' is not a whole number from 1 on."),
    (["list", "-o", "xml"], "--output: 'xml' is not one of table, json, yaml, plain."),
    (["history", *ONE, "--kind", "x"], "--kind: 'x' is not one of started, resumed, "),
    (["show", *ONE, "--map-index", "one"], "--map-index: 'one' is not a whole number from -1 on."),
    (
        ["purge", "--older-than", "1d", "--status", "stalled"],
        "--status: 'stalled' is not one of seeded, running, ",
    ),
    (["seed", *ONE, *SEED, "--rows", "few"], "--rows: 'few' is not a whole number from 0 on."),
    (["ddl", "--dialect", "db2"], "--dialect: 'db2' is not one of mysql, oracle, postgresql, sqlite."),
]


@pytest.mark.parametrize(
    ("command", "said"), WRONG, ids=lambda given: given[0] if isinstance(given, list) else ""
)
def test_a_wrong_value_is_answered_in_one_line(airflow: Airflow, command: list[str], said: str) -> None:
    ended = airflow(*command)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(said)
    assert "\n" not in ended.err


def test_what_is_staged_is_listed_as_such(airflow: Airflow, load: Load) -> None:
    load.attempt(write_mode="replace_atomic", publish=False)
    for row in (
        airflow("list", "--status", "completed", "-o", "json").json()[0],
        airflow("show", *ONE, "-o", "json").json(),
    ):
        assert row["status"] == "staged"


def test_an_attempt_that_airflow_knows_to_be_over_is_listed_as_interrupted(
    airflow: Airflow, two: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.destination.execute("UPDATE airflow_checkpoint SET status = 'running'")
    monkeypatch.setattr(
        statuses,
        "interrupted",
        lambda found: lambda one: "failed" if one.run_id == "run_2" else None,
    )
    for status, run in (("interrupted", "run_2"), ("running", "run_1")):
        (row,) = airflow("list", "--status", status, "-o", "json").json()
        assert (row["run_id"], row["status"]) == (run, status)
    assert airflow("show", *ONE[:2], "run_2", "-o", "json").json()["status"] == "interrupted"
    assert len(airflow("list", "-o", "json").json()) == 2


def test_staged_loads_alone(airflow: Airflow, two: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        CheckpointHook,
        "staged",
        lambda self, found: frozenset(one.identity for one in found if one.run_id == "run_1"),
    )
    (row,) = airflow("list", "--status", "staged", "-o", "json").json()
    assert (row["run_id"], row["status"]) == ("run_1", "staged")
    (row,) = airflow("list", "--status", "failed", "-o", "json").json()
    assert row["run_id"] == "run_2"


def test_it_looks_where_the_dags_keep_checkpoints(
    airflow: Airflow, two: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", "")
    monkeypatch.setenv("AIRFLOW_CONN_SAME", os.environ["AIRFLOW_CONN_TARGET"])
    found = KnownPlaces(
        {Place("target"): {("a_dag", "a_task")}, Place("same"): set(), Place("target", "other"): set()}
    )
    know(monkeypatch, found)
    # Two connections lead to one table.
    assert [row["run_id"] for row in airflow("list", "-o", "json").json()] == ["run_2", "run_1"]
    for command in (
        ["show", *ONE],
        ["history", *ONE],
        ["rejects", *ONE],
        ["reload", *ONE, "--yes"],
        ["resume", *ONE],
    ):
        assert airflow(*command).code == 0, command
    # Commands for whole tables require a named connection.
    for command in ["purge", "--older-than", "1d", "--yes"], ["create-tables"]:
        ended = airflow(*command)
        assert (ended.code, ended.err.startswith("--conn-id: name the connection")) == (1, True)
    assert airflow("delete", *ONE, "--yes").code == 0
    monkeypatch.setattr(
        places, "Discovery", Mock(side_effect=OperationalError("", {}, Exception("no such table")))
    )
    nowhere = airflow("list")
    assert (nowhere.code, nowhere.err.startswith("--conn-id: name the connection")) == (1, True)


def test_show_says_what_comes_next(airflow: Airflow, two: Load) -> None:
    shown = airflow("show", *ONE)
    assert shown.code == 0
    assert "An automatic retry has nothing to do, because the load is complete (10 rows)." in shown.out
    found = yaml.safe_load(airflow("show", "a_dag", "a_task", "run_2", "-o", "yaml").out)
    assert found == airflow("show", "a_dag", "a_task", "run_2", "-o", "json").json()
    assert found["next_attempt"].startswith(
        "An automatic retry resumes the load, because it failed (n = 3, 4 rows committed)."
    )
    assert (found["last_error"], found["upper_bound"], found["request"]) == ("CrashError", {"n": 9}, None)
    assert (found["rows"], found["position"], found["done"]) == (4, {"n": 3}, pytest.approx(1 / 3))
    assert (found["source_table"], found["query"], found["range"]) == ("t", None, "n up to 9")
    assert (found["write_mode"], found["scope"], found["guarantee"]) == ("replace", "run", "exactly-once")
    assert found["route_reason"]
    opened = airflow("history", "a_dag", "a_task", "run_2", "-o", "json").json()[1]
    assert opened["detail"].startswith(
        "table t; write_mode replace, batches of 4 rows, scope run; exactly-once"
    )
    # Without a run, the newest one is shown.
    assert airflow("show", "a_dag", "a_task", "-o", "json").json()["run_id"] == "run_2"


def test_show_has_the_step_behind_the_last_batch(airflow: Airflow, two: Load) -> None:
    line = "Building the primary key (n) of target: scanning table, 40% (12 s)"
    two.destination.execute(
        f"UPDATE airflow_checkpoint_event SET kind = 'key_building', detail = '{line}'"
        " WHERE id = (SELECT max(id) FROM airflow_checkpoint_event WHERE run_id = 'run_2')"
    )
    command = ("show", "a_dag", "a_task", "run_2")
    assert airflow(*command, "-o", "json").json()["step"] is None
    two.destination.execute("UPDATE airflow_checkpoint SET status = 'running' WHERE run_id = 'run_2'")
    assert airflow(*command, "-o", "json").json()["step"] == line


def test_history_outlives_the_checkpoint(airflow: Airflow, two: Load) -> None:
    def kinds(*command: str) -> list[str]:
        return [row["kind"] for row in airflow("history", *command, "-o", "json").json()]

    assert kinds("a_dag", "a_task", "run_2") == kinds("a_dag", "a_task") == ["failed", "opened", "started"]
    assert airflow("history", *ONE, "-o", "json").json()[0]["position"] == {"n": 9}
    assert kinds("a_dag", "a_task", "run_2", "--kind", "failed", "--kind", "started") == ["failed", "started"]
    assert kinds(*ONE, "--limit", "1") == ["completed"]
    assert airflow("delete", *ONE, "--yes").code == 0
    assert kinds(*ONE) == ["deleted", "completed", "opened", "started"]


def test_a_reload_is_what_the_next_attempt_does(airflow: Airflow, two: Load, hook: CheckpointHook) -> None:
    run_2 = ("a_dag", "a_task", "run_2")
    assert airflow("reload", *run_2, "--reason", "bad rows", answer="y").code == 0
    shown = airflow("show", *run_2, "-o", "json").json()
    assert (shown["status"], shown["request"]) == ("failed", "reload")
    for only in (
        ["--status", "requested"],
        ["--request", "reload"],
        ["--request", "reload", "--status", "failed"],
    ):
        (row,) = airflow("list", *only, "-o", "json").json()
        assert (row["run_id"], row["status"], row["request"]) == ("run_2", "failed", "reload")
    assert airflow("list", "--request", "resume", "-o", "json").json() == []
    assert "starts from the beginning, because a reload was requested" in shown["next_attempt"]
    assert hook.history(*run_2)[0].detail == "bad rows"
    assert two.attempt().rows == 10


def test_a_request_is_taken_back(airflow: Airflow, two: Load) -> None:
    run_2 = ("a_dag", "a_task", "run_2")
    refused = airflow("reload", *run_2, "--cancel")
    assert (refused.code, "has no open request" in refused.err) == (1, True)
    airflow("reload", *run_2, "--yes")
    assert airflow("reload", *run_2, "--cancel").out == (
        "The request for the next attempt of a_dag.a_task, run run_2 is canceled.\n"
    )
    assert two.attempt().rows == 6


def test_a_resume_is_what_a_cleared_task_does(airflow: Airflow, two: Load) -> None:
    two.clear()
    assert airflow("resume", "a_dag", "a_task", "run_2").code == 0
    assert two.attempt().rows == 6


@pytest.mark.parametrize(("answer", "said"), [("n", "Cancelled."), ("", "Cancelled."), (None, "add --yes")])
def test_nothing_happens_unconfirmed(airflow: Airflow, two: Load, answer: str | None, said: str) -> None:
    before = two.destination.rows("SELECT kind FROM airflow_checkpoint_event")
    for command in (["delete", *ONE], ["reload", *ONE], ["purge", "--older-than", "0m"]):
        ended = airflow(*command, answer=answer)
        assert (ended.code, said in ended.err) == (1, True)
        assert "(y/N)" in ended.out
    assert two.destination.rows("SELECT kind FROM airflow_checkpoint_event") == before
    assert two.destination.one("SELECT count(*) FROM airflow_checkpoint") == 2


def test_purge(airflow: Airflow, two: Load) -> None:
    two.destination.execute(
        "UPDATE airflow_checkpoint SET updated_at = '2020-01-01 00:00:00.000000', committed_at = '2020-01-01 00:00:00.000000'"
    )
    dry = airflow("purge", "--older-than", "30d", "--dry-run", "-o", "json")
    assert [row["run_id"] for row in dry.json()] == ["run_1"]
    assert "Would delete 1 completed checkpoints without a change for 30d." in dry.err
    assert two.destination.one("SELECT count(*) FROM airflow_checkpoint") == 2
    both = ("purge", "--older-than", "30d", "--status", "completed", "--status", "failed", "--yes")
    assert airflow(*both).out.startswith("Deleted 2 completed or failed checkpoints")
    assert two.destination.one("SELECT count(*) FROM airflow_checkpoint_event") == 0
    assert airflow(*both).out.startswith("There are no completed or failed checkpoints")


@pytest.mark.parametrize("age", ["30", "d", "-3d", "3 months"])
def test_an_age_that_is_none(airflow: Airflow, two: Load, age: str) -> None:
    ended = airflow("purge", f"--older-than={age}", "--yes")
    assert (ended.code, f"--older-than: '{age}' is not an age" in ended.err) == (1, True)


def test_rejects(airflow: Airflow, load: Load) -> None:
    assert airflow("rejects", *ONE).code == 1
    load.source.execute("DELETE FROM t", "INSERT INTO t VALUES (1), (2), (NULL), (NULL), (NULL)")
    load.destination.execute("DROP TABLE target", "CREATE TABLE target (n integer NOT NULL)")
    load.attempt(on_bad_row="reject", on_null_key="load")
    shown = airflow("rejects", *ONE, "-o", "json").json()
    assert [(line["row_no"], line["row"], line["run_id"]) for line in shown] == [
        (number, {"n": None}, "run_1") for number in (3, 4, 5)
    ]
    assert "null" in shown[0]["error"].lower()
    assert yaml.safe_load(airflow("rejects", *ONE, "-o", "yaml").out) == shown
    some = airflow("rejects", *ONE, "--limit", "1")
    assert re.search(r'^3 +\| .*\| \{"n": null\} +\| run_1', some.out, re.MULTILINE)
    assert some.err == "1 of 3 rows; --limit shows more.\n"
    load.next_run()
    load.source.execute("DELETE FROM t WHERE n IS NULL")
    load.attempt()
    assert airflow("rejects", "a_dag", "a_task", "run_2").out.strip() == "No data found"


def test_create_tables_and_ddl(airflow: Airflow, load: Load) -> None:
    assert airflow("list").code == 1
    assert airflow("create-tables").out == (
        "airflow_checkpoint, airflow_checkpoint_event and airflow_checkpoint_reject exist in target.\n"
    )
    assert airflow("list").code == 0
    script = airflow("ddl", "--dialect", "oracle", "--table", "meta.checkpoints")
    assert script.out == CheckpointHook("x", "meta.checkpoints").ddl("oracle")


def test_what_is_not_there(airflow: Airflow, two: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = airflow("show", "a_dag", "a_task", "run_9")
    assert missing.code == 1
    assert (
        "no checkpoint of a_dag.a_task, run run_9 in target. The newest one of this task is of" in missing.err
    )
    # An action requires the run, and does not fall back to the newest one.
    guessed = airflow("reload", "a_dag", "a_task", "--yes")
    assert guessed.code == 1
    assert "The newest one of this task is of a_dag.a_task, run run_2." in guessed.err
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", "")
    nowhere = airflow("list")
    assert (nowhere.code, nowhere.err.startswith("--conn-id: name the connection")) == (1, True)


def test_several_databases(
    airflow: Airflow, two: Load, make_db: MakeDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_db("sqlite", "other")
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", other.uri)
    monkeypatch.setenv("AIRFLOW_CONN_GONE", "postgres://nobody@localhost:1/nothing")
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", "other, target")
    # No load has written to the other database yet.
    assert airflow("show", *ONE).code == 0
    assert airflow("list").code == 0
    half = airflow("list", "-c", "gone", "-c", "target", "-o", "json")
    assert (half.code, len(half.json())) == (1, 2)
    assert "Connection 'gone' cannot be opened" in half.err
    unknown = airflow("list", "-c", "nix")
    assert (unknown.code, unknown.err) == (1, "--conn-id: there is no Airflow connection 'nix'.\n")
    numbers(make_db("sqlite", "more"), other, declared="n integer").attempt()
    twice = airflow("delete", *ONE, "--yes")
    assert (twice.code, "in other, target: choose one with --conn-id" in twice.err) == (1, True)
    assert airflow("delete", *ONE, "--yes", "-c", "other").code == 0


@pytest.mark.parametrize(
    "command",
    [
        ["show", *ONE],
        ["history", *ONE],
        ["rejects", *ONE],
        ["reload", *ONE, "--yes"],
        ["resume", *ONE],
        ["delete", *ONE, "--yes"],
        ["list"],
        ["purge", "--older-than", "0m", "--yes"],
        ["create-tables"],
        ["seed", *ONE, *SEED, "--position", "5"],
    ],
    ids=lambda command: command[0],
)
def test_a_database_that_cannot_be_read_is_said_once_and_nothing_of_what_is_in_it(
    airflow: Airflow, load: Load, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GONE", "postgres://nobody@localhost:1/nothing")
    alone = airflow(*command, "-c", "gone")
    assert (alone.code, alone.out) == (1, "")
    assert re.fullmatch(r"Connection 'gone' cannot be opened: .*\n?", alone.err)
    # The contents of another database do not show what the unreadable one holds.
    if command[0] in ("show", "history", "rejects", "reload", "resume", "delete"):
        CheckpointHook("target").create_tables()
        both = airflow(*command, "-c", "gone", "-c", "target")
        assert (both.code, both.out) == (1, "")
        assert both.err.count("cannot be opened") == 1
        assert both.err.endswith("\nThere is no checkpoint of a_dag.a_task, run run_1 in target.")


def test_what_can_be_read_is_shown_with_what_cannot(
    airflow: Airflow, two: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GONE", "postgres://nobody@localhost:1/nothing")
    where = ("-c", "gone", "-c", "target", "-o", "json")
    what_was_done = {"delete": ONE, "reload": (*ONE[:2], "run_2"), "resume": (*ONE[:2], "run_2")}
    for command, key in what_was_done.items():
        done = airflow(command, *key, *where[:4], *([] if command == "resume" else ["--yes"]))
        assert (done.code, done.out != "", done.err.count("cannot be opened")) == (1, True, 1)
    for command in ["show", *ONE[:2], "run_2"], ["rejects", *ONE[:2], "run_2"], ["history", *ONE]:
        shown = airflow(*command, *where)
        assert (shown.code, shown.err.count("cannot be opened"), "no checkpoint" in shown.err) == (
            1,
            1,
            False,
        )
        assert shown.out.startswith(("[", "{"))


def test_a_metadata_table_that_is_missing_is_said_once(airflow: Airflow, load: Load) -> None:
    for command in "show", "history", "rejects", "resume":
        said = airflow(command, *ONE)
        assert (said.code, said.out) == (1, "")
        assert said.err.startswith("There is no metadata table airflow_checkpoint in 'target'.")
        assert said.err.count("There is no") == 1


def test_help_is_complete(airflow: Airflow) -> None:
    whole = airflow("--help")
    assert whole.code == 0
    for name in (
        "list",
        "show",
        "history",
        "rejects",
        "reload",
        "resume",
        "delete",
        "purge",
        "create-tables",
        "ddl",
    ):
        assert re.search(rf"^    {name}\b", whole.out, re.MULTILINE), name
        command = airflow(name, "--help")
        assert command.code == 0
        # Rich takes text in brackets for markup, and drops it.
        assert "  of" not in command.out.replace("\n", " ")
        assert "default:  " not in command.out


def test_seed(airflow: Airflow, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SRC", load.source.uri)
    where = ("--checkpoint-column", "n", "--position", "5")
    said = airflow("seed", *ONE, *SEED, *where, "--rows", "6", "--destination-conn-id", "target")
    assert (said.code, said.err) == (0, "")
    # Without a DAG, the task's scope is unknown.
    goes_on = "The next attempt of a_dag.a_task, run run_1 continues after n = 5"
    assert said.out == f"{goes_on}, provided that the task has scope='run'.\n"
    shown = airflow("show", *ONE, "-o", "json").json()
    assert (shown["status"], shown["rows"]) == ("seeded", 6)
    assert (
        shown["next_attempt"]
        == "The next attempt begins behind the seeded position (n = 5, 6 rows committed)."
    )
    assert airflow("history", *ONE, "-o", "json").json()[0]["kind"] == "seeded"
    assert "Nobody is there to confirm" in airflow("seed", *ONE, *SEED, *where).err
    assert airflow("seed", *ONE, *SEED, *where, "--yes").code == 0
    ahead = airflow("seed", *ONE, *SEED, *where[:-1], "11", "--yes")
    assert (ahead.code, "beyond the greatest" in ahead.err) == (1, True)
    assert "is not JSON" in airflow("seed", *ONE, *SEED, *where, "--parameters", "{", "--yes").err
    counted = airflow("seed", *ONE, *SEED, "--rows", "6", "--destination-columns", '["n"]', "--yes")
    assert (counted.code, counted.out.split(",")[1]) == (0, " run run_1 continues after row 6")


def test_seed_says_that_the_last_attempt_had_another_scope(
    airflow: Airflow, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SRC", load.source.uri)
    where = (*SEED, "--checkpoint-column", "n", "--position", "5", "--yes")
    load.attempt_batches(1)
    for _ in range(2):  # a seed is no attempt
        said = airflow("seed", *ONE[:2], *where)
        assert said.code == 0
        assert said.out.endswith("all runs continues after n = 5, provided that the task has scope='task'.\n")
        assert said.err.startswith(
            "The last attempt of a_dag.a_task had scope='run', and kept the checkpoint of a_dag.a_task, run run_1."
        )
    assert airflow("seed", *ONE, *where).err == ""
    assert airflow("delete", *ONE[:2], "--yes").code == 0
    load.attempt(scope="task", write_mode="append")
    assert "had scope='task'" in airflow("seed", *ONE, *where).err


def test_seed_wants_to_know_which_database(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", "target, other")
    said = airflow("seed", *ONE, *SEED, "--position", "5")
    assert (said.code, said.err) == (1, "Checkpoints are kept in target, other: choose one with --conn-id.")


def test_a_team_has_a_connection_of_its_own(
    airflow: Airflow, hook: CheckpointHook, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load.attempt_batches(1)
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
    monkeypatch.setenv("AIRFLOW_CONN__EAST___THEIRS", os.environ["AIRFLOW_CONN_TARGET"])
    assert len(airflow("list", "--conn-id", "theirs", "--team", "east", "-o", "json").json()) == 1
    shown = airflow("show", *ONE, "--conn-id", "theirs", "--team", "east", "-o", "json")
    assert shown.json()["run_id"] == "run_1"
    missing = airflow("list", "--conn-id", "theirs", "--team", "west")
    assert missing.code == 1
    assert "--conn-id: there is no Airflow connection 'theirs', of team 'west' or of none" in missing.err
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "False")
    refused = airflow("list", "--conn-id", "theirs", "--team", "east")
    assert "--team: 'east' is given, and there are no teams here" in refused.err
