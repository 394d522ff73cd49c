"""Rejected rows written again, on request from their page."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, HTTPException, status
from pydantic import AfterValidator, BeforeValidator, Field

from airflow_checkpoint_provider.engine.model.checks import LARGEST
from airflow_checkpoint_provider.engine.model.errors import (
    ArgumentError,
    CheckpointError,
    DestinationError,
    one_line,
)
from airflow_checkpoint_provider.plugin import actions
from airflow_checkpoint_provider.plugin.access import Someone, from_this_site
from airflow_checkpoint_provider.plugin.actions import Done, Target
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.errands import StillAtWorkError
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.reading import hook_of
from airflow_checkpoint_provider.plugin.services import errands, reader

if TYPE_CHECKING:
    from airflow_checkpoint_provider.engine.admin.replay.request import Replayed

MOST_CORRECTED = 3_000
"""The most characters of a row that can be corrected on its page; the shell has no such limit."""

log = logging.getLogger(__name__)

_SECONDS = 1.0  # less than a page waits for an errand

router = APIRouter(
    dependencies=[Depends(from_this_site)],
    responses=described(400, 401, 403, 404, 409, 415, 422, 503),
    route_class=DeskRoute,
)


class Again(Target):
    """The load whose rejected rows are written again."""

    error: Annotated[str, AfterValidator(actions.encodable)] = Field(
        "",
        max_length=500,
        pattern=actions.WITHOUT_NUL,
        description="The reason of the rows that are meant, or its beginning; empty for all",
    )
    overwrite: bool = Field(False, description="Whether a row of an upsert replaces the row with its key")
    row: Annotated[int | None, BeforeValidator(actions.no_bool)] = Field(
        None, ge=1, le=LARGEST, description="The only row that is meant, by its id"
    )
    corrected: Annotated[str, AfterValidator(actions.encodable)] | None = Field(
        None,
        max_length=MOST_CORRECTED,
        pattern=actions.WITHOUT_NUL,
        description="With row: its values by column, as a JSON object",
    )

    def corrections(self) -> dict[int, dict[str, Any]] | None:
        """
        Return the corrected values, by the id of the row.

        :raises ArgumentError: when they are no JSON object, or one of the two is missing
        """
        if self.row is None and self.corrected is None:
            return None
        if self.row is None or self.corrected is None:
            raise ArgumentError("row and corrected: give both, or neither.")
        try:
            values = json.loads(self.corrected)
        except (ValueError, RecursionError) as error:
            raise ArgumentError(f"The values are not JSON ({one_line(error)}).") from error
        if not isinstance(values, dict):
            raise ArgumentError('The values are no JSON object, such as {"column": 1}.')
        return {self.row: values}


@router.post("/rejects/replay")
def replay(asked: Again, viewer: Someone) -> Done:
    """Write rejected rows again, or one as it is corrected; a refused row stays, and 409 has the reason of the one."""
    place = actions.place_of(asked, viewer)
    try:
        corrected = asked.corrections()
    except ArgumentError as error:
        raise HTTPException(status.HTTP_409_CONFLICT, one_line(error)) from error
    key = (asked.dag_id, asked.task_id, asked.run_id, asked.map_index, asked.name)
    # A place that answers nothing gets no work.
    actions.only(reader().ask([place], lambda hook: hook.get(*key)), place)

    def write() -> Replayed:
        return hook_of(place).replay_rejects(
            *key,
            error=asked.error or None,
            corrected=corrected,
            overwrite=asked.overwrite,
            seconds=_SECONDS,
            who=viewer.name,
        )

    actions.audit("checkpoint_replay_rejects", asked, viewer, **({"row": asked.row} if asked.row else {}))
    try:
        done = errands().do(place, write)
    except StillAtWorkError as error:
        if asked.row is not None:
            # The row may still be refused, so its form has to stay open.
            raise actions.unanswered(place) from error
        return Done(
            message="It takes longer, and goes on. The history of the load will have the rows that were written."
        )
    except (ArgumentError, DestinationError) as error:
        raise HTTPException(status.HTTP_409_CONFLICT, one_line(error)) from error
    except (CheckpointError, sa.exc.SQLAlchemyError) as error:
        log.error("The rejected rows in %s could not be written: %s", place, one_line(error))
        raise actions.unanswered(place) from error
    if asked.row is not None and not done.written:
        refusal = f"Refused again: {done.reason}" if done.refused else done.as_words()
        raise HTTPException(status.HTTP_409_CONFLICT, refusal)
    return Done(message=done.as_words())
