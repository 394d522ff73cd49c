"""The commands themselves: loaded only when one of them is called."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from airflow.cli.simple_table import AirflowConsole
from airflow.utils.cli import action_cli, suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
from sqlalchemy.exc import DBAPIError

from airflow_checkpoint_provider.cli.places import Found, Places
from airflow_checkpoint_provider.cli.rows import details, event_line, line, reject_line
from airflow_checkpoint_provider.engine.checkpoint import ALL_RUNS, Checkpoint
from airflow_checkpoint_provider.engine.errors import (
    ArgumentError,
    CheckpointError,
    MetadataTableError,
    one_line,
)
from airflow_checkpoint_provider.engine.result import place
from airflow_checkpoint_provider.engine.schema import Tables
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.settings import stalled_after

_SEED = (
    *(
        "position",
        "rows",
        "source_conn_id",
        "sql",
        "source_table",
        "parameters",
        "destination_table",
        "force",
    ),
    *(
        "destination_conn_id",
        "destination_columns",
        "strategy",
        "checkpoint_column",
        "resume_proof",
        "reason",
    ),
)
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _command(function: Callable[[Any], None]) -> Callable[[Any], None]:
    """Run a command as Airflow's own are run: quiet, in the audit log, errors as one line and exit code 1."""

    @wraps(function)
    def run(args: Any) -> None:
        # Without it, connections are looked up in the environment only, and not in the metadata database.
        os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
        try:
            function(args)
        except (CheckpointError, DBAPIError) as error:
            raise SystemExit(one_line(error)) from None

    log_action: Any = action_cli
    quiet: Callable[[Any], None] = suppress_logs_and_warning(
        log_action(check_db=False)(providers_configuration_loaded(run))
    )
    return quiet


@_command
def checkpoint_list(args: Any) -> None:
    """List checkpoints."""
    now = datetime.now(UTC)
    filters = {name: getattr(args, name) for name in ("dag_id", "task_id", "run_id") if getattr(args, name)}
    if args.status:
        filters["status"] = sorted({"running" if status == "stalled" else status for status in args.status})
        if set(args.status) == {"stalled"}:
            filters["updated_before"] = now - stalled_after()
    for_people = args.output in ("table", "plain")
    found: list[tuple[datetime, dict[str, Any]]] = []

    def read(hook: CheckpointHook) -> tuple[Any, Any]:
        checkpoints = hook.list(**filters, limit=args.limit)
        return checkpoints, hook.pending_requests(checkpoints)

    places = Places(args)
    for hook, (checkpoints, requests) in places.each(read):
        for checkpoint in checkpoints:
            request = requests.get(checkpoint.identity)
            shown = line(Found(hook, checkpoint), request, now, for_people=for_people)
            found.append((checkpoint.updated_at, shown))
    found.sort(key=lambda one: one[0], reverse=True)
    if found or not places.failed:
        _print([shown for _, shown in found[: args.limit]], args)
    if places.failed:
        raise SystemExit(1)


@_command
def checkpoint_show(args: Any) -> None:
    """Show a checkpoint, and what the next attempt will do."""
    found = Places(args).find(args, newest=True)
    request = found.hook.pending_requests([found.checkpoint]).get(found.checkpoint.identity)
    shown = details(found, request, datetime.now(UTC))
    if args.output in ("table", "plain"):
        rows = [{"property": name, "value": value} for name, value in shown.items() if value is not None]
        _print(rows, args)
    else:
        _print([shown], args)


@_command
def checkpoint_history(args: Any) -> None:
    """Show what happened to a checkpoint."""
    places = Places(args)
    try:
        found = places.find(args, newest=True)
    except ArgumentError:
        # The history of a checkpoint that was deleted is still there.
        run_id = args.run_id or ALL_RUNS
        key = (args.dag_id, args.task_id, run_id, args.map_index)
        read = places.each(lambda hook: hook.history(*key, limit=args.limit))
        events = [event_line(event, ()) for _, all_ in read for event in all_]
        if not events:
            raise
    else:
        columns = found.checkpoint.key_columns
        events = [event_line(event, columns) for event in found.hook.history(*found.key, limit=args.limit)]
    _print(events, args)


@_command
def checkpoint_rejects(args: Any) -> None:
    """Show the rows that the destination has refused."""
    found = Places(args).find(args, newest=True)
    count, rejects = found.hook.look_at_rejects(*found.key, limit=args.limit)
    for_people = args.output in ("table", "plain")
    _print([reject_line(reject, for_people=for_people) for reject in rejects], args)
    if count > len(rejects):
        print(f"{len(rejects):,} of {count:,} rows; --limit shows more.", file=sys.stderr)


@_command
def checkpoint_reload(args: Any) -> None:
    """Ask the next attempt to start over."""
    found = Places(args).find(args)
    if args.cancel:
        _cancel(found, args)
        return
    _confirm(args, f"Load {_what(found.checkpoint)} again from the beginning on its next attempt?")
    found.hook.request_reload(*found.key, reason=args.reason)
    print(f"The next attempt of {found.checkpoint.identity} loads from the beginning.")


