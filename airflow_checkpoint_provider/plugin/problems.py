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
    400: "The body is not text",
    401: "Nobody is logged in",
    403: "The user lacks the right, or the login is not valid",
    404: "Not found",
    409: "The load has changed since the page was shown, its task cannot be cleared now, or the row is refused",
    415: "The body is not JSON",
    422: "A value is missing or not allowed",
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
        title = _TITLES.get(status, "Request failed")
        response = render("problem.html", status=status, title=title, detail=detail)
    else:
        response = JSONResponse({"detail": detail}, status)
    response.headers.update(headers or {})
    return response
