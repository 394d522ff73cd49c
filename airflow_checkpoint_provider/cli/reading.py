"""The commands that only read: loaded only when one of them is called."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from airflow_checkpoint_provider.cli.places import Found, Places, row_of
from airflow_checkpoint_provider.cli.rows import (
    details,
    entry_line,
    lag_line,
    line,
    reject_line,
    unreadable_line,
)
from airflow_checkpoint_provider.cli.running import (
    command,
    from_json,
    is_for_people,
    print_rows,
    print_value,
)
from airflow_checkpoint_provider.cli.statuses import (
    is_among,
    most_read,
    shown_statuses,
    stored_states,
)
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS
from airflow_checkpoint_provider.engine.model.errors import ArgumentError
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook


@command
def checkpoint_list(args: Any) -> None:
    """List checkpoints."""
    now = datetime.now(UTC)
    filters = {
        name: getattr(args, name) for name in ("dag_id", "task_id", "run_id", "name") if getattr(args, name)
    }
    wanted = set(args.status or ())
    if wanted:
        filters |= {"state": states} if (states := stored_states(wanted)) else {}
    if args.request:
        filters["request"] = args.request
    limit = most_read(wanted, args.limit)
    for_people = is_for_people(args)
    found: list[tuple[datetime, dict[str, Any]]] = []
    seen: set[Any] = set()

    def read(hook: CheckpointHook) -> tuple[Any, ...]:
        checkpoints, unreadable = hook.list_all(**filters, limit=limit)
        of_all = (hook.pending_requests(checkpoints), hook.staged(checkpoints), hook.rejected(checkpoints))
        return checkpoints, unreadable, *of_all

    places = Places(args, discover=True)
    for hook, (checkpoints, unreadable, requests, staged, rejected) in places.each(read):
        for row in unreadable:
            print(row.reason, file=sys.stderr)
            found.append((now, unreadable_line(hook, row)))
        statuses = shown_statuses(checkpoints, staged, now)
        for checkpoint in checkpoints:
            status, request = statuses[checkpoint.identity], requests.get(checkpoint.identity)
            is_wanted = not wanted or is_among(status, wanted) or (request and Status.REQUESTED in wanted)
            if is_wanted and row_of(checkpoint) not in seen:
                seen.add(row_of(checkpoint))
                refused = rejected.get(checkpoint.identity, 0)
                shown = line(Found(hook, checkpoint), status, request, refused, now, for_people=for_people)
                found.append((checkpoint.committed_at, shown))
    found.sort(key=lambda one: one[0], reverse=True)
    if found or not places.failed:
        print_rows([shown for _, shown in found[: args.limit]], args)
    places.end()


@command
def checkpoint_show(args: Any) -> None:
    """Show a checkpoint, and what the next attempt will do."""
    places = Places(args, discover=True)
    found = places.find(args, newest=True)
    now = datetime.now(UTC)
    request = found.hook.pending_requests([found.checkpoint]).get(found.checkpoint.identity)
    opened = found.hook.history(*found.key, kind=Kind.OPENED.value, limit=1)
    facts = opened[0].facts if opened else None
    for_people = is_for_people(args)
    staged = found.hook.staged([found.checkpoint])
    status = shown_statuses([found.checkpoint], staged, now)[found.checkpoint.identity]
    rejected = found.hook.rejected([found.checkpoint]).get(found.checkpoint.identity, 0)
    shown = details(found, status, request, facts, rejected, now, for_people=for_people)
    if for_people:
        rows = [{"property": name, "value": value} for name, value in shown.items() if value is not None]
        print_rows(rows, args)
    else:
        print_value(shown, args)
    places.end()


@command
def checkpoint_history(args: Any) -> None:
    """Show what happened to a checkpoint."""
    places = Places(args, discover=True)
    only = {"kind": args.kind, "limit": args.limit}
    for_people = is_for_people(args)
    try:
        found = places.find(args, newest=True)
    except ArgumentError:
        # The history of a checkpoint that was deleted is still there.
        run_id = args.run_id or ALL_RUNS
        key = (args.dag_id, args.task_id, run_id, args.map_index, args.name)
        read = places.each(lambda hook: hook.history(*key, **only))
        entries = [entry_line(entry, (), for_people=for_people) for _, all_ in read for entry in all_]
        if not entries:
            raise
    else:
        columns = found.checkpoint.key_columns
        listed = found.hook.history(*found.key, **only)
        entries = [entry_line(entry, columns, for_people=for_people) for entry in listed]
    print_rows(entries, args)
    places.end()


@command
def checkpoint_rejects(args: Any) -> None:
    """Show the rows that the destination has refused."""
    places = Places(args, discover=True)
    found = places.find(args, newest=True)
    count, rejects = found.hook.look_at_rejects(*found.key, limit=args.limit)
    for_people = is_for_people(args)
    print_rows([reject_line(reject, for_people=for_people) for reject in rejects], args)
    if count > len(rejects):
        print(f"{len(rejects):,} of {count:,} rows; --limit shows more.", file=sys.stderr)
    places.end()


@command
def checkpoint_lag(args: Any) -> None:
    """Show how far a mark is behind its source."""
    parameters = from_json("--parameters", args.parameters) if args.parameters else None
    places = Places(args, discover=True)
    found = places.find(args, newest=True)
    lag = found.hook.lag(*found.key, parameters=parameters, seconds=args.seconds)
    for_people = is_for_people(args)
    shown = lag_line(found.checkpoint, lag, for_people=for_people)
    print_rows([shown], args) if for_people else print_value(shown, args)
    places.end()


@command
def checkpoint_ddl(args: Any) -> None:
    """Print the script that creates the metadata tables."""
    print(CheckpointHook("", args.table).ddl(args.dialect, migrate=args.migrate), end="")
