"""Any request, allowed by the view's OpenAPI description or not: answers conform to it, with no markup from data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from starlette.testclient import TestClient

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.plugin.app import create_app
from tests.admin.test_search import row
from tests.support.airflow.clients.view_client import airflow_tables, token_of, view
from tests.support.airflow.operating import execute, operator
from tests.support.databases.db import Db
from tests.support.troubles.hostile import STRINGS

pytestmark = pytest.mark.slow

MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE target; --",
    "{{ 7*7 }}",
    "%s :p",
]


ELSEWHERE = "'; DROP TABLE target; --"
"""A configured metadata table."""
DAMAGE: list[dict[str, Any]] = [
    {"fingerprint": "[" * 100_000},
    {"fingerprint": json.dumps({"partition": json.dumps({"of": 2_000_000, "plan": MARKUP[0]})})},
    {"position": '[["decimal","sNaN"]]'},
    {"rows_written": MARKUP[0]},
    {"rows_written": 2**62, "status": "running", "position": '[["float","1e-300"]]'},
    {"status": MARKUP[1]},
    {"owner": b"\xff"},
    {"updated_at": MARKUP[0]},
    {"run_id": "a\x1b[2Jb\nc"},
    {"run_id": "x" * 300},
    {"last_error": MARKUP[0] * 100_000},
]
"""Damaged columns of rows of the metadata table."""

APP = create_app()
# Every request passes through all checks of schemathesis, with and without its token.
API = schemathesis.openapi.from_dict(
    APP.openapi(),
    config=SchemathesisConfig.from_dict(
        {
            "checks": {"not_a_server_error": {"expected-statuses": ["2xx", "4xx", "503"]}},
            "dictionaries": {
                "hostile": {"values": [text for text in (*MARKUP, *STRINGS) if text.isprintable()]},
                "id": {"values": MARKUP[:1]},
                "conn_id": {"values": ["dst", "no<b>where"]},
                "table": {"values": ["airflow_checkpoint", ELSEWHERE]},
                "name": {"values": ["page.css", "page.js"]},
            },
            "generation": {
                "max-examples": 100,
                "dictionaries": {"string": {"dictionary": "hostile", "probability": 0.5}},
            },
            # So that some requests name an existing checkpoint.
            "parameters": {
                **{
                    f"body.{name}": {"dictionary": "id", "probability": 0.7}
                    for name in ("dag_id", "task_id", "run_id")
                },
                "body.conn_id": {"dictionary": "conn_id", "probability": 0.8},
                "body.table": {"dictionary": "table", "probability": 0.8},
                "path.name": {"dictionary": "name", "probability": 0.3},
            },
        }
    ),
)
API.app = APP


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Loads whose ids, keys and errors are all markup."""
    db = Db("sqlite", str(tmp_path_factory.mktemp("view") / "both.db"))
    db.execute("CREATE TABLE orders (id text PRIMARY KEY)", "CREATE TABLE target (id text)")
    db.insert("orders", [(text,) for text in MARKUP])
    with pytest.MonkeyPatch.context() as patch:
        for conn_id in ("src", "dst"):
            patch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", db.uri)
        patch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", f"dst,no<b>where,dst={ELSEWHERE}")
        for text in MARKUP:
            names = {"dag_id": text, "task_id": text, "run_id": text}

            def refuse(rows: list[Any], said: str = text, **_: Any) -> list[Any]:
                raise RuntimeError(said)

            execute(operator(), **names, map_index=1)
            with pytest.raises(RuntimeError):
                execute(operator(rows_processor=refuse), **names)
            CheckpointHook("dst").request_reload(text, text, text, who=text, reason=text)
        damaged = [
            row(n, **{"dag_id": MARKUP[0], "task_id": MARKUP[0], **damage}) for n, damage in enumerate(DAMAGE)
        ]
        db.insert("airflow_checkpoint", damaged)
        loaded = db.rows("SELECT * FROM target")
        yield
        assert db.rows("SELECT * FROM target") == loaded


@pytest.fixture(scope="module")
def client(loads: None) -> Iterator[TestClient]:
    with view() as opened:
        yield opened


def harmless(page: str) -> None:
    for markup in ("<script>alert", "<img", "<b>somebody", "<b>where"):
        assert markup not in page
    assert not re.search(r"\son\w+=[^\"'&]*alert\(1\)>", page)


@pytest.mark.parametrize("text", MARKUP)
def test_what_looks_like_markup_is_shown_as_it_is(client: TestClient, text: str) -> None:
    from markupsafe import escape

    for path, params in (
        ("/", {}),
        ("/", {"q": text}),
        ("/", {"dag_id": text}),
        ("/task", {"dag_id": text, "task_id": text}),
        ("/task", {"dag_id": text, "task_id": text, "run_id": text}),
        ("/task", {"dag_id": text, "task_id": text, "run_id": text, "map_index": "1"}),
        ("/task", {"dag_id": text, "task_id": text, "run_id": text, "conn_id": text, "table": text}),
    ):
        answer = client.get(path, params=params)
        assert answer.status_code == 200, path
        harmless(answer.text)
        assert "conn_id" in params or str(escape(text)) in answer.text
        assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_every_operation_is_tried_by_itself(request: pytest.FixtureRequest) -> None:
    """Of tests with equal ids, only the first would run where tests run in parallel."""
    ids = [item.nodeid for item in request.session.items if item.path == request.path]
    assert len(ids) == len(set(ids))


@pytest.fixture(scope="module", params=["admin", "viewer"])
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def headers(role: str, loads: None) -> Iterator[dict[str, str]]:
    """Headers of an admin's browser, and of a viewer's program."""
    with airflow_tables(), token_of(role) as token:
        yield {
            "Authorization": f"Bearer {token}",
            "Accept": "text/html" if role == "admin" else "application/json",
        }


@API.parametrize()
def test_any_request(case: schemathesis.Case, headers: dict[str, str], role: str) -> None:
    answer = case.call_and_validate(headers=headers)
    assert answer.status_code != 401
    if role == "viewer" and case.method != "GET":
        assert answer.status_code >= 400
    if answer.headers["content-type"][0].startswith("text/html"):
        harmless(answer.text)
