"""The user guide has every argument, option, method and command."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from inspect import get_annotations
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseOperator, BaseSensorOperator

from airflow_checkpoint_provider.cli.definition import get_checkpoint_cli_commands
from airflow_checkpoint_provider.engine.model.history_kind import Kind
from airflow_checkpoint_provider.engine.model.status import Status
from airflow_checkpoint_provider.engine.transfer.result import Result
from airflow_checkpoint_provider.get_provider_info import get_provider_info
from airflow_checkpoint_provider.hooks.checkpoint import CheckpointHook
from airflow_checkpoint_provider.observability.metrics import Metrics
from airflow_checkpoint_provider.operators.group import CheckpointedTransferGroup
from airflow_checkpoint_provider.operators.partition import CheckpointPartitionOperator
from airflow_checkpoint_provider.operators.publish import CheckpointPublishOperator
from airflow_checkpoint_provider.operators.tables import CheckpointTablesOperator
from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator
from airflow_checkpoint_provider.sensors.checkpoint import CheckpointSensor
from tests.support.documents import GUIDE, PAGES, ROOT, sections, tables

README = (ROOT / "README.md").read_text()
COMMON = "# Options of several commands"
SECTIONS = [section for page in PAGES for section in sections(page.read_text())]
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()


def arguments(of: Any) -> list[str]:
    parameters = inspect.signature(of).parameters.values()
    return [p.name for p in parameters if p.name != "self" and p.kind is not p.VAR_KEYWORD]


def in_a_table(name: str, text: str) -> bool:
    return any(f"`{name}`" in cells[0] for cells in tables(text))


@pytest.mark.parametrize("name", arguments(CheckpointedTransferOperator.__init__))
def test_arguments_of_the_operator(name: str) -> None:
    assert in_a_table(name, CONFIGURATION), f"{name} is not in docs/configuration.md"


@pytest.mark.parametrize("name", arguments(CheckpointSensor.__init__))
def test_arguments_of_the_sensor(name: str) -> None:
    assert in_a_table(name, CONFIGURATION.partition("\n## CheckpointSensor")[2]), name


@pytest.mark.parametrize(
    ("operator", "page"),
    [
        (CheckpointPartitionOperator, "scale_out.md"),
        (CheckpointPublishOperator, "staged_replace.md"),
        (CheckpointedTransferGroup, "groups.md"),
        (CheckpointTablesOperator, "groups.md"),
    ],
)
def test_arguments_of_the_other_operators(operator: Any, page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    assert [name for name in arguments(operator.__init__) if not in_a_table(name, text)] == []


METHODS = [
    name
    for name, function in inspect.getmembers(CheckpointHook, inspect.isfunction)
    if not name.startswith("_") and function.__module__.startswith("airflow_checkpoint_provider.")
]


@pytest.mark.parametrize("method", METHODS)
def test_methods_of_the_hook(method: str) -> None:
    text = CONFIGURATION.partition("\n## CheckpointHook")[2]
    assert any(cells[0].startswith(f"`{method}(") for cells in tables(text)), method


def test_arguments_of_the_hook() -> None:
    text = CONFIGURATION.partition("\n## CheckpointHook")[2]
    names = {name for method in METHODS for name in arguments(getattr(CheckpointHook, method))}
    names -= set(arguments(CheckpointedTransferOperator.__init__))  # described with the operator
    assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()


@pytest.mark.parametrize("option", get_provider_info()["config"]["checkpoint"]["options"].items(), ids=str)
def test_options_of_the_configuration(option: tuple[str, dict[str, Any]]) -> None:
    name, described = option
    part = CONFIGURATION.partition("\n## Airflow's configuration")[2]
    found = [cells for cells in tables(part) if cells[0] == f"`{name}`"]
    assert found, name
    default = found[0][-1].strip("| `")
    assert default == described["default"]


@pytest.mark.parametrize("name", [field.name for field in fields(Result)])
def test_what_the_operator_returns(name: str) -> None:
    returned = CONFIGURATION.partition("### What it returns")[2].partition("\n## ")[0]
    assert in_a_table(name, returned)


METRICS = re.findall(r"``(checkpoint\.\w+)``", " ".join((Metrics.__doc__ or "").split()))


def test_metrics() -> None:
    assert len(METRICS) > 5
    text = (ROOT / "docs" / "monitoring.md").read_text()
    assert [name for name in METRICS if not in_a_table(name, text)] == []


@pytest.mark.parametrize("kind", [kind.value for kind in Kind if kind is not Kind.PROBED])
def test_events_of_the_history(kind: str) -> None:
    assert in_a_table(kind, (ROOT / "docs" / "monitoring.md").read_text())


@pytest.mark.parametrize("status", [status.value for status in Status])
def test_statuses(status: str) -> None:
    assert f"\n| {status} |" in (ROOT / "docs" / "view.md").read_text()


@pytest.mark.parametrize(
    "example", sorted((ROOT / "example_dags").glob("*.py")), ids=lambda path: str(path.stem)
)
def test_examples_say_what_they_need(example: Path) -> None:
    text = example.read_text()
    docstring, code = ast.get_docstring(ast.parse(text)) or "", text.split('"""', 2)[2]
    needed = set(re.findall(r'(?:conn_id=|CheckpointHook\()"(\w+)"', code))
    needed |= set(re.findall(r'_table="(\w+)"', code))
    assert {name for name in needed if f"``{name}``" not in docstring} == set()
    assert in_a_table(example.name, (ROOT / "docs" / "examples.md").read_text())


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT / "docs")) for page in PAGES[1:]])
def test_a_page_has_one_name(page: str) -> None:
    """The first page names it by its heading, and so does every link whose text is a name."""
    heading = (ROOT / "docs" / page).read_text().partition("\n")[0].removeprefix("# ")
    home = (ROOT / "docs" / "index.md").read_text()
    assert page == "index.md" or f"[{heading}]({page})" in home
    names = {
        name
        for linking in PAGES
        for name, target in re.findall(r"\[([A-Z][^]]*|[^]]*\.md)\]\(([^)#]+\.md)\)", linking.read_text())
        if (linking.parent / target).resolve() == ROOT / "docs" / page
    }
    assert names <= {heading}


