"""Running a command: its confirmation, its output and its errors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from airflow.cli.simple_table import AirflowConsole
from airflow.utils import yaml
from airflow.utils.cli import action_cli
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
from sqlalchemy.exc import DBAPIError

from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointError,
    one_line,
    written_out,
)


def command(function: Callable[[Any], None]) -> Callable[[Any], None]:
    """Run a command as Airflow's own are run: in the audit log, errors as one line and exit code 1."""

    @wraps(function)
    def run(args: Any) -> None:
        # Without this, connections are looked up in the environment only, and not in the metadata database.
        os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
        try:
            function(args)
        except (CheckpointError, DBAPIError) as error:
            raise SystemExit(one_line(error)) from None

    log_action: Any = action_cli
    logged: Callable[[Any], None] = log_action(check_db=False)(providers_configuration_loaded(run))
    return logged


def confirm(args: Any, question: str) -> None:
    """Ask before something is done, unless ``--yes`` is given."""
    if args.yes:
        return
    try:
        answer = input(f"{question} (y/N) ")
    except EOFError:
        raise SystemExit("Nobody is there to confirm; add --yes.") from None
    if answer.strip().lower() not in ("y", "yes"):
        raise SystemExit("Cancelled.")


def from_json(flag: str, text: str) -> Any:
    """
    Read the value of an argument that takes JSON.

    :raises ArgumentError: when it is none
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise ArgumentError(f"{flag}: {text!r} is not JSON ({error}).") from error


def is_for_people(args: Any) -> bool:
    """Return whether the requested format is one that people read."""
    return args.output in ("table", "plain")


def print_rows(rows: list[dict[str, Any]], args: Any) -> None:
    """Print lines in the requested format."""
    if not is_for_people(args):
        print_value(rows, args)
        return
    rows = [{name: _visible(value) for name, value in row.items()} for row in rows]
    # Rich would take brackets in a value for markup.
    AirflowConsole(markup=False, emoji=False).print_as(data=rows, output=args.output)


def print_value(value: Any, args: Any) -> None:
    """Print a value for programs, as JSON or YAML: numbers as numbers, unknown values as ``null``."""
    if args.output == "json":
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        print(yaml.dump(value, sort_keys=False, allow_unicode=True), end="")


def _visible(value: Any) -> str:
    """Return a text without control characters that a terminal would obey."""
    return "" if value is None else written_out(str(value))
