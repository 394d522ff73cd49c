"""What CI and the demo install is pinned, with the hashes of its files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINS = [
    "constraints.txt",
    "docs/requirements.txt",
    *(f"tests/constraints-{name}.txt" for name in ("oldest", "newest", "fab")),
]


def name_of(requirement: str) -> str:
    return re.split(r"[\s<>=!~;]", requirement, maxsplit=1)[0]


@pytest.mark.parametrize("name", PINS)
def test_each_package_has_hashes(name: str) -> None:
    text = (ROOT / name).read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) > 30
    assert [line for line in lines if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)] == []


def test_what_is_installed_without_the_project_is_what_it_depends_on() -> None:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, group = found["project"], found["dependency-groups"]["dependencies"]
    extras = [
        one for name in ("oracle", "postgres", "sqlite") for one in project["optional-dependencies"][name]
    ]
    assert set(group) == set(map(name_of, [*project["dependencies"], *extras]))


def test_nothing_is_installed_without_pins() -> None:
    for name in ("Makefile", ".ci/run", ".github/workflows/checks.yml"):
        text = (ROOT / name).read_text()
        installs = re.findall(
            r"(?:pip install (?!--quiet --disable-pip-version-check$)|\$\(PIP\) ).*", text, re.MULTILINE
        )
        assert installs, name
        for line in installs:
            assert re.search(r" -c |--require-hashes|--no-deps --no-build-isolation -e \.", line), line


def test_a_release_is_built_by_what_is_pinned() -> None:
    builds = re.findall(r"-m build.*", (ROOT / "Makefile").read_text())
    assert builds
    assert all("--no-isolation" in line for line in builds)
