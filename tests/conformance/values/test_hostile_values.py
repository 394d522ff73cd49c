"""Values that look like SQL, markup or placeholders: as rows, keys and positions they arrive unchanged."""

from __future__ import annotations

import pytest

from tests.support.databases.db import Db
from tests.support.databases.fixtures import MakeDb
from tests.support.loads import Load
from tests.support.troubles.hostile import STRINGS

KINDS = ("sqlite", "postgres", "mysql", "oracle")


def values(*dbs: Db) -> list[str]:
    """Return the texts that all of these databases can hold as a key, each once."""
    kinds = {db.kind for db in dbs}
    texts = dict.fromkeys([*STRINGS, "'; DROP TABLE x; --", "\\", "\\N", "\t", "\\.", "a\\'b"])
    return [
        text
        for text in texts
        if text not in ("\ud800", "", " ")
        and ("\0" not in text or not kinds & {"postgres", "oracle"})
        and not text.startswith("\0")
    ]


@pytest.mark.parametrize("into", KINDS)
@pytest.mark.parametrize("out_of", KINDS)
@pytest.mark.parametrize("write_mode", ["append", "upsert"])
def test_they_arrive(make_db: MakeDb, out_of: str, into: str, write_mode: str) -> None:
    source, destination = make_db(out_of, "source"), make_db(into, "destination")
    binary = " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    for db, name in ((source, "orders"), (destination, "target")):
        declared = f"varchar(400){binary if db.kind == 'mysql' else ''}"
        db.execute(f"CREATE TABLE {name} (id {declared} PRIMARY KEY, name {declared})")
    rows = [(text, text) for text in values(source, destination)]
    source.insert("orders", rows)
    load = Load(
        source, destination, {"source_table": "orders", "checkpoint_column": "id", "write_mode": write_mode}
    )
    while load.attempt_batches(1, batch_size=5):
        pass
    assert sorted(destination.rows("SELECT id, name FROM target")) == sorted(rows)
