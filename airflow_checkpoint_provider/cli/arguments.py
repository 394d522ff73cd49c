"""Arguments of ``airflow checkpoint``: those that several commands share, and errors of one line for wrong values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from airflow.cli.cli_config import Arg

from airflow_checkpoint_provider.engine.model.status import FILTERS, STORED, Status


def one_of(flag: str, words: Iterable[str]) -> dict[str, Any]:
    """Return the options of an argument that takes one of some words; a wrong one is an error of one line."""
    known = tuple(map(str, words))

    def read(given: str) -> str:
        if given not in known:
            raise SystemExit(f"{flag}: {given!r} is not one of {', '.join(known)}.")
        return given

    return {"type": read, "metavar": f"({', '.join(known)})"}


def number(flag: str, least: int) -> Callable[[str], int]:
    """Return a reader of whole numbers; any other text is an error of one line."""

    def read(given: str) -> int:
        try:
            number = int(given)
        except ValueError:
            number = least - 1
        if number < least:
            raise SystemExit(f"{flag}: {given!r} is not a whole number from {least} on.")
        return number

    return read


def arg(*flags: str, **options: Any) -> Arg:
    """Return an argument, with the options of :meth:`argparse.ArgumentParser.add_argument`."""
    return Arg(flags, **options)  # type: ignore[no-untyped-call]


DAG_ID = arg("dag_id", help="The id of the dag")
TASK_ID = arg("task_id", help="The id of the task")
RUN_ID = arg(
    "run_id",
    nargs="?",
    help="The id of the dag run (default: the checkpoint that spans runs, of scope='task')",
)
NEWEST_RUN_ID = arg(
    "run_id",
    nargs="?",
    help=(
        "The id of the dag run (default: the checkpoint that spans runs, of scope='task', else the newest)"
    ),
)
MAP_INDEX = arg(
    "--map-index", type=number("--map-index", -1), metavar="N", default=-1, help="Mapped task index"
)
NAME = arg("--name", default="", help="The checkpoint_name of the task, instead of a mapped task index")
CONN_ID = arg(
    "-c",
    "--conn-id",
    action="append",
    metavar="CONN_ID",
    help=(
        "Connection to the database with the checkpoints, the destination of the transfers;\n"
        "may be given several times (default: those of the dags, and of checkpoint/conn_ids)"
    ),
)
TEAM = arg(
    "--team",
    metavar="TEAM",
    help="The team whose connection it is, where Airflow has teams (default: a connection of no team)",
)
TABLE = arg(
    "-t",
    "--table",
    default="airflow_checkpoint",
    help="The metadata table, TABLE or SCHEMA.TABLE (default: airflow_checkpoint)",
)
OUTPUT = arg(
    "-o",
    "--output",
    help="Output format. Allowed values: json, yaml, plain, table (default: table)",
    **one_of("--output", ("table", "json", "yaml", "plain")),
    default="table",
)
VERBOSE = arg("-v", "--verbose", help="Make logging output more verbose", action="store_true")
YES = arg("-y", "--yes", help="Do not prompt to confirm. Use with care!", action="store_true")
REASON = arg("--reason", help="Why, for the history of the checkpoint")
CANCEL = arg("--cancel", action="store_true", help="Cancel the open request")

_READS = (
    arg("--source-table", help="The table to read, TABLE or SCHEMA.TABLE"),
    arg(
        "--columns",
        action="append",
        metavar="COLUMN",
        help="A column of the table to read; several times for several columns (default: all)",
    ),
    arg("--where", help="The condition on the rows of the table, without the word WHERE (default: all)"),
    arg("--sql", help="Or the query to read"),
    arg("--parameters", metavar="JSON", help="Bind parameters of the query"),
    arg(
        "--checkpoint-column",
        action="append",
        metavar="COLUMN",
        help="The key; several times for several columns (default: primary key of the source table)",
    ),
)

LIST = (
    arg("--dag-id", help="Only those of this dag"),
    arg("--task-id", help="Only those of this task"),
    arg("--group", metavar="GROUP_ID", help="Only those of the tasks in this group of tasks"),
    arg("--run-id", help="Only those of this dag run"),
    arg("--name", help="Only those with this checkpoint_name"),
    arg(
        "--status",
        action="append",
        **one_of("--status", (*FILTERS, Status.INTERRUPTED, Status.STAGED, Status.UNREADABLE)),
        help="Only those with this status; may be given several times",
    ),
    arg(
        "--request",
        action="append",
        **one_of("--request", ("reload", "resume")),
        help="Only those with this request for the next attempt; may be given several times",
    ),
)

PURGE = (
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
)

SEED = (
    arg(
        "--position",
        action="append",
        metavar="VALUE",
        help="The last key that is loaded; several times for a key of several columns",
    ),
    arg(
        "--rows",
        type=number("--rows", 0),
        metavar="N",
        help="The number of rows that are loaded; without a key, this is the position",
    ),
    arg("--source-conn-id", required=True, help="Connection to the source"),
    *_READS,
    arg(
        "--strategy",
        **one_of("--strategy", ("auto", "key", "python")),
        help="As in the task (default: auto)",
    ),
    arg(
        "--resume-proof",
        **one_of("--resume-proof", ("last_row", "prefix")),
        help="As in the task (default: last_row)",
    ),
    arg("--destination-table", required=True, help="The table to write"),
    arg("--destination-conn-id", help="Connection to it (default: that of the checkpoints)"),
    arg("--destination-columns", metavar="JSON", help="Its columns, as in the task"),
    arg("--force", action="store_true", help="Accept a position beyond the greatest key of the source"),
)

LAG = (
    arg(
        "--source-conn-id",
        help="Connection to the source, where Airflow no longer knows what the task has read; then as the task has it:",
    ),
    *_READS,
    arg(
        "--source-hook-params",
        metavar="JSON",
        help="Parameters of the source's hook, as the task has them; {} for none",
    ),
    arg(
        "--seconds",
        type=number("--seconds", 1),
        metavar="N",
        default=10,
        help="How long the source may take for each of two statements (default: 10)",
    ),
)

PLAN = (
    arg("task_id", help="The id of the task, or of a group of tasks"),
    arg("--run-id", metavar="RUN_ID", help="The id of the dag run (default: one that begins now)"),
)

DDL = (
    arg(
        "--dialect",
        **one_of("--dialect", ("mysql", "oracle", "postgresql", "sqlite")),
        help="The kind of database",
    ),
    arg(
        "--for",
        dest="task",
        nargs=2,
        metavar=("DAG_ID", "TASK_ID"),
        help=(
            "Instead of a kind of database: the tables that this task lacks, its destination with\n"
            "create_table='missing' among them, in the words of its databases"
        ),
    ),
    arg(
        "--migrate",
        action="store_true",
        help="Print the script that migrates tables of the first format to the present one",
    ),
)

REPLAY = (
    arg("--error", metavar="TEXT", help="Only rows whose error contains this text"),
    arg(
        "--from",
        dest="from_file",
        metavar="FILE",
        help=(
            "Only the rows of this file, with their values there: a list as 'rejects -o json' prints it, and as the\n"
            "view gives it, in which values were corrected"
        ),
    ),
    arg("--limit", type=number("--limit", 1), metavar="N", help="At most so many rows (default: all)"),
    arg(
        "--overwrite",
        action="store_true",
        help="Of an upsert: replace rows with the same key, which later loads may have written",
    ),
)


def limit(default: int) -> Arg:
    """Return the argument that bounds a list."""
    return arg(
        "--limit",
        type=number("--limit", 1),
        metavar="N",
        default=default,
        help=f"Maximum number of lines (default: {default})",
    )
