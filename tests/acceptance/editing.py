"""Editing a DAG file while Airflow runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.support.airflow.airflow import LiveAirflow
from tests.support.waiting import wait_for

EditRetries = Callable[[int], None]


def edit_retries_in(file: Path, airflow: LiveAirflow) -> EditRetries:
    """
    Return a function that changes ``RETRIES = ...`` in a DAG file and waits until Airflow has parsed the file.

    :param file: the DAG file, named by the DAG's id
    """
    dag_id = file.stem

    def edit(retries: int) -> None:
        airflow.api.wait_for_dag(dag_id)
        file.write_text(re.sub(r"RETRIES = \d+", f"RETRIES = {retries}", file.read_text()))
        airflow.api.parse_now(dag_id)
        wait_for(
            lambda: airflow.api.task(dag_id, "copy")["retries"] == retries,
            f"{dag_id} to be parsed with retries={retries}",
            explain=airflow.api.import_errors,
        )

    return edit
