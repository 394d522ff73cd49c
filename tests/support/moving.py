"""A source that changes during a load: twenty rows, the possible changes, and the outcome for the changed row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_checkpoint_provider.engine.model.errors import CheckpointError
from airflow_checkpoint_provider.engine.model.events.transfer import Event
from tests.support.databases.db import Db
from tests.support.loads import Load

PAGE = Path(__file__).parents[2] / "docs" / "source_changes.md"
NEW = 100  # the id of the inserted row
BATCH = 6  # two of them are committed before the source changes: ids 0 to 11

Key = tuple[int, int]


@dataclass(frozen=True)
class Way:
    """
    A way to load, and the keys of its rows.

    :param key: the columns k and m of a row
    :param before: a free key before the position
    :param within: a free key between the position and the end
    :param at: the key of the row at the position, or ``None`` where it is unique
    """

    arguments: dict[str, Any]
    key: Callable[[int], Key] = lambda n: (n * 10, 0)
    before: Key = (45, 0)
    within: Key = (145, 0)
    at: Key | None = None
    end: Key = (500, 0)


BY_COUNT = {"sql": "SELECT id, k, m, a FROM t ORDER BY k, id", "strategy": "python"}
TABLE = {"source_table": "t"}
WAYS = {
    "key": Way({**TABLE, "checkpoint_column": "k"}),
    "key with ties": Way(
        {**TABLE, "checkpoint_column": "k"}, lambda n: (n // 2 * 20, 0), before=(45, 0), at=(100, 0)
    ),
    "composite key": Way(
        {**TABLE, "checkpoint_column": ["k", "m"]},
        lambda n: (n // 8 * 100, n * 10),
        before=(0, 45),
        within=(100, 145),
        at=(100, 110),
    ),
    "`last_row`": Way({**BY_COUNT, "resume_proof": "last_row"}, at=(110, 0)),
    "`prefix`": Way({**BY_COUNT, "resume_proof": "prefix"}, at=(110, 0)),
    "none": Way({**BY_COUNT, "strategy": "none", "write_mode": "replace"}, at=(110, 0)),
}
# After a run, the position and the end are the same: the key 190 of the last row; a lookback of 50 begins after 140.
MARK = Way({**TABLE, "checkpoint_column": "k", "scope": "task"}, at=(190, 0))
MARKS = {
    "`append`": MARK,
    "`upsert`": Way({**MARK.arguments, "write_mode": "upsert"}, at=MARK.at),
    "`upsert`, `lookback`": Way({**MARK.arguments, "write_mode": "upsert", "lookback": 50}, at=MARK.at),
}


@dataclass(frozen=True)
class Change:
    """
    A change of the source.

    :param id: the row to compare afterwards
    :param statements: SQL, written for a way
    """

    id: int
    statements: Callable[[Way], list[str]]


def insert(key: Key | None) -> str:
    assert key, "where a key is unique, no other row can have it"
    return f"INSERT INTO t VALUES ({NEW}, {key[0]}, {key[1]}, 'new')"


def delete(id_: int) -> Change:
    return Change(id_, lambda way: [f"DELETE FROM t WHERE id = {id_}"])


def move(id_: int, where: Callable[[Way], Key]) -> Change:
    return Change(id_, lambda way: ["UPDATE t SET k = {}, m = {} WHERE id = {}".format(*where(way), id_)])


def edit(id_: int) -> Change:
    return Change(id_, lambda way: [f"UPDATE t SET a = 'new' WHERE id = {id_}"])


CHANGES = {
    "insert before the position": Change(NEW, lambda way: [insert(way.before)]),
    "insert with the key of the position": Change(NEW, lambda way: [insert(way.at)]),
    "insert between position and end": Change(NEW, lambda way: [insert(way.within)]),
    "insert after the end": Change(NEW, lambda way: [insert(way.end)]),
    "delete before the position": delete(4),
    "delete at the position": delete(11),
    "delete after the position": delete(15),
    "delete the row at the end": delete(19),
    "one row deleted and one inserted before the position": Change(
        NEW, lambda way: ["DELETE FROM t WHERE id = 4", insert(way.before)]
    ),
    "key changed: from before the position to after it": move(4, lambda way: way.within),
    "key changed: from after the position to before it": move(15, lambda way: way.before),
    "key changed: from after the position to after the end": move(15, lambda way: way.end),
    "key changed: to NULL": Change(15, lambda way: ["UPDATE t SET k = NULL WHERE id = 15"]),
    "other column changed before the position": edit(4),
    "other column changed at the position": edit(11),
    "other column changed after the position": edit(15),
}
MARK_CHANGES = {
    "insert far before the mark": CHANGES["insert before the position"],
    "insert a little before the mark": CHANGES["insert between position and end"],
    "insert with the key of the mark": CHANGES["insert with the key of the position"],
    "insert after the mark": CHANGES["insert after the end"],
    "delete far before the mark": delete(4),
    "delete a little before the mark": delete(17),
    "delete at the mark": delete(19),
    "key changed: from before the mark to after it": move(4, lambda way: way.end),
    "key changed: to NULL": CHANGES["key changed: to NULL"],
    "other column changed far before the mark": edit(4),
    "other column changed a little before the mark": edit(17),
}


@dataclass
class MovingLoad(Load):
    """
    A load that makes a change at a transfer event.

    :param when: the kind of the event
    """

    when: type[Event] | None = None
    happens: Callable[[], None] | None = field(default=None)

    def _observe(self, event: Event) -> None:
        if self.when and isinstance(event, self.when) and self.happens:
            happens, self.happens = self.happens, None
            happens()
        super()._observe(event)


def moving_load(source: Db, destination: Db, way: Way, rows: int = 20) -> MovingLoad:
    columns = "(id integer, k integer, m integer, a varchar(20))"
    source.execute(f"CREATE TABLE t {columns}")
    source.insert("t", [(n, *way.key(n), "old") for n in range(rows)])
    primary = columns.replace("id integer", "id integer PRIMARY KEY")
    upsert = way.arguments.get("write_mode") == "upsert"
    destination.execute(f"CREATE TABLE target {primary if upsert else columns}")
    return MovingLoad(source, destination, {"batch_size": BATCH, **way.arguments})


def change(load: Load, way: Way, what: Change) -> None:
    load.source.execute(*what.statements(way))


def forms(db: Db, table: str, id_: int) -> list[tuple[Any, ...]]:
    return db.rows(f"SELECT k, m, a FROM {table} WHERE id = {id_}")


def outcome(load: Load, id_: int, before: list[tuple[Any, ...]]) -> str:
    """
    Run the next attempt, and return the outcome for a row, in the words of the page.

    :param before: the row before it was changed
    """
    others = f"SELECT id, count(*) FROM target WHERE id NOT IN ({id_}, {NEW}) GROUP BY id ORDER BY id"
    held = load.destination.rows("SELECT * FROM target ORDER BY id, k")
    try:
        load.attempt()
    except CheckpointError:
        assert load.destination.rows("SELECT * FROM target ORDER BY id, k") == held
        return "refused"
    now, there = forms(load.source, "t", id_), forms(load.destination, "target", id_)
    untouched = {n for n in range(20) if n != id_}
    counted = dict(load.destination.rows(others))
    assert set(counted.values()) == {1}
    assert untouched - {4} <= set(counted)  # one of the changes deletes row 4 with another row
    if not there:
        return "left out" if now else "gone"
    if len(there) == 1:
        return "loaded" if there == now else "stays"
    assert sorted(there) == sorted([*before, *now])
    return "both"


def page_tables() -> list[dict[tuple[str, str], str]]:
    """Return the tables of the page: the text of each cell by row and column."""
    tables: list[dict[tuple[str, str], str]] = []
    header: list[str] = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            header = []
        elif not header:
            header = cells
            tables.append({})
        elif not set(line) <= set("|-"):
            tables[-1] |= {(cells[0], name): cell for name, cell in zip(header, cells, strict=True) if name}
    return [{pair: cell for pair, cell in table.items() if pair[0] != pair[1]} for table in tables]
