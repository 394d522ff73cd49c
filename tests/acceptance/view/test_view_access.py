"""Every route of the view: without a login, as a viewer of one DAG, as an editor, and as an admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_checkpoint_provider.plugin.app import create_app
from tests.acceptance import orders
from tests.acceptance.load import Load
from tests.support.airflow.airflow import LiveAirflow
from tests.support.airflow.checkpoints import events
from tests.support.waiting import wait_for

SEEN = {"dag_id": "copy_orders", "task_id": "copy", "run_id": "seen", "map_index": "-1"}
HIDDEN = SEEN | {"dag_id": "copy_orders_once", "run_id": "hidden"}
PLACE = {"conn_id": "destination", "table": "airflow_checkpoint"}
PAGE = {"Accept": "text/html"}

Client = Callable[[str], httpx.Client]


@pytest.fixture(scope="module")
def loads(airflow: LiveAirflow, home: Path) -> dict[str, Load]:
    """A completed load in the DAG that the viewer may see, and one in another DAG."""
    from tests.support.airflow.clients.api import TaskKey

    made = {}
    for run in (SEEN, HIDDEN):
        orders.create_table(home / "destination.db", run["run_id"])
        key = TaskKey(run["dag_id"], run["run_id"], "copy")
        load = Load(airflow, home / "source.db", home / "destination.db", home / "gates", run["run_id"], key)
        load.start()
        made[run["run_id"]] = load
    for load in made.values():
        load.wait_for_success(1)
    return made


@pytest.fixture
def client(airflow: LiveAirflow, loads: dict[str, Load]) -> Iterator[Client]:
    """A client of the view, logged in as a user, or without a login."""
    clients: list[httpx.Client] = []

    def make(user: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {airflow.token(user)}"} if user else {}
        # Discovery may need some time to find a DAG that was parsed just now.
        client = httpx.Client(
            base_url=f"{airflow.url}/checkpoint", headers=headers, trust_env=False, timeout=30
        )
        clients.append(client)
        return client

    yield make
    for made in clients:
        made.close()


def ask(client: httpx.Client, method: str, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    return client.request(method, path, json=body, headers=headers)


def every_route() -> list[tuple[str, str]]:
    """All routes of the app, so that a new one cannot be left out."""
    return sorted((method, route.path) for route in create_app().routes for method in route.methods)  # type: ignore[attr-defined]


def test_these_are_all_routes() -> None:
    assert every_route() == [
        ("DELETE", "/checkpoint"),
        ("GET", "/"),
        ("GET", "/group"),
        ("GET", "/groups"),
        ("GET", "/lag"),
        ("GET", "/plan"),
        ("GET", "/rejects"),
        ("GET", "/rejects.{form}"),
        ("GET", "/standstill"),
        ("GET", "/static/{name}"),
        ("GET", "/tables"),
        ("GET", "/task"),
        ("POST", "/now"),
        ("POST", "/now/failed"),
        ("POST", "/now/group"),
        ("POST", "/rejects/replay"),
        ("POST", "/request"),
    ]


@pytest.mark.parametrize(("method", "path"), every_route())
def test_nobody_gets_nothing(client: Client, method: str, path: str) -> None:
    nobody = client("")
    path = path.format(name="page.css", form="csv")
    body = {**SEEN, **PLACE, "action": "reload"}
    answer = nobody.request(method, path, params=SEEN, json=None if method == "GET" else body)
    assert answer.status_code == 401
    assert "orders" not in answer.text
    with_a_wrong_token = nobody.request(method, path, headers={"Authorization": "Bearer x.y.z"})
    assert with_a_wrong_token.status_code in (401, 403)


def test_nobody_is_told_so_in_words(client: Client) -> None:
    answer = client("").get("/", headers=PAGE)
    assert "Please log in to Airflow" in answer.text
    assert "static/" not in answer.text


@pytest.mark.parametrize("user", ["admin", "editor"])
def test_who_may_see_all_dags_sees_all(client: Client, user: str) -> None:
    page = client(user).get("/", headers=PAGE)
    assert page.status_code == 200
    assert "hidden" in page.text
    assert "copy_orders_once" in page.text
    one = client(user).get("/task", params=HIDDEN, headers=PAGE)
    assert one.status_code == 200
    assert "Reload on next attempt" in one.text


def test_the_onlooker_sees_one_dag_and_no_trace_of_others(client: Client) -> None:
    onlooker = client("onlooker")
    for params in ({}, {"q": "hidden"}, {"dag_id": "copy_orders_once"}, {"state": "completed"}):
        page = onlooker.get("/", params=params, headers=PAGE)
        assert page.status_code == 200
        assert "run_id=hidden" not in page.text
        assert "copy_orders_with_neighbour" not in page.text
    assert "run_id=seen" in onlooker.get("/", headers=PAGE).text
    tables = onlooker.get("/tables", headers=PAGE)
    assert tables.status_code == 200
    assert "<b>seen</b>" in tables.text
    assert "<b>hidden</b>" not in tables.text
    assert "copy_orders_once" not in tables.text
    own = onlooker.get("/task", params=SEEN, headers=PAGE)
    assert own.status_code == 200
    assert "order_id = 21000" in own.text
    assert "Reload on next attempt" not in own.text
    assert "<dialog" not in own.text


def test_the_onlooker_may_not_look_elsewhere(client: Client) -> None:
    onlooker = client("onlooker")
    for params in (HIDDEN, {"dag_id": "copy_orders_once", "task_id": "copy"}, {**HIDDEN, **PLACE}):
        page = onlooker.get("/task", params=params, headers=PAGE)
        assert page.status_code == 403
        assert "21000" not in page.text
    for path in ("/rejects", "/rejects.json", "/lag", "/plan", "/group"):
        asked = {**HIDDEN, **PLACE, "group_id": "shop"}
        assert onlooker.get(path, params=asked, headers=PAGE).status_code == 403
    assert onlooker.get("/task", params={**SEEN, "dag_id": "~"}, headers=PAGE).status_code == 403


def test_who_may_read_nothing_is_refused(client: Client) -> None:
    for path, params in (
        ("/", {}),
        ("/task", SEEN),
        ("/groups", {}),
        ("/group", {**SEEN, "group_id": "shop"}),
    ):
        page = client("passer_by").get(path, params=params, headers=PAGE)
        assert page.status_code == 403
        assert "Not allowed" in page.text


@pytest.mark.parametrize("user", ["onlooker", "passer_by"])
@pytest.mark.parametrize("target", [SEEN, HIDDEN])
def test_who_may_not_edit_changes_nothing(
    client: Client, loads: dict[str, Load], user: str, target: dict[str, str]
) -> None:
    load = loads[target["run_id"]]
    before = list(load.history())
    for action in ("reload", "resume", "cancel"):
        refused = ask(client(user), "POST", "/request", {**target, **PLACE, "action": action})
        assert refused.status_code == 403
        assert "You may not change the task instances" in refused.json()["detail"]
    assert ask(client(user), "DELETE", "/checkpoint", {**target, **PLACE}).status_code == 403
    now = {**target, **PLACE, "action": "reload", "seen": "", "indexes": [1], "checkpoints": 1}
    assert ask(client(user), "POST", "/now", now).status_code == 403
    assert ask(client(user), "POST", "/now/failed", now).status_code == 403
    assert ask(client(user), "POST", "/now/group", {**now, "group_id": "shop"}).status_code == 403
    assert ask(client(user), "POST", "/rejects/replay", {**target, **PLACE}).status_code == 403
    # The permission for one DAG gives no access to another one's checkpoint.
    mixed = {**HIDDEN, **PLACE, "action": "reload"}
    assert client(user).post("/request", params={"dag_id": "copy_orders"}, json=mixed).status_code == 403
    assert list(load.history()) == before


def test_other_sites_and_other_bodies_are_refused(client: Client, loads: dict[str, Load]) -> None:
    admin, before = client("admin"), list(loads["seen"].history())
    body = {**SEEN, **PLACE, "action": "reload"}
    foreign = (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    )
    for headers in foreign:
        assert ask(admin, "POST", "/request", body, **headers).status_code == 403
    assert admin.post("/request", data=body).status_code == 415
    assert admin.post("/request", content="{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert admin.post("/request").status_code == 415
    for method in ("GET", "PUT"):
        assert admin.request(method, "/request").status_code == 405
    assert list(loads["seen"].history()) == before


def test_what_is_asked_for_must_make_sense(client: Client) -> None:
    admin, body = client("admin"), {**SEEN, **PLACE, "action": "reload"}
    assert ask(admin, "POST", "/request", {**body, "action": "drop"}).status_code == 422
    assert ask(admin, "POST", "/request", {**body, "reason": "x" * 501}).status_code == 422
    # Only tables known to hold checkpoints are accepted.
    for other in ({"conn_id": "source"}, {"table": "orders"}):
        refused = ask(admin, "POST", "/request", {**body, **other})
        assert refused.status_code == 404
        assert "No checkpoints are known" in refused.json()["detail"]
    gone = ask(admin, "DELETE", "/checkpoint", {**SEEN, **PLACE, "run_id": "no such run"})
    assert gone.status_code == 404
    incomplete = admin.get("/task", headers=PAGE)
    assert incomplete.status_code == 422
    assert "dag_id: Field required" in incomplete.text
    assert admin.get("/static/../plugin.py").status_code == 404
    assert admin.get("/nowhere", headers=PAGE).status_code == 404


def test_an_editors_action_is_kept_in_both_histories(
    airflow: LiveAirflow, client: Client, loads: dict[str, Load]
) -> None:
    editor, load = client("editor"), loads["hidden"]
    body = {**HIDDEN, **PLACE, "reason": "wrong <b>rows</b>"}
    same_site = {"Sec-Fetch-Site": "same-origin", "Origin": airflow.url}
    done = ask(editor, "POST", "/request", {**body, "action": "reload"}, **same_site)
    assert (done.status_code, done.json()["message"]) == (200, "The next attempt loads from the beginning.")
    page = editor.get("/task", params=HIDDEN, headers=PAGE).text
    assert "The next attempt starts from the beginning, because a reload was requested." in page
    assert "wrong &lt;b&gt;rows&lt;/b&gt;" in page
    assert ask(editor, "POST", "/request", {**body, "action": "cancel"}).status_code == 200
    asked, cancelled = events(load.destination, load.key)[-2:]
    assert (asked["kind"], asked["who"], asked["detail"]) == ("reload_requested", "editor", body["reason"])
    assert (cancelled["kind"], cancelled["who"]) == ("request_cancelled", "editor")
    logs = airflow.api.request(
        "GET", "/eventLogs", params={"dag_id": "copy_orders_once", "order_by": "-when"}
    )
    logged = {entry["event"]: entry for entry in logs.json()["event_logs"]}
    entry = logged["checkpoint_reload"]
    assert (entry["owner"], entry["task_id"], entry["run_id"]) == ("editor", "copy", "hidden")
    assert '"reason": "wrong <b>rows</b>"' in entry["extra"]
    assert "checkpoint_cancel" in logged


def test_pages_are_not_to_be_kept_framed_elsewhere_or_scripted(client: Client) -> None:
    for path, params in (("/", {}), ("/task", SEEN), ("/nowhere", {})):
        headers = client("admin").get(path, params=params, headers=PAGE).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_addresses_are_relative(client: Client) -> None:
    for path, params in (("/", {}), ("/task", SEEN)):
        page = client("admin").get(path, params=params, headers=PAGE).text
        for attribute in ("href", "src", "action"):
            assert f'{attribute}="/' not in page
            assert f'{attribute}="http' not in page


def test_what_comes_from_an_address_is_escaped(client: Client) -> None:
    nasty = '"><script>alert(1)</script>'
    for path, params in (
        ("/", {"q": nasty}),
        ("/", {"dag_id": nasty}),
        ("/", {"sort": nasty, "state": nasty}),
        ("/task", {**SEEN, "task_id": nasty}),
        ("/task", {**SEEN, "run_id": nasty, "map_index": nasty}),
        ("/task", {**SEEN, **PLACE, "conn_id": nasty}),
        ("/groups", {"q": nasty, "only": nasty}),
    ):
        page = client("admin").get(path, params=params, headers=PAGE)
        assert page.status_code == 200, page.text
        assert "<script>alert" not in page.text


MOVING = """
from airflow.sdk import DAG
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator

with DAG("moving", schedule=None):
    CheckpointedTransferOperator(
        task_id="copy", source_conn_id="source", source_table="orders", destination_conn_id="destination",
        destination_table="orders", checkpoint_table="{table}",
    )
"""


def test_a_dag_that_has_changed_is_read_again(airflow: LiveAirflow, client: Client, home: Path) -> None:
    admin, file = client("admin"), home / "dags" / "moving.py"

    def known(table: str) -> bool:
        target = {**SEEN, "dag_id": "moving", "conn_id": "destination", "table": table}
        detail = ask(admin, "DELETE", "/checkpoint", target).json()["detail"]
        assert ("No checkpoints are known" in detail) != (f"no metadata table {table}" in detail), detail
        return "no metadata table" in detail

    file.write_text(MOVING.format(table="here"))
    wait_for(lambda: known("here"), "the new DAG to be discovered", timeout=90, interval=1)
    file.write_text(MOVING.format(table="there"))
    airflow.api.parse_now("moving")
    wait_for(lambda: known("there"), "the changed DAG to be discovered", timeout=90, interval=1)
    assert not known("here")
