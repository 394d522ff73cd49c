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
from airflow_checkpoint_provider.engine.store.history_entry import step_of
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.task_reads import FIELDS

_LAG = (*FIELDS, "source_hook_params", "seconds")

_FILTERS = ("dag_id", "task_id", "group", "run_id", "name")


@command
def checkpoint_list(args: Any) -> None:
    """List checkpoints."""
    now = datetime.now(UTC)
    filters = {name: value for name in _FILTERS if (value := getattr(args, name))}
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
    _print_failures_without_checkpoint(places, args)
    places.end()


def _print_failures_without_checkpoint(places: Places, args: Any) -> None:
    tasks = {
        task
        for task in places.known.transfers
        if args.dag_id in (None, task[0])
        and args.task_id in (None, task[1])
        and (args.group is None or task[1].startswith(f"{args.group}."))
    }
    if tasks and not (args.request or args.name) and (not args.status or Status.FAILED in args.status):
        from airflow_checkpoint_provider.cli.early import print_early_failures

        print_early_failures(tasks, args.run_id)


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
    is_running = found.checkpoint.status is Status.RUNNING
    newest = found.hook.history(*found.key, limit=1) if is_running else []
    step = step_of(newest[0]) if newest else None
    staged = found.hook.staged([found.checkpoint])
    status = shown_statuses([found.checkpoint], staged, now)[found.checkpoint.identity]
    rejected = found.hook.rejected([found.checkpoint]).get(found.checkpoint.identity, 0)
    shown = details(found, status, request, facts, rejected, now, for_people=for_people)
    shown = {**shown, "step": step}
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
    given = {name: getattr(args, name) for name in _LAG if getattr(args, name) is not None}
    for name in ("parameters", "source_hook_params"):
        if name in given:
            given[name] = from_json(f"--{name.replace('_', '-')}", given[name])
    places = Places(args, discover=True)
    found = places.find(args, newest=True)
    lag = found.hook.lag(*found.key, **given)
    for_people = is_for_people(args)
    shown = lag_line(found.checkpoint, lag, for_people=for_people)
    print_rows([shown], args) if for_people else print_value(shown, args)
    places.end()
