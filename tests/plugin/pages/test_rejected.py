"""Rejected rows in the view and the shell: counted, by reason, page by page, and as files."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from airflow_checkpoint_provider.engine.admin.search import Search
from airflow_checkpoint_provider.engine.store.rejected.reasons import reason_of
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from tests.support.airflow.clients.view_client import view
from tests.support.airflow.operating import execute, operator
from tests.support.airflow.shell import Ask, database_of_both, shell
from tests.support.databases.db import Db
from tests.support.statements import statements

ROWS, BAD = 200, 60


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Db:
    """A load with 60 rejected rows: 59 with a name that is too long, and one without a name."""
    database = database_of_both(tmp_path, monkeypatch)
    database.execute(
        "CREATE TABLE orders (id integer PRIMARY KEY, name text)",
        "CREATE TABLE target (id integer PRIMARY KEY, name text NOT NULL CHECK (length(name) < 9))",
    )
    names = [None if n == 7 else f"=cmd({n}) <b>" if n < BAD else f"name {n}" for n in range(ROWS)]
    database.insert("orders", list(enumerate(names)))
    execute(operator(on_bad_row="reject", max_rejected_rows=240))
    return database


@pytest.fixture
def client(database: Db) -> Iterator[TestClient]:
    with view() as opened:
        yield opened


def test_the_list_and_the_tab_have_their_number_and_reasons(client: TestClient) -> None:
    listed = client.get("/").text
    assert re.search(r'class="badge rejected"[^>]*>60 rejected<', listed)
    href = re.search(r'id="row-1" href="(.*?)"', listed)
    assert href
    tab = " ".join(client.get(href.group(1).replace("&amp;", "&")).text.split())
    assert "The destination has refused 60 rows, 25% of the 240 that max_rejected_rows allows." in tab
    assert '<td class="right">59</td><td>CHECK constraint failed' in tab
    assert (
        '<td class="right">1</td><td>NOT NULL constraint failed: target.name</td><td class="right">8</td>'
        in tab
    )
    assert tab.count("&lt;b&gt;") == 9  # nine of the first ten rows
    assert "All 60 rejected rows" in tab


def query(client: TestClient) -> str:
    found = re.search(r'id="row-1" href="task\?(.*?)"', client.get("/").text)
    assert found
    return found.group(1).replace("&amp;", "&")


def test_page_by_page_and_as_files(client: TestClient) -> None:
    its = query(client)
    first, second = (client.get(f"/rejects?{its}&page={page}").text for page in (1, 2))
    assert (first.count("<b>"), second.count("<b>")) == (0, 0)
    # Each in the table, and in the form that corrects it.
    assert [page.count("=cmd(") for page in (first, second)] == [2 * 49, 2 * 10]
    assert "page 1 of 2" in first
    file = client.get(f"/rejects.json?{its}")
    assert "attachment" in file.headers["content-disposition"]
    rows = json.loads(file.text)
    assert (len(rows), rows[1]["row_no"], rows[1]["row"]) == (60, 2, {"id": 1, "name": "=cmd(1) <b>"})
    told = list(csv.DictReader(io.StringIO(client.get(f"/rejects.csv?{its}").text)))
    assert (len(told), told[1]["name"], told[7]["name"]) == (60, "'=cmd(1) <b>", "")
    assert client.get(f"/rejects.exe?{its}").status_code == 404
    assert client.get(f"/rejects?{its.replace('dst', 'other')}").status_code == 404


def test_the_shell_has_their_number(
    database: Db, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command: Ask = shell(capsys, monkeypatch)
    (listed,) = json.loads(command("list", "-o", "json"))
    assert listed["rejected"] == 60
    shown = json.loads(command("show", listed["dag_id"], listed["task_id"], listed["run_id"], "-o", "json"))
    assert (shown["rejected"], shown["max_rejected_rows"]) == (60, 240)


def test_those_of_many_are_told_apart(database: Db) -> None:
    hook = CheckpointHook("dst")
    (own,) = hook.list()
    assert hook.rejected([own]) == {own.identity: 60}
    database.execute("UPDATE airflow_checkpoint_reject SET name = 'west', name_digest = 'other'")
    assert hook.rejected([own]) == {}
    assert hook.rejected([]) == {}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            'duplicate key value violates unique constraint "t_pkey" DETAIL: Key (id)=(5) already exists.',
            'duplicate key value violates unique constraint "t_pkey"',
        ),
        ('invalid input syntax for type integer: "4x"', "invalid input syntax for type integer: …"),
        (
            """(1062, "Duplicate entry '5-ab' for key 'target.PRIMARY'")""",
            """(1062, "Duplicate entry … for key 'target.PRIMARY'")""",
        ),
        (
            """(1366, "Incorrect integer value: 'x' for column 'n' at row 12")""",
            """(1366, "Incorrect integer value: … for column 'n' at row …")""",
        ),
        (
            'ORA-12899: value too large for column "S"."T2"."C" (actual: 5, maximum: 3)',
            'ORA-12899: value too large for column "S"."T2"."C" (actual: …, maximum: …)',
        ),
        ("-5 is less than 2026-01-02 10:00", "… is less than … …"),
    ],
)
def test_a_reason_has_no_values(error: str, reason: str) -> None:
    assert reason_of(error) == reason


def take_any_name(database: Db) -> None:
    database.execute(
        "ALTER TABLE target RENAME TO old",
        "CREATE TABLE target (id integer PRIMARY KEY, name text NOT NULL)",
        "INSERT INTO target SELECT * FROM old",
        "DROP TABLE old",
    )


def test_they_are_written_again_from_their_page(client: TestClient, database: Db) -> None:
    its = query(client)
    page = client.get(f"/rejects?{its}").text
    body = re.search(r'data-to="rejects/replay" data-body="(.*?)"', page)
    assert body
    asked = json.loads(html.unescape(body.group(1)))
    reasons = [html.unescape(one) for one in re.findall(r'<option value="(.+?)">', page)]
    assert [one.partition(":")[0] for one in reasons] == [
        "CHECK constraint failed",
        "NOT NULL constraint failed",
    ]
    none = client.post("/rejects/replay", json={**asked, "error": reasons[0]}).json()
    assert none["message"].startswith("0 rows written, 60 still rejected. 59 refused again; the first: CHECK")
    take_any_name(database)
    done = client.post("/rejects/replay", json=asked).json()
    told = "59 rows written, 1 still rejected. 1 refused again; the first: NOT NULL constraint failed: target.name"
    assert done == {"message": told}
    assert database.one("SELECT count(*) FROM target") == 199
    assert "replayed" in client.get(f"/task?{its}").text
    database.execute("UPDATE airflow_checkpoint SET status = 'running'")
    refused = client.post("/rejects/replay", json=asked, headers={"Accept": "application/json"})
    assert (refused.status_code, "is at work" in refused.json()["detail"]) == (409, True)


def correction(client: TestClient, id_: str) -> tuple[dict[str, Any], str]:
    """Return what the form of a row sends, and the values that it shows."""
    page = client.get(f"/rejects?{query(client)}").text
    form = re.search(
        rf'id="dialog-correct-{id_}".*?data-body="(.*?)".*?<textarea.*?>(.*?)</textarea>', page, re.DOTALL
    )
    assert form
    return json.loads(html.unescape(form.group(1))), html.unescape(form.group(2))


def test_one_row_is_corrected_on_its_page(client: TestClient, database: Db) -> None:
    its = query(client)
    body, text = correction(client, "8")
    assert (body["row"], json.loads(text)) == (8, {"id": 7, "name": None})

    def send(corrected: str) -> tuple[int, str]:
        answer = client.post(
            "/rejects/replay", json={**body, "corrected": corrected}, headers={"Accept": "application/json"}
        )
        return answer.status_code, answer.json().get("message") or str(answer.json()["detail"])

    for wrong, why in (
        ("", "The values are not JSON"),
        ('{"id": 7', "The values are not JSON"),
        ("[" * 2_900, "The values are not JSON"),
        ("[7]", "The values are no JSON object"),
        ('{"nmae": "x"}', "Row 8: there is no column 'nmae'; the row has id, name."),
    ):
        status, told = send(wrong)
        assert (status, why in told) == (409, True), told
    assert send("x" * 3_001)[0] == 422
    reason = "SELECT error FROM airflow_checkpoint_reject WHERE id = 8"
    assert database.one(reason) == "NOT NULL constraint failed: target.name"
    refused = send('{"id": 7, "name": "much too long"}')
    assert refused == (409, f"Refused again: {database.one(reason)}")
    assert database.one(reason).startswith("CHECK constraint failed")
    assert send('{"id": 7, "name": "given"}') == (200, "1 row written, 59 still rejected.")
    assert database.one("SELECT name FROM target WHERE id = 7") == "given"
    assert "1 rejected row was written, 0 refused again; corrected: row 8" in client.get(f"/task?{its}").text
    status, told = send('{"id": 7, "name": "twice"}')
    assert (status, "The row is not among the rejected rows of a_dag.copy, run run_1" in told) == (409, True)
    assert database.one("SELECT count(*) FROM target") == ROWS - BAD + 1


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"corrected": '{"name": "x"}'}, 409),
        ({"row": 8}, 409),
        ({"row": None, "corrected": ""}, 409),
        ({"row": True, "corrected": "{}"}, 422),
    ],
)
def test_a_correction_names_its_row(
    client: TestClient, database: Db, given: dict[str, Any], status: int
) -> None:
    take_any_name(database)
    body = {name: value for name, value in correction(client, "8")[0].items() if name != "row"}
    answer = client.post("/rejects/replay", json={**body, **given})
    assert (answer.status_code, database.one("SELECT count(*) FROM target")) == (status, ROWS - BAD), (
        answer.text
    )


@pytest.mark.parametrize(
    "stored", [json.dumps({"id": 7, "name": "x" * 3_000}), "[7]"], ids=["long", "unreadable"]
)
def test_a_long_or_unreadable_row_has_no_form(client: TestClient, database: Db, stored: str) -> None:
    database.execute(f"UPDATE airflow_checkpoint_reject SET row_data = '{stored}' WHERE id = 8")
    page = client.get(f"/rejects?{query(client)}").text
    assert 'id="correct-7"' in page
    assert 'id="correct-8"' not in page


def test_they_are_written_again_from_the_shell(
    database: Db, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command: Ask = shell(capsys, monkeypatch)
    its = ("a_dag", "copy", "run_1")
    take_any_name(database)
    told = command("replay-rejects", *its, "--error", "CHECK", "--limit", "9", "-y")
    assert told == "9 rows written, 51 still rejected. Not all were tried: repeat it for the rest.\n"
    told = command("replay-rejects", *its, "-y")
    assert "50 rows written, 1 still rejected. 1 refused again; the first: NOT NULL" in told
    assert told.endswith("\n1")
    rows = json.loads(command("rejects", *its, "-o", "json"))
    rows[0]["row"]["name"] = "given"
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(rows))
    assert command("replay-rejects", *its, "--from", str(file), "-y") == "1 row written, 0 still rejected.\n"
    assert database.one("SELECT name FROM target WHERE id = 7") == "given"
    assert command("replay-rejects", *its) == "a_dag.copy, run run_1 has no rejected rows.\n"
    file.write_text('[{"row_no": 1}]')
    assert "is no list of rows with id and row" in command("replay-rejects", *its, "--from", str(file), "-y")
    file.write_text('[{"id": 1, "row": {}}, {"id": true, "row": {}}]')
    assert "has two rows with the same id" in command("replay-rejects", *its, "--from", str(file), "-y")


def test_rows_are_counted_of_dags_that_have_some(database: Db) -> None:
    hook = CheckpointHook("dst")

    def counted() -> tuple[int, int]:
        with statements() as sent:
            (listed,) = hook.find(Search()).rows
        return sum("_reject" in text and "count(" in text for text, _ in sent), listed.rejected

    assert counted() == (1, 60)
    database.execute("DELETE FROM airflow_checkpoint_reject")
    assert counted() == (0, 0)