def test_readme_names_pages_that_are_there() -> None:
    assert [name for name in re.findall(r"`(docs/[^`]+)`", README) if not (ROOT / name).exists()] == []


def figures(text: str) -> set[tuple[str, str]]:
    return {(cells[0], cells[-1]) for cells in tables(text) if re.fullmatch(r"\d+\.\d+( \*)?", cells[-1])}


MEASURED = figures((ROOT / "docs" / "speed.md").read_text())


def test_readme_has_figures_of_the_page_on_speed() -> None:
    assert len(figures(README)) > 5
    assert figures(README) <= MEASURED


def test_other_tools_are_compared_by_figures_of_the_page_on_speed() -> None:
    text = (ROOT / "docs" / "comparison.md").read_text()
    told = set(re.findall(r"(?<!Airflow before )\b\d+\.\d+\b", text))
    assert told
    assert told <= {figure for _, figure in MEASURED}


def test_support_is_what_the_package_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = list(tables((ROOT / "docs" / "upgrading.md").read_text()))
    supported = {cells[0]: cells[1] for cells in page if len(cells) == 3}
    pythons = [re.search(r"Python :: (3\.\d+)$", one) for one in project["classifiers"]]
    assert supported["Python"].split(", ") == [found.group(1) for found in pythons if found]
    tested = "".join(
        (ROOT / pins).read_text()
        for pins in ("tests/constraints-oldest.txt", "constraints.txt", "tests/constraints-newest.txt")
    )
    assert supported["Airflow"].split(", ") == re.findall(
        r"^apache-airflow==(\d+\.\d+)", tested, re.MULTILINE
    )
    extras = {name for cells in page for name in re.findall(r"`\[(\w+)\]`", cells[2]) if len(cells) == 4}
    assert extras == {name for name in project["optional-dependencies"] if not name.startswith("dev")}


def test_reference_has_what_the_hook_takes_and_returns() -> None:
    ours = {
        name
        for method in METHODS
        for written in get_annotations(getattr(CheckpointHook, method)).values()
        for name in re.findall(r"\b[A-Z]\w+", str(written))
    } - {"Any", "Callable", "Collection", "Mapping", "None", "Sequence"}
    assert {"Checkpoint", "Found", "Search"} <= ours
    reference = (ROOT / "docs" / "reference.md").read_text()
    assert {
        name for name in ours if not re.search(rf"^::: [\w.]+\.{name}$", reference, re.MULTILINE)
    } == set()


def commands() -> Iterator[Any]:
    (group,) = get_checkpoint_cli_commands()
    yield from group.subcommands


@pytest.mark.parametrize("command", list(commands()), ids=lambda command: str(command.name))
def test_commands_and_their_options(command: Any) -> None:
    name = f"airflow checkpoint {command.name}"
    assert name in GUIDE
    told = "\n".join(section for section in SECTIONS if name in section or COMMON in section)
    for argument in command.args:
        for flag in argument.flags:
            if flag.startswith("-"):
                assert re.search(rf"(?<![\w-]){flag}(?![\w-])", told), f"{name} {flag}"


FOR_ALL = {
    "task_id": "sales",
    "source_conn_id": "erp",
    "source_table": "sales",
    "destination_conn_id": "warehouse",
    "destination_table": "dwh.sales",
}
FOR_SENSOR = {"task_id": "wait", "checkpoint_conn_id": "warehouse", "external_task_id": "sales"}


def examples(heading: str) -> Iterator[Any]:
    """Return the examples in a section of the page, each with its argument."""
    part = re.split(r"\n## ", CONFIGURATION.partition(f"\n## {heading}\n")[2])[0]
    for cells in tables(part):
        if len(cells) == 4 and cells[0] != "argument":
            yield pytest.param(*re.findall(r"`(\w+)`", cells[0])[:1], cells[3].strip("`| "), id=cells[0])


def given(example: str) -> dict[str, Any]:
    names = {"timedelta": timedelta, "double_amounts": lambda rows, **context: rows}
    found: dict[str, Any] = eval(f"dict({example})", names)
    return found


@pytest.mark.parametrize(("name", "example"), list(examples("CheckpointedTransferOperator")))
def test_examples_of_the_operator_are_accepted(name: str, example: str) -> None:
    arguments = given(example)
    assert name in arguments
    source = {"source_table": None} if "sql" in arguments else {}
    task: BaseOperator = CheckpointedTransferOperator(**{**FOR_ALL, **source, **arguments})
    assert getattr(task, name) == arguments[name]


@pytest.mark.parametrize(("name", "example"), list(examples("CheckpointSensor")))
def test_examples_of_the_sensor_are_accepted(name: str, example: str) -> None:
    arguments = given(example)
    assert name in arguments
    task: BaseSensorOperator = CheckpointSensor(**{**FOR_SENSOR, **arguments})
    assert getattr(task, name) == arguments[name]
