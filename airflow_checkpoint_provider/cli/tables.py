"""``airflow checkpoint tables``: loaded only when it is called."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow_checkpoint_provider.cli.places import Places
from airflow_checkpoint_provider.cli.running import command, is_for_people, print_rows
from airflow_checkpoint_provider.engine.admin.outlook import duration, is_stalled
from airflow_checkpoint_provider.engine.model.checkpoint import Checkpoint, Identity
from airflow_checkpoint_provider.hooks.settings import stalled_after
from airflow_checkpoint_provider.hooks.tables.lines import Read, TableLine, table_lines
from airflow_checkpoint_provider.hooks.transfers import Place

MOST_READ = 20_000
"""The newest checkpoints that are read of each database."""


@command
def checkpoint_tables(args: Any) -> None:
    """List the destination tables of all DAGs."""
    places = Places(args, discover=True)
    hooks = {hook.place: hook for hook in places.hooks}
    found = {hook.place: newest for hook, newest in places.each(lambda one: one.newest(limit=MOST_READ))}

    def staged(asked: Mapping[Place, Sequence[Checkpoint]]) -> set[tuple[Place, Identity]]:
        return {(place, identity) for place, some in asked.items() for identity in hooks[place].staged(some)}

    silent = {place for place, hook in hooks.items() if hook not in places.hooks}
    read = Read(found, silent, places.known, set)
    now, for_people = datetime.now(UTC), is_for_people(args)
    print_rows([_row(line, now, for_people=for_people) for line in table_lines(read, staged)], args)
    if read.more:
        print(f"Of each database the newest {MOST_READ:,} checkpoints were read.", file=sys.stderr)
    for newest in found.values():
        for row in newest.unreadable:
            print(row.reason, file=sys.stderr)
    places.end()


def _row(line: TableLine, now: datetime, *, for_people: bool) -> dict[str, Any]:
    """Return a table as a line; people read "5 min ago" where a program reads a time."""
    last, run = line.last, line.next_run
    stalled = sum(is_stalled(one, now, stalled_after()) for _, one in line.at_work)
    shown: dict[str, Any] = {
        "table": line.table,
        "conn_id": line.conn_id,
        **({"team": line.team} if line.team else {}),
        "last_complete": last.at.isoformat(timespec="seconds") if last else None,
        "age_seconds": int((now - last.at).total_seconds()) if last else None,
        "is_unsure": line.is_unsure,
        "rows": last.rows if last else None,
        "running": len(line.at_work) - stalled,
        "stalled": stalled,
        "failed": len(line.failed),
        "next_run": run.at.isoformat(timespec="seconds") if run and run.at and not run.paused else None,
        "paused": run.paused if run else None,
        "writers": [".".join(writer.task) for writer in line.current],
    }
    if not for_people:
        return shown
    age = f"{duration(now - last.at)} ago" if last else "never"
    if line.is_unsure:
        age = f"{age}, perhaps later" if last else "unknown"
    writers = ", ".join(shown["writers"])
    return {
        "table": line.table,
        "conn_id": line.conn_id,
        "last_complete": age,
        "rows": f"{last.rows:,}" if last and last.rows is not None else "",
        "running": shown["running"] or "",
        "stalled": stalled or "",
        "failed": shown["failed"] or "",
        "next_run": "paused" if run and run.paused else shown["next_run"],
        "writers": f"{len(line.current)}: {writers}" if len(line.current) > 1 else writers,
    }
