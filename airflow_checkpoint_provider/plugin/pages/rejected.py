"""The rows of a load that its destination has refused: by reason, page by page, and as files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, status
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from airflow_checkpoint_provider.engine.model.checks import ID_LENGTH, LARGEST
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.model.load_facts import LoadFacts
from airflow_checkpoint_provider.engine.store.rejected.reasons import ReasonCount
from airflow_checkpoint_provider.engine.store.rejected.rejects import Reject
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.hooks.transfers import Place
from airflow_checkpoint_provider.plugin.access import Someone
from airflow_checkpoint_provider.plugin.actions import WITHOUT_NUL, only
from airflow_checkpoint_provider.plugin.desk import DeskRoute
from airflow_checkpoint_provider.plugin.known import places_for
from airflow_checkpoint_provider.plugin.problems import described
from airflow_checkpoint_provider.plugin.rendering import render
from airflow_checkpoint_provider.plugin.replaying import MOST_CORRECTED
from airflow_checkpoint_provider.plugin.services import discovery, reader

PAGE_SIZE = 50
MOST_IN_FILE = 10_000
"""Most rows in a file; the shell has them all."""

_ABOUT = ("row_no", "error", "run_id", "try_number", "recorded_at")

router = APIRouter(
    default_response_class=HTMLResponse, responses=described(401, 403, 404, 422, 503), route_class=DeskRoute
)

_Text = Annotated[str, Field(max_length=ID_LENGTH, pattern=WITHOUT_NUL)]
_Found = tuple[int, Sequence[Reject], Sequence[ReasonCount], LoadFacts | None]


class Wanted(BaseModel):
    """The checkpoint whose rejected rows are asked for."""

    dag_id: _Text
    task_id: _Text
    run_id: _Text
    conn_id: _Text
    table: _Text
    map_index: int = Field(-1, ge=-1, le=LARGEST)
    name: _Text = ""
    team: _Text = ""


class WantedPage(Wanted):
    """A page of them, and whether it is shown in a tab of Airflow's."""

    tab: bool = False
    page: int = Field(1, ge=1, le=100_000)


@router.get("/rejects")
def rejects(viewer: Someone, wanted: Annotated[WantedPage, Query()]) -> HTMLResponse:
    """Show why rows were refused, and a page of them."""
    count, found, reasons, facts = _read(viewer, wanted, PAGE_SIZE, (wanted.page - 1) * PAGE_SIZE)
    return render(
        "rejects.html",
        may_act=viewer.may("PUT", wanted.dag_id),
        target=wanted.model_dump(exclude={"page", "tab"}),
        chosen={**wanted.model_dump(exclude={"page"}), "tab": "1" if wanted.tab else ""},
        name=discovery().places().called(wanted.dag_id, wanted.task_id),
        rejected=count,
        rejects=found,
        reasons=reasons,
        facts=facts,
        page=wanted.page,
        pages=-(-count // PAGE_SIZE),
        most_in_file=MOST_IN_FILE,
        most_corrected=MOST_CORRECTED,
        troubles=[],
        refresh=20,
    )


@router.get("/rejects.{form}", response_class=Response)
def download(form: str, viewer: Someone, wanted: Annotated[Wanted, Query()]) -> Response:
    """Return the refused rows, at most 10,000, as a JSON or CSV file."""
    if form not in ("json", "csv"):
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Files are JSON or CSV.")
    found = _read(viewer, wanted, MOST_IN_FILE, 0)[1]
    as_json = form == "json"
    text = (
        json.dumps([_object(one) for one in found], ensure_ascii=False, indent=1) if as_json else _csv(found)
    )
    headers = {"Content-Disposition": f'attachment; filename="rejected_rows.{form}"'}
    # Half of a surrogate pair cannot be encoded.
    content = text.encode(errors="backslashreplace")
    return Response(content, media_type="application/json" if as_json else "text/csv", headers=headers)


def place_of(viewer: Someone, wanted: Wanted) -> Place:
    """Return where a checkpoint is kept, if the user may know of it."""
    place = Place(wanted.conn_id, wanted.table, wanted.team)
    viewer.require("GET", wanted.dag_id)
    if place not in places_for(viewer, wanted.dag_id, wanted.task_id, place):
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"No checkpoints are known to be kept in {place}.")
    return place


def _read(viewer: Someone, wanted: Wanted, limit: int, offset: int) -> _Found:
    key = (wanted.dag_id, wanted.task_id, wanted.run_id, wanted.map_index, wanted.name)
    place = place_of(viewer, wanted)

    def read(hook: CheckpointHook) -> _Found:
        count, found = hook.look_at_rejects(*key, limit=limit, offset=offset, whole=False)
        opened = hook.history(*key, kind=Kind.OPENED.value, limit=1)
        return count, found, hook.reject_reasons(*key), opened[0].facts if opened else None

    return only(reader().ask([place], read), place)


def _object(reject: Reject) -> dict[str, Any]:
    return {
        "id": reject.id,
        "row_no": reject.row_no,
        "error": reject.error,
        "row": reject.row,
        "run_id": reject.run_id,
        "try_number": reject.try_number,
        "recorded_at": reject.recorded_at.isoformat(timespec="seconds"),
    }


def _csv(rejects: Sequence[Reject]) -> str:
    """Write a table with a column for each column of the rows."""
    columns = list(dict.fromkeys(name for reject in rejects for name in reject.row))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(map(_cell, [*_ABOUT, *columns]))
    for reject in rejects:
        about = _object(reject)
        values = [*(about[name] for name in _ABOUT), *(reject.row.get(name) for name in columns)]
        writer.writerow(map(_cell, values))
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return a value for a spreadsheet: text that it would take for a formula is quoted."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )
