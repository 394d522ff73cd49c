"""A limit on requests at work: they run in threads of the view's own, so that none of the server's is held."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from fastapi import HTTPException, Request, status
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from airflow_checkpoint_provider.plugin.pacing import PACE, Pace
from airflow_checkpoint_provider.plugin.problems import answer

R = TypeVar("R")

AT_WORK = 2
"""Requests at work at the same time, in one process of the API server."""
_WAITING = 8
_LARGEST_BODY = (
    80_000  # ids of 250 characters, a reason of 500 and a row of 3,000, each of four bytes or escaped
)
_PATIENCE_S = 3.0
_RETRY_AFTER_S = 2


class Desk:
    """
    Runs a few requests at a time, and lets some more wait for a moment.

    :param at_work: requests that run at a time
    :param waiting: requests that may wait besides
    :param patience: seconds that a request waits at most
    :param pace: of requests that come while others are there
    """

    def __init__(
        self,
        at_work: int = AT_WORK,
        waiting: int = _WAITING,
        patience: float = _PATIENCE_S,
        pace: Pace = PACE,
    ) -> None:
        self._threads = ThreadPoolExecutor(at_work, thread_name_prefix="checkpoint-desk")
        self._most = at_work + waiting
        self._patience = patience
        self._pace = pace
        self._lock = threading.Lock()
        self._inside = 0

    @property
    def is_full(self) -> bool:
        """Whether another request would be refused."""
        return self._inside >= self._most

    async def work(self, task: Callable[[], R]) -> R:
        """
        Run a blocking function in a thread.

        :raises HTTPException: 503 with ``Retry-After``, when too many requests run or wait
        """
        with self._lock:
            if self.is_full:
                raise _too_many()
            self._inside += 1
        context = contextvars.copy_context()
        begun = self._threads.submit(context.run, self._paced, task)
        begun.add_done_callback(
            self._leave
        )  # not at the end of this method: a thread works on after its client has disconnected
        future = asyncio.wrap_future(begun)
        waited = 0.0
        while waited < self._patience:
            done, _ = await asyncio.wait([future], timeout=0.1)
            if done or begun.running():
                return await future
            waited += 0.1
        if begun.cancel():
            raise _too_many()
        return await future

    def _paced(self, task: Callable[[], R]) -> R:
        """Run a task; where others wait, after a pause that leaves the processor to Airflow's own routes."""
        if self._inside > 1:
            time.sleep(self._pace.rest())
        with self._pace.measured():
            return task()

    def _leave(self, done: Future[Any]) -> None:
        with self._lock:
            self._inside -= 1


def _too_large(scope: Scope) -> HTTPException | None:
    """Refuse a body by its length, before any of it is read; the view's own page always gives the length."""
    headers = dict(scope.get("headers") or ())
    length = headers.get(b"content-length", b"0")
    if b"transfer-encoding" in headers:
        return HTTPException(status.HTTP_411_LENGTH_REQUIRED, "Send a body with its length.")
    if not length.isdigit() or len(length) > 9 or int(length) > _LARGEST_BODY:
        return HTTPException(413, f"A body has at most {_LARGEST_BODY:,} bytes here.")
    return None


def _too_many() -> HTTPException:
    return HTTPException(
        status.HTTP_503_SERVICE_UNAVAILABLE,
        "Too many pages of checkpoints are requested at once. Try again in a moment.",
        {"Retry-After": str(_RETRY_AFTER_S)},
    )


_desk = Desk()


class Door:
    """Refuses a request that the desk would refuse, without the time that it takes to authenticate its user."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = _too_many() if scope["type"] == "http" and _desk.is_full else _too_large(scope)
        if refused:
            answered = answer(Request(scope), refused.status_code, str(refused.detail), refused.headers)
            await answered(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class DeskRoute(APIRoute):
    """A route whose function blocks: it waits for its turn, and holds none of the server's threads."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> None:
        super().__init__(path, _waiting(endpoint), **kwargs)


def _waiting(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(endpoint):  # a router that includes another creates each route again
        return endpoint

    async def waiting(**given: Any) -> Any:
        return await _desk.work(partial(endpoint, **given))

    # Not functools.wraps: FastAPI would unwrap it, and call the blocking function in a thread of the server.
    waiting.__name__, waiting.__doc__ = endpoint.__name__, endpoint.__doc__
    waiting.__signature__ = inspect.signature(endpoint, eval_str=True)  # type: ignore[attr-defined]
    return waiting
