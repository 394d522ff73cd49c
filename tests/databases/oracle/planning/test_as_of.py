"""One moment of a table, by its system change number, through crashes, clears and partitions."""

from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    MomentGoneAgainError,
    MomentGoneError,
    PermanentError,
    SourceChangedError,
    SourceError,
    SourceMismatchError,
    WouldDuplicateError,
)
from airflow_checkpoint_provider.engine.model.events.steps import StepBegun
from airflow_checkpoint_provider.engine.transfer.shared_moment import take
from tests.support.databases.db import Db
from tests.support.databases.oracle_places import stand_in
from tests.support.loads import Load, loaded
from tests.support.oracle_standin import Fault, Faults
from tests.support.oracle_standin.moments import Moments
from tests.support.partitions import PartLoad, load_all, plan

pytestmark = pytest.mark.server

THEN, NOW = list(range(20)), [0, 1, 2, 3, 7, 100]
READS = "SELECT .* AS OF SCN"
ROWS = r"AS OF SCN \d+ \) src .*ORDER BY"


@pytest.fixture
def load(stood_in: tuple[Db, Db]) -> Load:
    source, destination = stood_in
    source.execute("CREATE TABLE t (n integer, v varchar2(9))")
    source.insert("t", [(n, "then") for n in THEN])
    destination.execute("CREATE TABLE target (n integer, v varchar2(9))")
    arguments = {"source_table": "t", "checkpoint_column": "n", "write_mode": "replace", "as_of": "now"}
    return Load(source, destination, {**arguments, "batch_size": 4})


@pytest.fixture
def moments(load: Load) -> Moments:
    return stand_in.server(load.source.place).moments


def change(load: Load) -> None:
    load.source.execute("DELETE FROM t WHERE n > 3", "UPDATE t SET v = 'now'")
    load.source.insert("t", [(n, "now") for n in (7, 100)])


def values(load: Load) -> set[str]:
    return {value for (value,) in load.destination.rows("SELECT v FROM target")}


@pytest.mark.parametrize(
    "arguments",
    [
        {"write_mode": "append", "verify": "digest"},
        {"write_mode": "replace_atomic", "verify": "count"},
        {"checkpoint_column": ["v", "n"], "verify": "digest"},
        {"checkpoint_column": None, "strategy": "python"},
        {"write_mode": "append", "scope": "task"},
    ],
    ids=["appended", "staged", "composite key", "counted", "incremental"],
)
def test_attempts_and_the_comparison(load: Load, arguments: dict[str, Any]) -> None:
    load.attempt_batches(2, **arguments)
    change(load)
    assert load.attempt(**arguments).rows_total == len(THEN)
    assert (loaded(load), values(load)) == (THEN, {"then"})
    told = {step.line for step in load.told(StepBegun) if " as of " in step.line}
    assert [re.fullmatch(r"Reading t as of SCN \d+", line) is not None for line in told] == [True]


def test_a_lost_connection(load: Load, faults: dict[str, Faults]) -> None:
    faults["source"].plan(Fault(3113, "fetch", skip=2, of=ROWS))

    def process(rows: Any) -> Any:
        change(load)
        return rows

    result = load.attempt(rows_processor=process)
    assert (result.reconnects, loaded(load), values(load)) == (1, THEN, {"then"})


@pytest.mark.parametrize("way", ["clear", "next run"])
def test_a_new_moment(load: Load, way: str) -> None:
    load.attempt()
    change(load)
    load.clear() if way == "clear" else load.next_run()
    load.attempt()
    assert (loaded(load), values(load)) == (NOW, {"now"})


def test_each_run_of_an_incremental_load_has_a_moment_of_its_own(load: Load) -> None:
    arguments = {"scope": "task", "write_mode": "append"}
    load.attempt(**arguments)
    load.source.insert("t", [(n, "now") for n in range(20, 30)])
    load.next_run()
    assert load.attempt_batches(1, **arguments)
    load.source.insert("t", [(99, "later")])
    load.attempt(**arguments)
    assert loaded(load) == list(range(30))


GONE = [Fault(code, READS, times=99) for code in (1555, 1466, 8180, 8181)]


@pytest.mark.parametrize("fault", [*GONE, Fault(1555, READS, times=99, wrapped_in=12801)], ids=str)
def test_a_moment_that_is_gone(load: Load, faults: dict[str, Faults], fault: Fault) -> None:
    load.attempt_batches(2)
    faults["source"].plan(fault)
    with pytest.raises(MomentGoneError, match=rf"ORA-0{fault.code}.* as of SCN \d+, .* as of a new moment"):
        load.attempt()
    assert loaded(load) == THEN[:8]


@pytest.mark.parametrize("write_mode", ["replace", "append"])
def test_a_moment_that_is_gone_for_a_retry(load: Load, moments: Moments, write_mode: str) -> None:
    load.attempt_batches(2, write_mode=write_mode)
    change(load)
    moments.forget()
    reload = {"write_mode": write_mode, "on_source_change": "reload"}
    if write_mode == "append":
        with pytest.raises(WouldDuplicateError, match="would add them a second time"):
            load.attempt(**reload)
        reload["allow_duplicates"] = True
        load.destination.execute("DELETE FROM target")
    assert load.attempt(**reload).rows_total == len(NOW)
    assert (loaded(load), values(load)) == (NOW, {"now"})


