"""An HTTP client with a login to Airflow's API server."""

from __future__ import annotations

from typing import Any

import httpx

Json = dict[str, Any]


class ApiClient:
    """
    A client that logs in at its first request.

    :param url: of the API server
    :param user: a user of the SimpleAuthManager
    :param password: of the user
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._login = {"username": user, "password": password}
        # The server closes a connection after five idle seconds, sometimes during the next request.
        fresh = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False, limits=fresh)
        self._logged_in = False

    def close(self) -> None:
        self._client.close()

    def is_healthy(self) -> bool:
        try:
            response = self._client.get("/api/v2/monitor/health", timeout=5)
        except httpx.TransportError:
            return False
        if response.status_code != httpx.codes.OK:
            return False
        return all(part["status"] == "healthy" for part in response.json().values())

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Send a request below ``/api/v2``; a status of 400 or more raises an error that quotes the answer."""
        if not self._logged_in:
            token = self._client.post("/auth/token", json=self._login).raise_for_status()
            self._client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
            self._logged_in = True
        for _ in range(4):
            response = self._client.request(method, f"/api/v2{path}", **arguments)
            # With SQLite the API server can wait for a lock that its own other request holds, and
            # gives up after five seconds; the request was rolled back and may be sent again.
            if response.status_code != httpx.codes.INTERNAL_SERVER_ERROR:
                break
        if response.is_error:
            raise httpx.HTTPStatusError(
                f"{method} {path}: {response.status_code} {response.text}",
                request=response.request,
                response=response,
            )
        return response

    def get_or_none(self, path: str) -> Json | None:
        try:
            return dict(self.request("GET", path).json())
        except httpx.HTTPStatusError as error:
            if error.response.status_code == httpx.codes.NOT_FOUND:
                return None
            raise
