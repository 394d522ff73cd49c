"""The facts of a load: written to the history, and read back."""

from __future__ import annotations

import json

import pytest

from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.model.masking import hide

FACTS = LoadFacts(
    source_table="erp.sales",
    write_mode="replace",
    batch_size=20_000,
    scope="run",
    guarantee="exactly-once",
    guarantee_reason="one transaction",
    route="binary COPY",
    route_reason="same types",
)


def test_there_and_back() -> None:
    assert LoadFacts.of_text(FACTS.as_text()) == FACTS
    query = LoadFacts(
        query="SELECT 'ä' FROM t", write_mode="append", batch_size=1, scope="task", publishes=False
    )
    assert LoadFacts.of_text(query.as_text()) == query


def test_in_words() -> None:
    assert FACTS.as_words() == (
        "table erp.sales; write_mode replace, batches of 20,000 rows, scope run; exactly-once; binary COPY"
    )


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "3", '"x"', "{}", '{"write_mode": 1, "batch_size": 1, "scope": "run"}']
)
def test_what_cannot_be_read_is_not_known(text: str | None) -> None:
    assert LoadFacts.of_text(text) is None


def test_what_a_newer_version_adds_is_left_out() -> None:
    assert LoadFacts.of_text(json.dumps({**json.loads(FACTS.as_text()), "colour": "blue"})) == FACTS


def test_a_query_is_shown_without_secrets_and_not_whole() -> None:
    hide(["s3cret-of-facts"])
    shown = LoadFacts.shown_query(f"SELECT *\n  FROM t WHERE a = 's3cret-of-facts' {'-' * 5000}")
    assert shown.startswith("SELECT * FROM t WHERE a = '***' ---")
    assert len(shown) == 2_000
    assert shown.endswith("...")
