"""Runs ``airflow checkpoint`` in the process of the tests."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.cli import cli_parser

from tests.support.databases.db import Db

Ask = Callable[..., str]


def database_of_both(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Db:
    """Return a file that is source and destination, which the shell and the view know."""
    database = Db("sqlite", str(folder / "both.db"))
    for conn_id in ("src", "dst"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", database.uri)
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", "dst")
    monkeypatch.setenv("COLUMNS", "2000")
    return database


def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that runs ``airflow checkpoint``, and returns its output and its exit code."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")  # so that monkeypatch undoes the commands' value
    parser: argparse.ArgumentParser = cli_parser.get_parser()

    def run(*words: str) -> str:
        args = parser.parse_args(["checkpoint", *words])
        capsys.readouterr()
        code: Any = ""
        try:
            args.func(args)
        except SystemExit as ended:
            code = ended.code
        out, err = capsys.readouterr()
        return f"{out}{err}{code}"

    return run
