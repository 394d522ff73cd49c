"""``airflow checkpoint``, parsed and run as Airflow does it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.cli import cli_parser

from airflow_checkpoint_provider.cli import places, statuses
from airflow_checkpoint_provider.hooks.discovery import Places as KnownPlaces


@dataclass
class Said:
    """A command's exit code and output."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Airflow = Callable[..., Said]


def know(monkeypatch: pytest.MonkeyPatch, known: KnownPlaces) -> None:
    """Have the commands find these places and transfers in DAGs."""
    monkeypatch.setattr(places, "Discovery", lambda: SimpleNamespace(places=lambda: known))


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    return cli_parser.get_parser()


@pytest.fixture
def airflow(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Airflow:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")  # restores the value that commands set
    monkeypatch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", "target")
    monkeypatch.setenv("COLUMNS", "200")
    # No DAGs and no task instances, so that the tests need no Airflow database.
    know(monkeypatch, KnownPlaces())
    monkeypatch.setattr(statuses, "interrupted", lambda checkpoints: lambda one: None)

    def run(*command: str, answer: str | None = None) -> Said:
        def reply(question: str) -> str:
            print(question)
            if answer is None:
                raise EOFError
            return answer

        monkeypatch.setattr("builtins.input", reply)
        code: Any = 0
        try:
            args = parser.parse_args(["checkpoint", *command])
            args.func(args)
        except SystemExit as ended:
            code = ended.code
        out, err = capsys.readouterr()
        return Said(
            int(code) if isinstance(code, int) else 1, out, f"{err}{code if isinstance(code, str) else ''}"
        )

    return run
