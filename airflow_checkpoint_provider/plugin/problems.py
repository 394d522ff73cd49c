"""The view's error responses: a page for people, JSON for its script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from airflow_checkpoint_provider.plugin.rendering import render

_TITLES = {
    401: "Please log in to Airflow",
    403: "Not allowed",
    404: "Not found",
    422: "This address is not complete",
    503: "Not now",
}

_REASONS = {
    400: "The body is no text",
    401: "Nobody is logged in",
    403: "They may not, or what they are logged in with is not valid",
    404: "There is no such thing",
    409: "The load is no more what the page has shown, or its task instance cannot be cleared now",
    415: "The body is not JSON",
    422: "A value is missing, or is none that it may be",
    503: "The database did not answer, or too many requests are at work",
}


_CONTENT = {
    "application/json": {
        "schema": {
            "type": "object",
            "properties": {"detail": {"type": "string"}},
            "required": ["detail"],
            "additionalProperties": False,
        }
    },
    "text/html": {"schema": {"type": "string"}},
}


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of these responses."""
    return {status: {"description": _REASONS[status], "content": _CONTENT} for status in statuses}


def answer(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a page if a page is asked for, else JSON."""
    response: Response
    if "text/html" in request.headers.get("accept", ""):
        title = _TITLES.get(status, "This did not work")
        response = render("problem.html", status=status, title=title, detail=detail)
    else:
        response = JSONResponse({"detail": detail}, status)
    response.headers.update(headers or {})
    return response