@pytest.mark.parametrize(("write_mode", "renewed"), [("replace", True), ("append", False)])
def test_a_moment_that_goes_meanwhile(
    load: Load, faults: dict[str, Faults], write_mode: str, renewed: bool
) -> None:
    faults["source"].plan(Fault(1555, "fetch", skip=2, of=ROWS))
    arguments = {"write_mode": write_mode, "on_source_change": "reload"}
    if not renewed:
        with pytest.raises(MomentGoneError, match="ORA-01555"):
            load.attempt(**arguments)
        return
    assert load.attempt(**arguments).rows_total == len(THEN)
    assert loaded(load) == THEN
    read = {found for text in faults["source"].seen for found in re.findall(r"AS OF SCN \d+", text)}
    assert len(read) == 2


def test_moments_that_go_again_and_again(load: Load, faults: dict[str, Faults]) -> None:
    faults["source"].plan(Fault(1555, "fetch", of=ROWS, times=2))
    with pytest.raises(MomentGoneAgainError, match="gone twice in this attempt.*ORA-01555") as gone:
        load.attempt(on_source_change="reload")
    assert not isinstance(gone.value, PermanentError)
    assert load.attempt(on_source_change="reload").rows_total == len(THEN)


def test_partitions(load: Load, moments: Moments) -> None:
    parts = plan(load.source, 3, checkpoint_column="n", as_of="now").parts
    assert len({part.moment for part in parts}) == 1
    change(load)
    arguments = {"checkpoint_column": "n", "write_mode": "append"}
    load_all(load.source, load.destination, parts[:2], as_of="now", **arguments)
    load_all(load.source, load.destination, parts[2:], **arguments)
    assert (loaded(load), values(load)) == (THEN, {"then"})
    moments.forget()
    again = PartLoad.of(load.source, load.destination, parts[0], **arguments, on_source_change="reload")
    again.run = 2
    with pytest.raises(MomentGoneError, match="of partitions the one that has planned them"):
        again.attempt()


def test_partitions_without_a_moment(load: Load) -> None:
    parts = plan(load.source, 3, checkpoint_column="n").parts
    with pytest.raises(ArgumentError, match="as_of: the partitions were planned without a moment"):
        load_all(load.source, load.destination, parts, as_of="now")
    planned = plan(load.source, 3, checkpoint_column="n", as_of="now").parts[0].as_dict()
    with pytest.raises(
        ArgumentError, match="partition: it was planned with as_of, which goes with source_table"
    ):
        load.attempt(sql="SELECT * FROM t", source_table=None, as_of=None, partition=planned)
    with pytest.raises(ArgumentError, match="is not a moment of Oracle"):
        load.attempt(as_of=None, partition={**planned, "moment": "SCN 1) OR (1 = 1"})


def test_who_may_read_the_number(load: Load, moments: Moments, faults: dict[str, Faults]) -> None:
    moments.refused = {904}
    load.attempt_batches(1)
    assert "SELECT current_scn FROM v$database" in faults["source"].seen
    load.clear()
    moments.refused = {904, 942}
    try:
        with pytest.raises(SourceMismatchError, match="GRANT EXECUTE ON DBMS_FLASHBACK, or GRANT SELECT ON"):
            load.attempt()
    finally:
        moments.refused = set()
    faults["source"].plan(Fault(1031, READS))
    with pytest.raises(SourceMismatchError, match="GRANT FLASHBACK ON it"):
        load.attempt()
    assert loaded(load) == THEN[:4]


def test_rows_without_a_key(load: Load, faults: dict[str, Faults]) -> None:
    load.source.execute("INSERT INTO t VALUES (NULL, 'then')")
    with pytest.raises(SourceError, match="1 rows have no value there"):
        load.attempt()
    load.source.execute("DELETE FROM t WHERE n IS NULL")
    load.attempt_batches(1)
    load.source.execute("INSERT INTO t VALUES (NULL, 'now')")
    faults["source"].seen.clear()
    load.attempt()
    assert loaded(load) == THEN
    assert not any('src."N" IS NULL' in statement for statement in faults["source"].seen)


def test_a_load_that_began_without_a_moment(load: Load) -> None:
    load.attempt_batches(1, as_of=None)
    with pytest.raises(SourceChangedError, match="as of was 'nothing', is 'now'"):
        load.attempt()


@pytest.mark.parametrize("when", ["for a retry", "meanwhile", "at the start"])
def test_a_moment_that_is_gone_for_one_of_several_tables(
    load: Load, moments: Moments, faults: dict[str, Faults], when: str
) -> None:
    shared = take(load.source.database("src"))
    load.arguments["moment"] = shared
    if when == "for a retry":
        load.attempt_batches(2)
    change(load)
    if when == "meanwhile":
        faults["source"].plan(Fault(1555, "fetch", skip=2, of=ROWS))
    else:
        moments.forget()
    with pytest.raises(MomentGoneError, match="of several tables that share the moment all of them"):
        load.attempt()
    if when == "meanwhile":
        faults["source"].plan(Fault(1555, "fetch", skip=2, of=ROWS))
    result = load.attempt(on_source_change="reload", verify="digest")
    assert (loaded(load), values(load)) == (NOW, {"now"})
    assert result.as_of != shared
    told = f"t is read as of {result.as_of}, because {shared}, the moment of the tables that it belongs to, is gone"
    assert [text for text in result.warnings if text.startswith(told)]


def test_a_table_that_has_gone_on_apart_says_so_in_each_attempt(load: Load, moments: Moments) -> None:
    shared = take(load.source.database("src"))
    moments.forget()
    arguments = {"moment": shared, "on_source_change": "reload"}
    assert load.attempt_batches(2, **arguments)
    result = load.attempt(**arguments)
    assert loaded(load) == THEN
    assert any(f"because {shared}" in text for text in result.warnings)
