"""The values of a load in the events of the assets that its task updates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Asset

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_checkpoint_provider.engine.transfer.result import Result


def describe_outlets(context: Context, outlets: Sequence[Any], result: Result) -> None:
    """Add the number of loaded rows and the position to each asset's event."""
    for outlet in outlets:
        if isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update(
                rows=result.rows, rows_total=result.rows_total, checkpoint=result.checkpoint
            )
