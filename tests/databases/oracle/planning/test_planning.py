"""The parts of a large table, planned from the server's statistics."""

from __future__ import annotations

import pytest

from tests.support.databases.db import Db
from tests.support.databases.oracle_places import stand_in
from tests.support.oracle_standin import Faults
from tests.support.partitions import plan

pytestmark = pytest.mark.server

ROWS = 20_000
SAMPLED = "airflow_checkpoint_provider.engine.transfer.partitioning.estimates._PAGES_FOR_EACH"


@pytest.fixture
def source(stood_in: tuple[Db, Db], faults: dict[str, Faults], monkeypatch: pytest.MonkeyPatch) -> Db:
    monkeypatch.setattr(SAMPLED, 5)
    source = stood_in[0]
    source.execute("CREATE TABLE t (n integer, k integer)")
    session = stand_in.server(source.place).connect()
    session.postgres.execute(f'INSERT INTO "T" SELECT n, n FROM generate_series(1, {ROWS}) n')
    session.postgres.execute('CREATE VIEW "V" AS SELECT * FROM "T"')
    faults["source"].seen.clear()
    return source


def gathered(source: Db) -> None:
    source.execute(f"INSERT INTO standin_statistics VALUES ('T', {ROWS}, 90)")


def test_a_sample_of_blocks(source: Db, faults: dict[str, Faults]) -> None:
    gathered(source)
    made = plan(source, 4, checkpoint_column="k", large=1000)
    assert made.how.startswith("a sample of ")
    assert len(made.parts) == 4
    assert any("SAMPLE BLOCK (" in statement for statement in faults["source"].seen)
    assert not any("COUNT(*)" in statement for statement in faults["source"].seen)


def test_a_sample_of_rows_where_nothing_is_known(source: Db, faults: dict[str, Faults]) -> None:
    made = plan(source, 4, checkpoint_column="k", large=1000)
    assert made.how.startswith("a sample of ")
    assert any("SAMPLE (" in statement for statement in faults["source"].seen)


def test_a_sample_whose_condition_names_the_table(source: Db, faults: dict[str, Faults]) -> None:
    gathered(source)
    made = plan(source, 4, checkpoint_column="k", large=1000, where="t.n > 0")
    assert made.how.startswith("a sample of ")
    assert any("SAMPLE BLOCK (" in statement for statement in faults["source"].seen)


@pytest.mark.parametrize("table", ["v", "t"], ids=["a view", "an external table"])
def test_what_has_no_blocks_is_read(source: Db, faults: dict[str, Faults], table: str) -> None:
    gathered(source)
    source.execute("INSERT INTO all_external_tables VALUES ('SCOTT', 'T')")
    made = plan(source, 4, checkpoint_column="k", large=1000, source_table=table)
    assert made.how.startswith("ranges of equal width")
    assert [part.rows for part in made.parts] == [ROWS // 4] * 4
    assert not any("SAMPLE" in statement for statement in faults["source"].seen)


@pytest.mark.parametrize(("inserted", "used"), [(0, True), (ROWS // 2, False)])
def test_a_histogram(source: Db, faults: dict[str, Faults], inserted: int, used: bool) -> None:
    gathered(source)
    # Half of the keys are NULL, and the others lie close together at the end.
    source.execute(
        f"UPDATE t SET k = CASE WHEN n > {ROWS // 2} THEN {ROWS} - (n - {ROWS // 2}) / 100 END",
        f"INSERT INTO all_tab_col_statistics VALUES ('SCOTT', 'T', 'K', {ROWS // 2}, NULL)",
        f"INSERT INTO all_tab_modifications VALUES ('SCOTT', 'T', NULL, {inserted}, 0, 0)",
    )
    source.insert("all_tab_histograms", [("SCOTT", "T", "K", n, ROWS - 100 + n // 2) for n in range(1, 201)])
    made = plan(source, 4, checkpoint_column="k", large=1000)
    assert (made.how == "the server's statistics") is used
    assert any("SAMPLE" in statement for statement in faults["source"].seen) is not used
    if used:
        keyed = [part for part in made.parts if part.upper]
        assert [part.rows for part in keyed] == [ROWS // 8] * 4
        for part in keyed:
            upto = int(source.one(f"SELECT COUNT(*) FROM t WHERE k <= {part.greatest}"))
            assert upto == pytest.approx(ROWS / 8 * (keyed.index(part) + 1), rel=0.1)
