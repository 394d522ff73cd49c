"""The user guide is correct: its links have targets, its commands exist, and its messages are those of the code."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.cli import cli_parser

from tests.support.documents import PAGES, ROOT, Block, anchors, blocks, messages, without_code

LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(without_code(page.read_text())):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{page.name}: {target}, there are {sorted(anchors(file))}"


def test_readme_has_links_that_hold_wherever_it_is_shown() -> None:
    text = without_code((ROOT / "README.md").read_text())
    targets = LINK.findall(text) + re.findall(r"(?:src|href)=\"([^\"]*)", text)
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []


def pages_in(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            ((title, inner),) = entry.items()
            assert isinstance(inner, list), f"{title}: pages have no title there, but that of their heading"
            yield from pages_in(inner)


def test_every_page_is_in_the_navigation_by_its_own_name() -> None:
    text = (ROOT / "mkdocs.yml").read_text()
    named = list(pages_in(yaml.safe_load("nav:" + text.partition("\nnav:")[2])["nav"]))
    docs = ROOT / "docs"
    assert {str(page.relative_to(docs)) for page in PAGES if docs in page.parents} <= set(named)
    assert len(named) == len(set(named))


@pytest.mark.parametrize("block", blocks("text"), ids=str)
def test_drawings_and_tables_of_text_fit_into_a_narrow_window(block: Block) -> None:
    """In 700 pixels; long lines of code are wrapped, those of drawings are not (docs/site.css)."""
    assert max(map(len, block.text.splitlines())) <= 83


def test_the_site_shows_the_examples_in_full() -> None:
    spec = importlib.util.spec_from_file_location("build", ROOT / "docs" / "build.py")
    assert spec
    assert spec.loader
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    page = build.on_page_markdown((ROOT / "docs" / "examples.md").read_text())
    for file in (ROOT / "example_dags").glob("*.py"):
        assert f"```python\n{file.read_text()}```" in page
        assert f"[`{file.name}`](#{file.stem})" in page
        assert f"{{#{file.stem}}}" in page
    assert "](../" not in page


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    return cli_parser.get_parser()


@pytest.mark.parametrize("block", blocks("bash"), ids=str)
def test_commands_can_be_given(block: Block, parser: argparse.ArgumentParser) -> None:
    for line in block.text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:2] == ["airflow", "checkpoint"]:
            try:
                parser.parse_args(words[1:])
            except SystemExit:
                pytest.fail(f"{block}: {line}")


@pytest.mark.parametrize("block", blocks("bash"), ids=str)
def test_make_has_the_targets(block: Block) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"\bmake ([a-z-]+)", block.text):
        assert target in targets, f"{block}: make {target}"


def quoted() -> list[str]:
    """Return the messages and log lines in the page on troubleshooting."""
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    quotes = re.findall(r"^> (?:.*\n> )*.*$", text, re.MULTILINE)
    lines = re.findall(r"^\| `([A-Z].*?)` \|", text, re.MULTILINE)
    return [" ".join(quote.replace("> ", " ").split()) for quote in quotes] + lines


SAID = messages()
LOGGED = [
    line
    for file in ("transfer/progress_log.py", "model/events/transfer.py", "model/events/steps.py")
    for line in messages(ROOT / "airflow_checkpoint_provider" / "engine" / file, printf=True)
]


def lines_of_logs() -> list[str]:
    """Return the lines of the logs: blocks without a language that are no drawings and no trees of folders."""
    logs = [block.text for block in blocks("") if not re.search(r"-->|^\w+/", block.text, re.MULTILINE)]
    return [line for log in logs for line in log.splitlines()]


@pytest.mark.parametrize("line", lines_of_logs())
def test_lines_of_logs_are_those_of_the_code(line: str) -> None:
    assert any(said.fullmatch(line) for said in SAID + LOGGED), line


@pytest.mark.parametrize("quote", quoted())
def test_messages_are_those_of_the_code(quote: str) -> None:
    assert any(said.fullmatch(quote) for said in SAID), quote


def test_troubleshooting_has_messages() -> None:
    assert len(quoted()) > 20
