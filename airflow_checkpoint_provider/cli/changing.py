"""The commands that change something: loaded only when one of them is called."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_checkpoint_provider.cli.places import Found, Places, described
from airflow_checkpoint_provider.cli.rows import line, unreadable_line
from airflow_checkpoint_provider.cli.running import command, confirm, from_json, is_for_people, print_rows
from airflow_checkpoint_provider.cli.scopes import refuse_other_scope
from airflow_checkpoint_provider.engine.model.checkpoint import ALL_RUNS
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    InvalidCheckpointError,
    MetadataTableError,
    one_line,
)
from airflow_checkpoint_provider.engine.model.position import describe_position
from airflow_checkpoint_provider.engine.store.schema.tables import Tables
from airflow_checkpoint_provider.hooks.arguments import identity_of
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.seeding import other_scope

_SEED = (
    *(
        "position",
        "rows",
        "source_conn_id",
        "sql",
        "source_table",
        "columns",
        "where",
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
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@command
def checkpoint_reload(args: Any) -> None:
    """Ask the next attempt to start over."""
    places = Places(args, discover=True)
    found = places.find(args)
    if args.cancel:
        _cancel(found, args)
        places.end()
        return
    confirm(args, f"Load {described(found.checkpoint)} again from the beginning on its next attempt?")
    found.hook.request_reload(*found.key, reason=args.reason)
    print(f"The next attempt of {found.checkpoint.identity} loads from the beginning.")
    places.end()


@command
def checkpoint_resume(args: Any) -> None:
    """Ask the next attempt to resume."""
    places = Places(args, discover=True)
    found = places.find(args)
    if args.cancel:
        _cancel(found, args)
        places.end()
        return
    found.hook.request_resume(*found.key, reason=args.reason)
    print(f"The next attempt of {found.checkpoint.identity} resumes, even if the task is cleared.")
    places.end()


@command
def checkpoint_seed(args: Any) -> None:
    """Set the position of a load that another tool has begun."""
    hook = Places(args).only()
    key = (args.dag_id, args.task_id, args.run_id, args.map_index, args.name)
    identity = identity_of(*key)
    known = refuse_other_scope(identity)
    given = {name: getattr(args, name) for name in _SEED if getattr(args, name) is not None}
    for name in ("parameters", "destination_columns"):
        if name in given:
            given[name] = from_json(f"--{name.replace('_', '-')}", given[name])
    try:
        there = hook.get(*key)
        what = described(there) if there else None
    except MetadataTableError:
        what = None  # the table is created with the first checkpoint
    except InvalidCheckpointError:
        what = f"{identity} (unreadable)"
    if what:
        confirm(args, f"Replace the checkpoint of {what} by the seed?")
    doubt = None if known else other_scope(hook, identity)
    seeded = hook.seed(*key, **given, replace=bool(what))
    where = describe_position(seeded.key_columns, seeded.position)
    scope = "task" if identity.run_id == ALL_RUNS else "run"
    provided = "" if known else f", provided that the task has scope={scope!r}"
    print(f"The next attempt of {identity} continues after {where}{provided}.")
    if doubt:
        print(doubt, file=sys.stderr)


@command
def checkpoint_replay_rejects(args: Any) -> None:
    """Write rejected rows again."""
    corrected = _rows_in(args.from_file) if args.from_file else None
    places = Places(args, discover=True)
    found = places.find(args)
    count, _ = found.hook.look_at_rejects(*found.key, limit=1)
    if not count:
        print(f"{found.checkpoint.identity} has no rejected rows.")
        places.end()
        return
    few = f"{len(corrected):,}" if corrected is not None else "all" if not args.error else "some"
    which = f"{few} of the {count:,} rejected rows of {found.checkpoint.identity}"
    confirm(args, f"Write {which} into {found.checkpoint.destination_table}?")
    done = found.hook.replay_rejects(
        *found.key, error=args.error, corrected=corrected, limit=args.limit, overwrite=args.overwrite
    )
    print(done.as_words())
    places.end()
    if done.refused:
        raise SystemExit(1)


def _rows_in(path: str) -> dict[int, dict[str, Any]]:
    """Read corrected rows."""
    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8"))
        found = {row["id"]: dict(row["row"]) for row in rows}
    except (OSError, UnicodeError, ValueError, TypeError, KeyError) as error:
        raise ArgumentError(
            f"--from: {path} is no list of rows with id and row, as 'rejects -o json' prints it: {one_line(error)}"
        ) from None
    if len(found) < len(rows):
        raise ArgumentError(f"--from: {path} has two rows with the same id.")
    return found


@command
def checkpoint_delete(args: Any) -> None:
    """Delete a checkpoint."""
    places = Places(args, discover=True)
    hook, what = places.find_to_delete(args)
    key = (args.dag_id, args.task_id, args.run_id, args.map_index, args.name)
    identity = identity_of(*key)
    confirm(args, f"Delete the checkpoint of {what}?")
    if not hook.delete(*key):
        raise ArgumentError(f"Somebody else has deleted the checkpoint of {identity}.")
    print(f"The checkpoint of {identity} is deleted.")
    places.end()


@command
def checkpoint_purge(args: Any) -> None:
    """Delete old checkpoints."""
    age, now = _age(args.older_than), datetime.now(UTC)
    statuses = tuple(dict.fromkeys(args.status or ["completed"]))
    which = f"{' or '.join(statuses)} checkpoints without a change for {args.older_than}"
    places = Places(args)

    def read(hook: CheckpointHook) -> Any:
        if args.dry_run:
            found, unreadable = hook.list_all(
                status=statuses, updated_before=now - age, order_by="updated_at", limit=None
            )
            return found, unreadable, hook.rejected(found)
        return hook.purge(age, statuses, dry_run=True)

    old = list(places.each(read))
    if args.dry_run:
        for_people = is_for_people(args)
        lines = [
            shown
            for hook, (checkpoints, unreadable, rejected) in old
            for shown in (
                *(
                    line(
                        Found(hook, one),
                        one.status.value,
                        None,
                        rejected.get(one.identity, 0),
                        now,
                        for_people=for_people,
                    )
                    for one in checkpoints
                ),
                *(unreadable_line(hook, row) for row in unreadable),
            )
        ]
        print_rows(lines, args)
        print(f"Would delete {len(lines):,} {which}.", file=sys.stderr)
    elif count := sum(number for _, number in old):
        confirm(args, f"Delete {count:,} {which}, with their history?")
        deleted = sum(hook.purge(age, statuses) for hook, number in old if number)
        print(f"Deleted {deleted:,} {which}.")
    elif not places.failed:
        print(f"There are no {which}.")
    places.end()


@command
def checkpoint_create_tables(args: Any) -> None:
    """Create the metadata tables."""
    places = Places(args)
    for hook, _ in places.each(CheckpointHook.create_tables):
        tables = Tables.named(args.table)
        names = f"{tables.name}, {tables.event.fullname} and {tables.reject.fullname}"
        print(f"{names} exist in {hook.checkpoint_conn_id}.")
    places.end()


def _cancel(found: Found, args: Any) -> None:
    who = found.checkpoint.identity
    if not found.hook.pending_requests([found.checkpoint]):
        raise ArgumentError(f"The next attempt of {who} has no open request.")
    found.hook.cancel_request(*found.key, reason=args.reason)
    print(f"The request for the next attempt of {who} is canceled.")


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
