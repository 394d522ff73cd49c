"""One moment for several tables: the keys between them hold at the destination, however the source changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from airflow_checkpoint_provider.engine.databases.registry import open_source, query_of
from airflow_checkpoint_provider.engine.databases.statements.identifiers import TableName
from airflow_checkpoint_provider.engine.model.errors import ArgumentError, MomentGoneError, SourceChangedError
from airflow_checkpoint_provider.engine.transfer.arguments.spec import TransferSpec
from airflow_checkpoint_provider.engine.transfer.shared_moment import hold, take
from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.growing import CHILDREN, PARENTS, growing
from tests.support.loads import Load, loaded
from tests.support.partitions import load_all, plan

pytestmark = [pytest.mark.server, pytest.mark.able(shares_moments=True)]

Share = Callable[[], str]


@pytest.fixture
def share(source: Db) -> Iterator[Share]:
    """Take a moment, or hold one until the end of the test."""
    with ExitStack() as held:

        def share() -> str:
            taken = take(source.database("src"))
            if taken:
                return taken
            held_moment = held.enter_context(hold(source.database("src")))
            assert held_moment is not None
            return held_moment.moment

        yield share


@pytest.fixture
def destination(make_db: MakeDb) -> Db:
    destination = make_db("postgres", "destination")
    destination.execute(
        f"CREATE TABLE {PARENTS} (n integer PRIMARY KEY)",
        f"CREATE TABLE {CHILDREN} (n integer PRIMARY KEY, parent integer REFERENCES {PARENTS})",
    )
    return destination


def load(source: Db, destination: Db, table: str, moment: str, **changes: Any) -> Load:
    given = {"source_table": table, "destination_table": table, "checkpoint_column": "n", "batch_size": 2}
    arguments = {**given, "as_of": "now", "moment": moment, **changes}
    index = 100 + [PARENTS, CHILDREN].index(table)  # each is a task of its own
    return Load(source, destination, arguments, map_index=index)


def test_the_keys_between_tables_hold(source: Db, destination: Db, share: Share) -> None:
    with growing(source) as growth:
        there = growth.pairs
        moment = share()
        growth.grow()
        parents = load(source, destination, PARENTS, moment)
        assert parents.attempt_batches(1)
        growth.grow()
        assert parents.attempt().as_of == moment
        growth.grow()
        children = load(source, destination, CHILDREN, moment, verify="digest")
        assert children.attempt().as_of == moment
    found = loaded(parents, table=PARENTS)
    assert found == list(range(len(found)))
    assert there <= len(found) < growth.pairs
    assert loaded(children, table=CHILDREN) == found


def test_partitions_of_one_table_and_the_load_of_another(source: Db, destination: Db, share: Share) -> None:
    with growing(source) as growth:
        moment = share()
        growth.grow()
        parts = plan(source, 3, source_table=PARENTS, checkpoint_column="n", as_of="now", moment=moment).parts
        assert {part.moment for part in parts} == {moment}
        given = {"source_table": PARENTS, "destination_table": PARENTS}
        load_all(source, destination, parts, checkpoint_column="n", write_mode="append", **given)
        children = load(source, destination, CHILDREN, moment)
        children.attempt()
    assert loaded(children, table=CHILDREN) == loaded(children, table=PARENTS)


def _begun(source: Db, destination: Db, share: Share, **changes: Any) -> tuple[Load, str]:
    source.execute(f"CREATE TABLE {PARENTS} (n integer PRIMARY KEY)")
    source.insert(PARENTS, [(n,) for n in range(6)])
    moment = share()
    begun = load(source, destination, PARENTS, moment, **changes)
    assert begun.attempt_batches(1)
    return begun, moment


def test_a_load_that_goes_on_as_of_another_moment_is_refused(
    source: Db, destination: Db, share: Share
) -> None:
    begun, moment = _begun(source, destination, share, on_clear="resume")
    source.insert(PARENTS, [(9,)])
    another = share()
    begun.clear()
    with pytest.raises(SourceChangedError, match=re.escape(f"as of was '{moment}', is '{another}'")):
        begun.attempt(moment=another)
    begun.attempt()
    assert loaded(begun, table=PARENTS) == list(range(6))
    begun.clear()
    begun.attempt(moment=another, on_clear="reload", write_mode="upsert")
    assert loaded(begun, table=PARENTS) == [*range(6), 9]


def test_each_run_has_a_moment_of_its_own(source: Db, destination: Db, share: Share) -> None:
    begun, _ = _begun(source, destination, share, scope="task")
    begun.attempt()
    source.insert(PARENTS, [(n,) for n in (7, 8)])
    begun.next_run()
    begun.attempt(moment=share())
    assert loaded(begun, table=PARENTS) == [*range(6), 7, 8]


def test_a_moment_that_is_none(source: Db, destination: Db) -> None:
    source.execute(f"CREATE TABLE {PARENTS} (n integer PRIMARY KEY)")
    with pytest.raises(ArgumentError, match="as_of: 'yesterday' is not a moment of"):
        load(source, destination, PARENTS, "yesterday").attempt()


@pytest.mark.able(holds_moments=True)
@pytest.mark.parametrize("when", ["at the start", "for a retry"])
def test_a_held_moment_that_is_gone(source: Db, destination: Db, when: str) -> None:
    """It ends the load, or is replaced by one of the attempt's own, which its checkpoint and its warnings name."""
    source.execute(f"CREATE TABLE {PARENTS} (n integer PRIMARY KEY)")
    source.insert(PARENTS, [(n,) for n in range(6)])
    with hold(source.database("src")) as held:
        assert held is not None
        begun = load(source, destination, PARENTS, held.moment, write_mode="replace")
        if when == "for a retry":
            assert begun.attempt_batches(1)
    source.insert(PARENTS, [(9,)])
    with pytest.raises(MomentGoneError, match="is gone .* Clear all tables that share the moment"):
        begun.attempt()
    assert loaded(begun, table=PARENTS) == ([0, 1] if when == "for a retry" else [])
    assert begun.attempt_batches(1, on_source_change="reload")
    result = begun.attempt(on_source_change="reload", verify="digest")
    assert loaded(begun, table=PARENTS) == [*range(6), 9]
    assert result.rows_total == 7
    assert result.as_of not in (None, held.moment)
    told = f"{PARENTS} is read as of {result.as_of}, because {held.moment}, the moment of the tables"
    assert [text for text in result.warnings if text.startswith(told)]


