"""What ``airflow checkpoint`` can do. Airflow imports this for every command of its own: nothing heavy here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from airflow.cli.cli_config import ActionCommand, Arg, CLICommand, GroupCommand, lazy_load_command
from airflow.utils.cli import suppress_logs_and_warning

from airflow_checkpoint_provider.engine.model.status import FILTERS, STORED, Status

KINDS = (
    *("started", "resumed", "opened", "progress", "failed", "completed", "published", "reload_requested"),
    *("resume_requested", "request_cancelled", "deleted", "seeded", "probed"),
)
"""Those of the history, which is not imported here: it is heavy."""
_READING = frozenset(("list", "show", "history", "rejects", "ddl"))
# Rich takes brackets for markup, and Airflow does not wrap lines.
_WHERE = (
    "\nLooks where the dags keep checkpoints, and into the databases of the setting checkpoint/conn_ids;\n"
    "with --conn-id, into those that it names.\n"
    "Exits with 1 when something is not found or cannot be read."
)


def _one_of(flag: str, words: Iterable[str]) -> dict[str, Any]:
    """Return the options of an argument that takes one of some words; a wrong one is answered in one line."""
    known = tuple(map(str, words))

    def read(given: str) -> str:
        if given not in known:
            raise SystemExit(f"{flag}: {given!r} is not one of {', '.join(known)}.")
        return given

    return {"type": read, "metavar": f"({', '.join(known)})"}


def _number(flag: str, least: int) -> Callable[[str], int]:
    """Return what reads a whole number; what is none is answered in one line."""

    def read(given: str) -> int:
        try:
            number = int(given)
        except ValueError:
            number = least - 1
        if number < least:
            raise SystemExit(f"{flag}: {given!r} is not a whole number from {least} on.")
        return number

    return read


def _arg(*flags: str, **options: Any) -> Arg:
    return Arg(flags, **options)  # type: ignore[no-untyped-call]


DAG_ID = _arg("dag_id", help="The id of the dag")
TASK_ID = _arg("task_id", help="The id of the task")
RUN_ID = _arg(
    "run_id",
    nargs="?",
    help="The id of the dag run (default: the checkpoint that spans runs, of scope='task')",
)
NEWEST_RUN_ID = _arg(
    "run_id",
    nargs="?",
    help=(
        "The id of the dag run (default: the checkpoint that spans runs, of scope='task', else the newest)"
    ),
)
MAP_INDEX = _arg(
    "--map-index", type=_number("--map-index", -1), metavar="N", default=-1, help="Mapped task index"
)
NAME = _arg("--name", default="", help="The checkpoint_name of the task, instead of a mapped task index")
CONN_ID = _arg(
    "-c",
    "--conn-id",
    action="append",
    metavar="CONN_ID",
    help=(
        "Connection to the database with the checkpoints, the destination of the transfers;\n"
        "may be given several times (default: those of the dags, and of checkpoint/conn_ids)"
    ),
)
TEAM = _arg(
    "--team",
    metavar="TEAM",
    help="The team whose connection it is, where Airflow has teams (default: a connection of no team)",
)
TABLE = _arg(
    "-t",
    "--table",
    default="airflow_checkpoint",
    help="The metadata table, TABLE or SCHEMA.TABLE (default: airflow_checkpoint)",
)
OUTPUT = _arg(
    "-o",
    "--output",
    help="Output format. Allowed values: json, yaml, plain, table (default: table)",
    **_one_of("--output", ("table", "json", "yaml", "plain")),
    default="table",
)
VERBOSE = _arg("-v", "--verbose", help="Make logging output more verbose", action="store_true")
YES = _arg("-y", "--yes", help="Do not prompt to confirm. Use with care!", action="store_true")
REASON = _arg("--reason", help="Why, for the history of the checkpoint")
CANCEL = _arg(
    "--cancel", action="store_true", help="Take back what was asked for and no attempt has followed yet"
)

SEED = (
    _arg(
        "--position",
        action="append",
        metavar="VALUE",
        help="The last key that is there; several times for a key of several columns",
    ),
    _arg(
        "--rows",
        type=_number("--rows", 0),
        metavar="N",
        help="How many rows are there; without a key, this is the position",
    ),
    _arg("--source-conn-id", required=True, help="Connection to the source"),
    _arg("--source-table", help="The table that is read, TABLE or SCHEMA.TABLE"),
    _arg("--sql", help="Or the query that is read"),
    _arg("--parameters", metavar="JSON", help="Bind parameters of the query"),
    _arg(
        "--checkpoint-column",
        action="append",
        metavar="COLUMN",
        help="The key; several times for several columns (default: primary key of the source table)",
    ),
    _arg(
        "--strategy",
        **_one_of("--strategy", ("auto", "key", "python")),
        help="As the task has it (default: auto)",
    ),
    _arg(
        "--resume-proof",
        **_one_of("--resume-proof", ("last_row", "prefix")),
        help="As the task has it (default: last_row)",
    ),
    _arg("--destination-table", required=True, help="The table that is written"),
    _arg("--destination-conn-id", help="Its connection (default: that of the checkpoints)"),
    _arg("--destination-columns", metavar="JSON", help="Its columns, as the task has them"),
    _arg("--force", action="store_true", help="Accept a position beyond the greatest key of the source"),
)


def _limit(default: int) -> Arg:
    return _arg(
        "--limit",
        type=_number("--limit", 1),
        metavar="N",
        default=default,
        help=f"At most so many lines (default: {default})",
    )


def _command(name: str, text: str, *args: Arg, description: str = "") -> ActionCommand:
    module = f"airflow_checkpoint_provider.cli.{'reading' if name in _READING else 'changing'}"
    load = lazy_load_command(f"{module}.checkpoint_{name.replace('-', '_')}")
    # From before it is loaded: what Airflow's models log as they are imported would be part of the output.
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
                    "List checkpoints, the one that has committed last first",
                    _arg("--dag-id", help="Only those of this dag"),
                    _arg("--task-id", help="Only those of this task"),
                    _arg("--run-id", help="Only those of this dag run"),
                    _arg("--name", help="Only those with this checkpoint_name"),
                    _arg(
                        "--status",
                        action="append",
                        **_one_of("--status", (*FILTERS, Status.INTERRUPTED)),
                        help="Only those with this status; may be given several times",
                    ),
                    _arg(
                        "--request",
                        action="append",
                        **_one_of("--request", ("reload", "resume")),
                        help="Only those whose next attempt was asked to do so; may be given several times",
                    ),
                    _limit(100),
                    CONN_ID,
                    TEAM,
                    OUTPUT,
                    description=f"List checkpoints, the one that has committed last first.{_WHERE}",
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
                    _arg(
                        "--kind",
                        action="append",
                        **_one_of("--kind", KINDS),
                        help="Only entries of this kind; may be given several times",
                    ),
                    _limit(50),
                    OUTPUT,
                    description=(
                        "Show the attempts, requests, failures and progress of a checkpoint, newest first.\n"
                        f"It stays when the checkpoint is deleted.{_WHERE}"
                    ),
                ),
                _command(
                    "rejects",
                    "Show the rows that the destination has refused, with its reasons",
                    *newest,
                    _limit(50),
                    OUTPUT,
                    description=(
                        "Show the rows that the destination has refused and on_bad_row='reject' has put aside,\n"
                        f"with what the destination says of them, in the order of the load.{_WHERE}"
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
                        "Set the position of a load that another tool has begun: the next attempt goes on behind it.\n"
                        "Give what the task has as its arguments. The position is checked against the source, and\n"
                        "recorded with your name. Asks before it takes the place of a checkpoint, and refuses\n"
                        "one that the scope of the task, as its DAG has it, leaves unread."
                    ),
                ),
                _command(
                    "delete",
                    "Delete a checkpoint: the next attempt loads from the beginning",
                    *one,
                    YES,
                    description=(
                        "Delete a checkpoint; its history stays.\n"
                        "The next attempt knows of no earlier one: it loads from the beginning, and cannot tell that\n"
                        "appended rows are there already; reload is safer. A running attempt ends with an error."
                    ),
                ),
                _command(
                    "purge",
                    "Delete old checkpoints, with their history",
                    _arg(
                        "--older-than",
                        required=True,
                        metavar="AGE",
                        help="Nothing has happened to them for so long: a number with m, h, d or w, such as 30d",
                    ),
                    _arg(
                        "--status",
                        action="append",
                        **_one_of("--status", STORED),
                        help="Those with this status; may be given several times (default: completed)",
                    ),
                    _arg("--dry-run", action="store_true", help="Only list what would be deleted"),
                    YES,
                    CONN_ID,
                    TEAM,
                    OUTPUT,
                ),
                _command(
                    "create-tables",
                    "Create the metadata tables, if they are not there",
                    CONN_ID,
                    TEAM,
                    description=(
                        "Create the metadata tables, if they are not there.\nThe first transfer does so, too, unless "
                        "the setting checkpoint/auto_create is off."
                    ),
                ),
                _command(
                    "ddl",
                    "Print the script that creates the metadata tables, for a DBA to run",
                    _arg(
                        "--dialect",
                        required=True,
                        **_one_of("--dialect", ("mysql", "oracle", "postgresql", "sqlite")),
                        help="The kind of database",
                    ),
                    _arg(
                        "--migrate",
                        action="store_true",
                        help="Instead, the script that brings tables of the first format to the present one",
                    ),
                ),
            ],
        )
    ]
