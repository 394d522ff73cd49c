"""What the server knows of a destination's table, in words: as far as it bears on the load."""

from __future__ import annotations

from airflow_checkpoint_provider.engine.databases.destination import Destination
from airflow_checkpoint_provider.engine.databases.table_facts import TableFacts


def describe_table(destination: Destination) -> tuple[str, ...]:
    """
    Return the facts of a table that bear on the load, each as a clause of its own.

    :param destination: its facts are known
    """
    facts = destination.facts
    given = [name for name, column in facts.columns.items() if column.generated or column.always_inserts]
    required = [name for name, column in facts.columns.items() if column.required]
    clauses = {
        facts.hazard.reason if facts.hazard else "": facts.hazard,
        f"it {facts.unusable}": facts.unusable,
        f"unique indexes: {_keys(facts)}": facts.unique_keys,
        f"the server gives {', '.join(given)} its values": given,
        f"a value is required in {', '.join(required)}": required,
        **{f"triggers at {deed}: {', '.join(names)}": names for deed, names in facts.triggers.items()},
        f"rows of {', '.join(facts.referrers)} change when rows of it are deleted": facts.referrers,
        facts.hidden_referrers or "": facts.hidden_referrers,
        f"{', '.join(facts.misses)} inherit from it": facts.misses,
        f"deleted rows may stay, kept by {facts.keeps_deleted}": facts.keeps_deleted,
        "constraints or triggers wait for the commit": facts.checks_at_commit,
    }
    return tuple(text for text, holds in clauses.items() if holds)


def _keys(facts: TableFacts) -> str:
    return "; ".join(f"{key.name} ({', '.join(sorted(key.columns))})" for key in facts.unique_keys or ())