@_command
def checkpoint_resume(args: Any) -> None:
    """Ask the next attempt to resume."""
    found = Places(args).find(args)
    if args.cancel:
        _cancel(found, args)
        return
    found.hook.request_resume(*found.key, reason=args.reason)
    print(f"The next attempt of {found.checkpoint.identity} resumes, even if the task is cleared.")


@_command
def checkpoint_seed(args: Any) -> None:
    """Set the position of a load that another tool has begun."""
    hook = Places(args).only()
    key = (args.dag_id, args.task_id, args.run_id, args.map_index)
    given = {name: getattr(args, name) for name in _SEED if getattr(args, name) is not None}
    for name in ("parameters", "destination_columns"):
        if name in given:
            given[name] = _from_json(f"--{name.replace('_', '-')}", given[name])
    try:
        there = hook.get(*key)
    except MetadataTableError:
        there = None  # it is made with the first checkpoint
    if there:
        _confirm(args, f"Put the seed in the place of the checkpoint of {_what(there)}?")
    seeded = hook.seed(*key, **given, replace=bool(there))
    where = place(seeded.key_columns, seeded.position)
    print(f"The next attempt of {seeded.identity} goes on behind {where}.")


@_command
def checkpoint_delete(args: Any) -> None:
    """Delete a checkpoint."""
    found = Places(args).find(args)
    _confirm(args, f"Delete the checkpoint of {_what(found.checkpoint)}?")
    if not found.hook.delete(*found.key):
        raise ArgumentError(f"Somebody else has deleted the checkpoint of {found.checkpoint.identity}.")
    print(f"The checkpoint of {found.checkpoint.identity} is deleted.")


@_command
def checkpoint_purge(args: Any) -> None:
    """Delete old checkpoints."""
    age, now = _age(args.older_than), datetime.now(UTC)
    statuses = tuple(dict.fromkeys(args.status or ["completed"]))
    which = f"{' or '.join(statuses)} checkpoints to which nothing has happened for {args.older_than}"
    places = Places(args)

    def read(hook: CheckpointHook) -> Any:
        if args.dry_run:
            return hook.list(status=statuses, updated_before=now - age, order_by="updated_at", limit=None)
        return hook.purge(age, statuses, dry_run=True)

    old = list(places.each(read))
    if args.dry_run:
        for_people = args.output in ("table", "plain")
        _print(
            [line(Found(h, one), None, now, for_people=for_people) for h, all_ in old for one in all_], args
        )
        print(f"Would delete {sum(len(all_) for _, all_ in old):,} {which}.", file=sys.stderr)
    elif count := sum(number for _, number in old):
        _confirm(args, f"Delete {count:,} {which}, with their history?")
        deleted = sum(hook.purge(age, statuses) for hook, number in old if number)
        print(f"Deleted {deleted:,} {which}.")
    elif not places.failed:
        print(f"There are no {which}.")
    if places.failed:
        raise SystemExit(1)


@_command
def checkpoint_create_tables(args: Any) -> None:
    """Create the metadata tables."""
    places = Places(args)
    for hook, _ in places.each(CheckpointHook.create_tables):
        tables = Tables.named(args.table)
        names = f"{tables.name}, {tables.event.fullname} and {tables.reject.fullname}"
        print(f"{names} are there in {hook.checkpoint_conn_id}.")
    if places.failed:
        raise SystemExit(1)


@_command
def checkpoint_ddl(args: Any) -> None:
    """Print the script that creates the metadata tables."""
    print(CheckpointHook("", args.table).ddl(args.dialect), end="")


def _cancel(found: Found, args: Any) -> None:
    who = found.checkpoint.identity
    if not found.hook.pending_requests([found.checkpoint]):
        raise ArgumentError(f"Nothing is asked of the next attempt of {who} that could be taken back.")
    found.hook.cancel_request(*found.key, reason=args.reason)
    print(f"What was asked of the next attempt of {who} is taken back.")


def _confirm(args: Any, question: str) -> None:
    if args.yes:
        return
    try:
        answer = input(f"{question} (y/N) ")
    except EOFError:
        raise SystemExit("Nobody is there to confirm; add --yes.") from None
    if answer.strip().lower() not in ("y", "yes"):
        raise SystemExit("Cancelled.")


def _what(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.identity} ({checkpoint.status.value}, {checkpoint.rows:,} rows committed)"


def _from_json(flag: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ArgumentError(f"{flag}: {text!r} is not JSON ({error}).") from error


def _age(text: str) -> timedelta:
    """
    Read an age, such as ``30d``.

    :raises ArgumentError: when it is not a number with a unit
    """
    match = re.fullmatch(r"(\d{1,6})\s*([mhdw])", text.strip().lower())
    if not match:
        raise ArgumentError(
            f"--older-than: {text!r} is not an age; write a number with m, h, d or w, such as 30d."
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _print(rows: list[dict[str, Any]], args: Any) -> None:
    if args.output in ("table", "plain"):
        rows = [{name: _visible(value) for name, value in row.items()} for row in rows]
    # Rich would take brackets in a value for markup.
    AirflowConsole(markup=False, emoji=False).print_as(data=rows, output=args.output)


def _visible(value: Any) -> str:
    """Return what a terminal shows as it is, and does not obey."""
    return "" if value is None else str(value).translate(_CONTROLS)
