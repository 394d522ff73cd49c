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
    DDL,
    LAG,
    LIST,
    MAP_INDEX,
    NAME,
    NEWEST_RUN_ID,
    OUTPUT,
    PLAN,
    PURGE,
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
from airflow_checkpoint_provider.cli.group_arguments import EXPORT, IMPORT
from airflow_checkpoint_provider.engine.model.history_kind import Kind

_MODULES = {
    **dict.fromkeys(("list", "show", "history", "rejects", "lag"), "reading"),
    **dict.fromkeys(("plan", "ddl"), "planning"),
    "tables": "tables",
    "import-mapping": "importing",
    "export-mapping": "exporting",
}
# Rich takes brackets for markup, and Airflow does not wrap lines.
_WHERE = (
    "\nSearches the databases where the dags keep checkpoints, and those of the setting checkpoint/conn_ids;\n"
    "with --conn-id, only those that it names.\n"
    "Exits with 1 when something is not found or cannot be read."
)


def _command(name: str, text: str, *args: Arg, description: str = "") -> ActionCommand:
    module = f"airflow_checkpoint_provider.cli.{_MODULES.get(name, 'changing')}"
    load = lazy_load_command(f"{module}.checkpoint_{name.replace('-', '_')}")
    # Also while it is loaded: the log lines of Airflow's models at their import would be part of the output.
    func: Callable[..., Any] = suppress_logs_and_warning(load)
    return ActionCommand(
        name=name,
        help=text,
        description=description or None,
        func=func,
        args=(*args, *_shared(name), VERBOSE),
    )


def _shared(name: str) -> tuple[Arg, ...]:
    # The tasks of the others name their table.
    return () if name in ("plan", "import-mapping", "export-mapping") else (TABLE,)


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
                    *LIST,
                    limit(100),
                    CONN_ID,
                    TEAM,
                    OUTPUT,
                    description=f"List checkpoints, newest commit first.{_WHERE}",
                ),
                _command(
                    "tables",
                    "List the destination tables: last complete load, what runs, fails and comes next, who loads them",
                    CONN_ID,
                    TEAM,
                    OUTPUT,
                    description=(
                        "List the destination tables of all DAGs, one line each: the last complete load, its rows,\n"
                        f"what is running, stalled or failed, the next run, and the tasks that load it.{_WHERE}"
                    ),
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
                    "plan",
                    "Show what the next attempt of a task would do, and all that would end it",
                    DAG_ID,
                    *PLAN,
                    MAP_INDEX,
                    OUTPUT,
                    description=(
                        "Show what the next attempt of a task would do: all problems that would end it, both\n"
                        "databases and the rights there, columns and types, the key and its index, the route,\n"
                        "the guarantee, the amount and the statements. Templates are rendered as by\n"
                        "'airflow tasks render'.\n"
                        "Of a group of tasks, a line for each table, and all problems.\n"
                        "Nothing is changed, and nothing is locked. Exits with 1 when a problem would end the load."
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
                    "import-mapping",
                    "Write the declaration of a group from a mapping table of your own, and seed its positions",
                    *IMPORT,
                    REASON,
                    YES,
                    TEAM,
                    description=(
                        "Write the rows of a mapping table as YAML, which CheckpointedTransferGroup.from_yaml reads,\n"
                        "and with --seed the positions of a process log into the checkpoints of the group. What\n"
                        "is not carried over is told on stderr. --yes puts seeds in the place of checkpoints.\n"
                        "Exits with 1 when a row that is switched on, or a position, could not be carried over."
                    ),
                ),
                _command(
                    "export-mapping",
                    "Write the transfers of a dag as the declaration of a group",
                    DAG_ID,
                    *EXPORT,
                    description=(
                        "Write transfers as YAML, which CheckpointedTransferGroup.from_yaml reads, with the arguments\n"
                        "that differ from the defaults. What cannot be declared is told on stderr.\n"
                        "Exits with 1 when a transfer is not declared."
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
                    *PURGE,
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
                    *DDL,
                ),
            ],
        )
    ]
