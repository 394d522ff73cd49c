"""Any request that the view's OpenAPI description allows, and others: never a 500, and never markup from data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.databases import Db
from tests.hostile import ANYTHING, STRINGS
from tests.operating import execute, operator
from tests.view_client import view

MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE target; --",
    "{{ 7*7 }}",
    "%s :p",
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The view of loads whose ids, keys and errors are all markup."""
    db = Db("sqlite", str(tmp_path_factory.mktemp("view") / "both.db"))
    db.execute("CREATE TABLE orders (id text PRIMARY KEY)", "CREATE TABLE target (id text)")
    db.insert("orders", [(text,) for text in MARKUP])
    with pytest.MonkeyPatch.context() as patch:
        for conn_id in ("src", "dst"):
            patch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", db.uri)
        patch.setenv("AIRFLOW__CHECKPOINT__CONN_IDS", "dst,no<b>where")
        for text in MARKUP:
            names = {"dag_id": text, "task_id": text, "run_id": text}

            def refuse(rows: list[Any], said: str = text, **_: Any) -> list[Any]:
                raise RuntimeError(said)

            execute(operator(), **names, map_index=1)
            with pytest.raises(RuntimeError):
                execute(operator(rows_processor=refuse), **names)
            CheckpointHook("dst").request_reload(text, text, text, who=text, reason=text)
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


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Return the method, path and description of everything that the view answers to."""
    from airflow_checkpoint_provider.plugin.app import create_app

    described = create_app().openapi()
    return [(method, path, each) for path, of in described["paths"].items() for method, each in of.items()]


@pytest.mark.parametrize(
    ("method", "path", "described"), operations(), ids=lambda v: v if isinstance(v, str) else ""
)
@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_request(
    client: TestClient, method: str, path: str, described: dict[str, Any], data: st.DataObject
) -> None:
    texts = st.one_of(st.sampled_from([*STRINGS, *MARKUP, "²", "9" * 5000]), st.text(max_size=6))
    texts = texts.filter(lambda text: text.isprintable() or text.encode(errors="ignore").decode() == text)
    params = {}
    for each in described.get("parameters", ()):
        if data.draw(st.booleans()) or each["required"]:
            params[each["name"]] = data.draw(texts)
    name = params.pop("name", "page.css").replace("/", "")
    content = None
    if "requestBody" in described:
        place = {"conn_id": "dst", "table": "airflow_checkpoint"}
        values = st.one_of(st.sampled_from([*MARKUP, -1, 1, "reload", "resume", "cancel"]), ANYTHING)
        fields = ("dag_id", "task_id", "run_id", "map_index", "action", "reason", "conn_id", "table")
        body: Any = {**place, **data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(fields, values)))}
        body = data.draw(st.one_of(st.just(body), ANYTHING))
        content = json.dumps(body, default=str, skipkeys=True)
    url = path.replace("{name}", "x" if name in (".", "..") else re.sub(r"[^\w.<>%-]", "", name) or "x")
    answer = client.request(method, url, params=params, content=content)
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    if answer.status_code == 503:
        assert "detail" in answer.text or "did not answer" in answer.text
    if "html" in answer.headers["content-type"]:
        harmless(answer.text)
    elif answer.status_code == 200 and path != "/static/{name}":
        jsonschema.validate(answer.json(), {"type": "object", "required": ["message"]})