@pytest.mark.able(holds_moments=True)
def test_another_snapshot_by_the_same_name_is_another_moment(source: Db, destination: Db) -> None:
    source.execute(f"CREATE TABLE {PARENTS} (n integer PRIMARY KEY)")
    with hold(source.database("src")) as held:
        assert held is not None
        name, _, digest = held.moment.rpartition(" ")
        other = f"{name} ({'0' * (len(digest) - 2)})"
        with pytest.raises(MomentGoneError, match="another session has a snapshot by its name"):
            load(source, destination, PARENTS, other).attempt()
        load(source, destination, PARENTS, held.moment).attempt()


def test_a_question_to_the_catalog_keeps_the_moment(source: Db, share: Share) -> None:
    source.execute(f"CREATE TABLE {PARENTS} (n integer PRIMARY KEY)")
    source.insert(PARENTS, [(1,), (2,)])
    moment, table = share(), TableName.parse(PARENTS, argument="source_table")
    source.insert(PARENTS, [(3,)])
    with closing(source.database("src").open()) as connection:
        spec = TransferSpec(source_table=PARENTS, destination_table=PARENTS)
        reader = open_source(connection, query_of(spec, connection), "src", exact=True)
        reader.read_as_of(moment)
        questions: list[Callable[[TableName], Any]] = [
            reader.primary_key,
            reader.declared_columns,
            reader.required_columns,
        ]
        for ask in questions:
            ask(table)
            assert reader.last_key([source.spelt("n")]) == (2,)
