"""The stylesheet and the script; like every other page, only for those who are logged in."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Depends, HTTPException, status
from fastapi.responses import FileResponse

from airflow_checkpoint_provider.plugin.access import logged_in
from airflow_checkpoint_provider.plugin.problems import described

_FOLDER = Path(__file__).parent / "static"
_TYPES = {"page.css": "text/css", "page.js": "text/javascript"}

router = APIRouter(dependencies=[Depends(logged_in)], responses=described(401, 403, 404, 422))


@router.get(
    "/static/{name}",
    response_class=FileResponse,
    responses={200: {"content": {media_type: {} for media_type in _TYPES.values()}}},
)
async def file(name: str) -> FileResponse:
    """Return one of the two files."""
    if name not in _TYPES:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"There is no file {name}.")
    return FileResponse(_FOLDER / name, media_type=_TYPES[name], headers={"Cache-Control": "no-cache"})
