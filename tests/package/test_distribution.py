"""The distributions: built as for a release, inspected, and installed into an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from trove_classifiers import classifiers

from airflow_checkpoint_provider import __version__
from tests.support.airflow.config import REPOSITORY
from tests.support.documents import PAGES

pytestmark = pytest.mark.slow

PACKAGE = "airflow_checkpoint_provider"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the source distribution and of the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.returncode, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


def files_of_the_package() -> set[str]:
    return {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    about = {name for name in names if name.startswith(f"{PACKAGE}-{__version__}.dist-info/")}
    assert names - about == files_of_the_package()
    assert {Path(name).suffix for name in names - about} == {".py", ".html", ".css", ".js", ".json", ".typed"}
    assert {Path(name).name for name in about} == {
        "METADATA",
        "WHEEL",
        "entry_points.txt",
        "LICENSE",
        "RECORD",
    }


def test_the_source_distribution_can_be_worked_with(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = set(PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    there = {name for name in wanted if name in names or any(one.startswith(f"{name}/") for one in names)}
    assert wanted == there
    assert files_of_the_package() <= names
    if not (REPOSITORY / ".git").exists():  # these tests run from a source distribution
        return
    tracked = subprocess.check_output(["git", "ls-files"], cwd=REPOSITORY, text=True).split("\n")
    assert set(filter(None, tracked)) <= names


def test_the_wheel_works_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    subprocess.run([*install, str(target), str(wheel)], check=True, capture_output=True)
    script = (
        "import importlib.metadata, pkgutil, importlib, airflow_checkpoint_provider as package\n"
        "for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    importlib.import_module(module.name)\n"
        "from airflow_checkpoint_provider.plugin.rendering import *\n"
        "print(package.__file__, importlib.metadata.version('airflow-checkpoint-provider'), package.__version__)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(target)}
    said = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=tmp_path, check=True, capture_output=True, text=True
    )
    where, *versions = said.stdout.split()[-3:]
    assert where == str(target / PACKAGE / "__init__.py")
    assert versions == [__version__, __version__]


def test_the_classifiers_exist() -> None:
    assert set(PROJECT["project"]["classifiers"]) <= classifiers


def test_the_changelog_has_this_version() -> None:
    text = (REPOSITORY / "CHANGELOG.md").read_text()
    assert f"\n## {__version__}" in text or "\n## Unreleased" in text


def test_airflow_and_python_are_stated_alike_everywhere() -> None:
    (airflow,) = [one for one in PROJECT["project"]["dependencies"] if re.match("apache-airflow>=", one)]
    minors = re.findall(r":: Python :: 3\.(\d+)", " ".join(PROJECT["project"]["classifiers"]))
    first, last = minors[0], minors[-1]
    assert minors == [str(minor) for minor in range(int(first), int(last) + 1)]
    assert PROJECT["project"]["requires-python"] == f">=3.{first},<3.{int(last) + 1}"
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py3{first}"
    assert PROJECT["tool"]["mypy"]["python_version"] == f"3.{first}"

    stated = f"Airflow {airflow.partition('>=')[2]} or later, and Python 3.{first} to 3.{last}"
    for name in ("README.md", "CHANGELOG.md", "docs/index.md", "docs/quick_start.md"):
        assert " ".join((REPOSITORY / name).read_text().split()).count(stated) == 1, name
    for page in (*PAGES, REPOSITORY / "CONTRIBUTING.md"):
        found = re.findall(
            r"Python 3\.\d+(?!\.?\d)(?: to 3\.\d+| or \w+)", " ".join(page.read_text().split())
        )
        assert set(found) <= {f"Python 3.{first} to 3.{last}"}, page.name

    (others,) = re.findall(r"^PYTHONS \?= (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert others.split() == [f"3.{minor}" for minor in minors[1:]]


def test_the_image_ends_with_the_import_that_every_dag_needs() -> None:
    last = (REPOSITORY / "Dockerfile").read_text().splitlines()[-1]
    command = re.fullmatch(r'RUN python -c "(from \S+ import CheckpointedTransferOperator)"', last)
    assert command, last
    exec(command[1], {})
