"""The commands that only look: loaded only when one of them is called."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from airflow_checkpoint_provider.cli.places import Found, Places
from airflow_checkpoint_provider.cli.rows import details, entry_line, line, reject_line, unreadable_line
from airflow_checkpoint_provider.cli.running import command, print_rows
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.store.history_entry import Kind
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook


@command
def checkpoint_list(args: Any) -> None:
    """List checkpoints."""
    now = datetime.now(UTC)
    filters = {
        name: getattr(args, name) for name in ("dag_id", "task_id", "run_id", "name") if getattr(args, name)
    }
    if args.status:
        filters["state"] = args.status
    for_people = args.output in ("table", "plain")
    found: list[tuple[datetime, dict[str, Any]]] = []

    def read(hook: CheckpointHook) -> tuple[Any, Any, Any]:
        checkpoints, unreadable = hook.list_all(**filters, limit=args.limit)
        return checkpoints, unreadable, hook.pending_requests(checkpoints)

    places = Places(args)
    for hook, (checkpoints, unreadable, requests) in places.each(read):
        for row in unreadable:
            print(row.reason, file=sys.stderr)
            found.append((now, unreadable_line(hook, row)))
        for checkpoint in checkpoints:
            request = requests.get(checkpoint.identity)
            shown = line(Found(hook, checkpoint), request, now, for_people=for_people)
            found.append((checkpoint.committed_at, shown))
    found.sort(key=lambda one: one[0], reverse=True)
    if found or not places.failed:
        print_rows([shown for _, shown in found[: args.limit]], args)
    places.end()


@command
def checkpoint_show(args: Any) -> None:
    """Show a checkpoint, and what the next attempt will do."""
    places = Places(args)
    found = places.find(args, newest=True)
    request = found.hook.pending_requests([found.checkpoint]).get(found.checkpoint.identity)
    opened = found.hook.history(*found.key, kind=Kind.OPENED.value, limit=1)
    facts = opened[0].facts if opened else None
    shown = details(found, request, facts, datetime.now(UTC))
    if args.output in ("table", "plain"):
        rows = [{"property": name, "value": value} for name, value in shown.items() if value is not None]
        print_rows(rows, args)
    else:
        print_rows([shown], args)
    places.end()


@command
def checkpoint_history(args: Any) -> None:
    """Show what happened to a checkpoint."""
    places = Places(args)
    try:
        found = places.find(args, newest=True)
    except ArgumentError:
        # The history of a checkpoint that was deleted is still there.
        run_id = args.run_id or ALL_RUNS
        key = (args.dag_id, args.task_id, run_id, args.map_index, args.name)
        read = places.each(lambda hook: hook.history(*key, limit=args.limit))
        entries = [entry_line(entry, ()) for _, all_ in read for entry in all_]
        if not entries:
            raise
    else:
        columns = found.checkpoint.key_columns
        entries = [entry_line(entry, columns) for entry in found.hook.history(*found.key, limit=args.limit)]
    print_rows(entries, args)
    places.end()


@command
def checkpoint_rejects(args: Any) -> None:
    """Show the rows that the destination has refused."""
    places = Places(args)
    found = places.find(args, newest=True)
    count, rejects = found.hook.look_at_rejects(*found.key, limit=args.limit)
    for_people = args.output in ("table", "plain")
    print_rows([reject_line(reject, for_people=for_people) for reject in rejects], args)
    if count > len(rejects):
        print(f"{len(rejects):,} of {count:,} rows; --limit shows more.", file=sys.stderr)
    places.end()


@command
def checkpoint_ddl(args: Any) -> None:
    """Print the script that creates the metadata tables."""
    print(CheckpointHook("", args.table).ddl(args.dialect, migrate=args.migrate), end="")
