"""The commands of ``airflow checkpoint``. Airflow imports this module for each of its own: no heavy imports here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.cli.cli_config import ActionCommand, Arg, CLICommand, GroupCommand, lazy_load_command
from airflow.utils.cli import suppress_logs_and_warning

from airflow_checkpoint_provider.cli.arguments import (
    CANCEL,
    CONN_ID,
    DAG_ID,
    LAG,
    MAP_INDEX,
    NAME,
    NEWEST_RUN_ID,
    OUTPUT,
    REASON,
    REPLAY,
    RUN_ID,
    SEED,
    TABLE,
    TASK_ID,
    TEAM,
    VERBOSE,
    YES,
    arg,
    limit,
    one_of,
)
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.model.status import FILTERS, STORED, Status

_READING = frozenset(("list", "show", "history", "rejects", "lag", "ddl"))
# Rich takes brackets for markup, and Airflow does not wrap lines.
_WHERE = (
    "\nSearches the databases where the dags keep checkpoints, and those of the setting checkpoint/conn_ids;\n"
    "with --conn-id, only those that it names.\n"
    "Exits with 1 when something is not found or cannot be read."
)


def _command(name: str, text: str, *args: Arg, description: str = "") -> ActionCommand:
    module = f"airflow_checkpoint_provider.cli.{'reading' if name in _READING else 'changing'}"
    load = lazy_load_command(f"{module}.checkpoint_{name.replace('-', '_')}")
    # Also while it is loaded: the log lines of Airflow's models at their import would be part of the output.
    func: Callable[..., Any] = suppress_logs_and_warning(load)
    return ActionCommand(
        name=name, help=text, description=description or None, func=func, args=(*args, TABLE, VERBOSE)
    )


def get_checkpoint_cli_commands() -> list[CLICommand]:
    """Return the group ``checkpoint``."""
    one = (DAG_ID, TASK_ID, RUN_ID, MAP_INDEX, NAME, CONN_ID, TEAM)
    newest = (DAG_ID, TASK_ID, NEWEST_RUN_ID, MAP_INDEX, NAME, CONN_ID, TEAM)
    return [
        GroupCommand(
            name="checkpoint",
            help="See where transfers stand, and choose what their next attempt does",
            subcommands=[
                _command(
                    "list",
                    "List checkpoints, newest commit first",
                    arg("--dag-id", help="Only those of this dag"),
                    arg("--task-id", help="Only those of this task"),
                    arg("--run-id", help="Only those of this dag run"),
                    arg("--name", help="Only those with this checkpoint_name"),
                    arg(
                        "--status",
                        action="append",
                        **one_of(
                            "--status", (*FILTERS, Status.INTERRUPTED, Status.STAGED, Status.UNREADABLE)
                        ),
                        help="Only those with this status; may be given several times",
                    ),
                    arg(
                        "--request",
                        action="append",
                        **one_of("--request", ("reload", "resume")),
                        help="Only those with this request for the next attempt; may be given several times",
                    ),
                    limit(100),
                    CONN_ID,
                    TEAM,
                    OUTPUT,
                    description=f"List checkpoints, newest commit first.{_WHERE}",
                ),
                _command(
                    "show",
                    "Show a checkpoint, and what the next attempt will do and why",
                    *newest,
                    OUTPUT,
                    description=f"Show a checkpoint, and what the next attempt will do and why.{_WHERE}",
                ),
                _command(
                    "history",
                    "Show what happened to a checkpoint, newest first",
                    *newest,
                    arg(
                        "--kind",
                        action="append",
                        **one_of("--kind", Kind),
                        help="Only entries of this kind; may be given several times",
                    ),
                    limit(50),
                    OUTPUT,
                    description=(
                        "Show the attempts, requests, failures and progress of a checkpoint, newest first.\n"
                        f"The history outlives its checkpoint.{_WHERE}"
                    ),
                ),
                _command(
                    "rejects",
                    "Show the rows that the destination refused, and why",
                    *newest,
                    limit(50),
                    OUTPUT,
                    description=(
                        "Show the rows that the destination refused and on_bad_row='reject' set aside,\n"
                        f"with the destination's errors, in the order of the load.{_WHERE}"
                    ),
                ),
                _command(
                    "lag",
                    "Show how far a mark is behind its source, in time and rows",
                    *newest,
                    *LAG,
                    OUTPUT,
                    description=(
                        "Show how far the position of a load by key is behind its source: the newest key there,\n"
                        "the time between the two where they are times, and the rows in between.\n"
                        f"Reports the gauges checkpoint.lag and checkpoint.lag_rows, too.{_WHERE}"
                    ),
                ),
                _command(
                    "replay-rejects",
                    "Write the refused rows again, now that the destination takes them",
                    *one,
                    *REPLAY,
                    YES,
                    description=(
                        "Write the rows that the destination has refused again: each is inserted, and removed from\n"
                        "the rejected ones, in one transaction. One that is refused again stays, with the new reason.\n"
                        "Refused while an attempt is at work. Recorded with your name.\n"
                        "Exits with 1 when a row is refused again."
                    ),
                ),
                _command(
                    "reload",
                    "Ask the next attempt to load from the beginning",
                    *one,
                    REASON,
                    CANCEL,
                    YES,
                    description=(
                        "Ask the next attempt to load from the beginning, whatever is stored.\n"
                        "A running attempt is not disturbed. The last request counts; it is recorded with your name."
                    ),
                ),
                _command(
                    "resume",
                    "Ask the next attempt to resume, even if the task is cleared",
                    *one,
                    REASON,
                    CANCEL,
                    description=(
                        "Ask the next attempt to resume after the last committed batch, even if the task is cleared.\n"
                        "The last request counts; it is recorded with your name."
                    ),
                ),
                _command(
                    "seed",
                    "Set the position of a load that another tool has begun",
                    *one,
                    *SEED,
                    REASON,
                    YES,
                    description=(
                        "Set the position of a load that another tool has begun: the next attempt continues after it.\n"
                        "Give the arguments of the task. The position is checked against the source, and\n"
                        "recorded with your name. Asks before it replaces a checkpoint, and refuses\n"
                        "a position that the task, with its scope in the DAG, would not read."
                    ),
                ),
                _command(
                    "delete",
                    "Delete a checkpoint: the next attempt loads from the beginning",
                    *one,
                    YES,
                    description=(
                        "Delete a checkpoint; its history stays.\n"
                        "The next attempt finds no trace of earlier ones: it loads from the beginning, and does not\n"
                        "know of rows appended before; reload is safer. A running attempt ends with an error."
                    ),
                ),
                _command(
                    "purge",
                    "Delete old checkpoints, with their history",
                    arg(
                        "--older-than",
                        required=True,
                        metavar="AGE",
                        help="Time since their last change: a number with m, h, d or w, such as 30d",
                    ),
                    arg(
                        "--status",
                        action="append",
                        **one_of("--status", STORED),
                        help="Those with this status; may be given several times (default: completed)",
                    ),
                    arg("--dry-run", action="store_true", help="Only list what would be deleted"),
                    YES,
                    CONN_ID,
                    TEAM,
                    OUTPUT,
                ),
                _command(
                    "create-tables",
                    "Create the metadata tables where they are missing",
                    CONN_ID,
                    TEAM,
                    description=(
                        "Create the metadata tables where they are missing.\nThe first transfer does so, too, unless "
                        "the setting checkpoint/auto_create is off."
                    ),
                ),
                _command(
                    "ddl",
                    "Print the script that creates the metadata tables, for a DBA to run",
                    arg(
                        "--dialect",
                        required=True,
                        **one_of("--dialect", ("mysql", "oracle", "postgresql", "sqlite")),
                        help="The kind of database",
                    ),
                    arg(
                        "--migrate",
                        action="store_true",
                        help="Print the script that migrates tables of the first format to the present one",
                    ),
                ),
            ],
        )
    ]
