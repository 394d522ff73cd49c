"""The FastAPI app of the view: routes, readable error responses, and security headers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from airflow_checkpoint_provider.plugin import actions, replaying, starting, static
from airflow_checkpoint_provider.plugin.desk import Door
from airflow_checkpoint_provider.plugin.pages import (
    groups,
    lagging,
    listing,
    planning,
    rejected,
    standstill,
    tables,
)
from airflow_checkpoint_provider.plugin.problems import answer
from airflow_checkpoint_provider.plugin.tasks import failed_tables

log = logging.getLogger(__name__)

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create_app() -> FastAPI:
    """Build the app."""
    app = FastAPI(
        title="Checkpoints", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    for router in (
        listing.router,
        tables.router,
        groups.router,
        lagging.router,
        planning.router,
        rejected.router,
        replaying.router,
        standstill.router,
        actions.router,
        starting.router,
        failed_tables.router,
        static.router,
    ):
        app.include_router(router)
    app.add_exception_handler(StarletteHTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Door)
    app.middleware("http")(_with_headers)
    return app


async def _with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, (HTTPException, StarletteHTTPException))  # noqa: S101
    return answer(request, error.status_code, str(error.detail), error.headers)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = [f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors()]
    return answer(request, 422, "; ".join(faults))


def _broken(request: Request, error: Exception) -> Response:
    log.error("The checkpoint view failed at %s", request.url.path, exc_info=error)
    detail = "The API server's log has the reason. Other pages are not affected; try again in a moment."
    return answer(request, 500, detail, _HEADERS)  # this handler runs outside of the middleware
