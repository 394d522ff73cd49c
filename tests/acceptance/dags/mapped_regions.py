"""One mapped load per region; each attempt of the listing task reads the order of the regions again."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from tests.acceptance.gate import DIRECTORY_VARIABLE, gated

with DAG("mapped_regions", schedule=None, params={"table": Param("orders", type="string")}):

    @task
    def list_regions(params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the arguments of the expansion, from a file that tests edit."""
        assert params is not None
        regions = json.loads((Path(os.environ[DIRECTORY_VARIABLE]) / f"{params['table']}.json").read_text())
        return [
            {
                "parameters": {"region": region},
                "preoperator": f"DELETE FROM {params['table']} WHERE region = '{region}'",
            }
            for region in regions
        ]

    CheckpointedTransferOperator.partial(
        task_id="copy",
        sql="SELECT * FROM orders WHERE region = :region",
        source_conn_id="source",
        destination_conn_id="destination",
        destination_table="{{ params.table }}",
        checkpoint_column="order_id",
        batch_size=100,
        rows_processor=gated,
        retries=1,
        retry_delay=timedelta(seconds=1),
    ).expand_kwargs(list_regions())
