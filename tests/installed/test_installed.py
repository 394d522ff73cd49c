"""The wheel, installed beside plain Airflow in a new environment, with the lowest and the newest versions."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.installed import quick_start
from tests.support.documents import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RELEASES = {
    path.stem.rpartition("-")[2]: path.read_text() for path in ROOT.glob("tests/constraints-released-*.txt")
}
OLDEST = min(RELEASES)
DOCKERFILE = (ROOT / "Dockerfile").read_text()
EXTRAS = PROJECT["optional-dependencies"]

EVERY_MODULE = """
import importlib, pkgutil, airflow_checkpoint_provider as package
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
print(package.__file__)
"""
EVERY_HOOK = """
from airflow.sdk import Connection
from airflow.providers.postgres.hooks.postgres import USE_PSYCOPG3
for conn_type in {extras}:
    Connection(conn_id="some", conn_type=conn_type).get_hook()
assert USE_PSYCOPG3
"""

pytestmark = pytest.mark.timeout(1200)  # packages are downloaded, and one is compiled

Shell = Callable[[str, Path], str]


def lower_bounds() -> dict[str, str]:
    """Return each required package with its lower bound."""
    wanted = [*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)]
    found = [re.fullmatch(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)", one) for one in wanted]
    assert all(found), wanted
    return {one[1]: one[2] for one in found if one}


def lowest() -> str:
    """Return constraints: the lower bounds, and for other packages the newest at the oldest Airflow's release."""
    bounds = lower_bounds()
    assert OLDEST.startswith(bounds["apache-airflow"])
    bounds["psycopg-binary"] = bounds["psycopg"]
    others = [line for line in RELEASES[OLDEST].splitlines() if line.partition("==")[0] not in bounds]
    return "\n".join([*others, *(f"{name}=={version}" for name, version in bounds.items()), ""])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.returncode, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Run commands in a new environment, with the constraints in ``constraints.txt`` beside it."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    inherited = {
        name: value for name, value in os.environ.items() if not re.match("_?AIRFLOW|PYTHON|VIRTUAL", name)
    }
    env = inherited | {
        "PATH": f"{tmp_path / 'venv' / 'bin'}:{inherited['PATH']}",
        "PIP_CONSTRAINT": str(tmp_path / "constraints.txt"),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "COLUMNS": "400",
    }

    def run(commands: str, folder: Path) -> str:
        folder.mkdir(exist_ok=True)
        done = subprocess.run(
            ["bash", "-euc", commands], cwd=folder, env=env, capture_output=True, text=True, timeout=900
        )
        assert not done.returncode, f"{commands}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    return run


def check(shell: Shell, folder: Path) -> None:
    """Import all modules, and follow the quick start."""
    shell("pip check", folder)
    assert str(folder) in shell(f"python -c {shlex.quote(EVERY_MODULE)}", folder)
    (last,) = re.findall(r"^RUN (python -c .*)\n\Z", DOCKERFILE, re.MULTILINE)
    assert "import CheckpointedTransferOperator" in last
    shell(last, folder)
    quick_start.type_it(folder / "empty", shell)


@pytest.mark.parametrize("release", sorted(RELEASES))
def test_with_what_a_release_of_airflow_has_pinned(
    release: str, wheel: Path, shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "constraints.txt").write_text(RELEASES[release])
    shell(f"pip install apache-airflow=={release}", tmp_path)
    shell(quick_start.install_line(wheel), tmp_path)
    check(shell, tmp_path)


def test_with_the_lowest_versions_that_are_allowed(wheel: Path, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").write_text(lowest())
    shell(f'pip install apache-airflow=={OLDEST} "{wheel}[{",".join(EXTRAS)}]"', tmp_path)
    installed = {
        re.sub(r"[-_.]+", "-", one["name"]).lower(): one["version"]
        for one in json.loads(shell("pip list --format json", tmp_path))
    }
    for name, version in lower_bounds().items():
        assert f"{installed[name]}.0.0".startswith(f"{version}."), name
    shell(f"python -c {shlex.quote(EVERY_HOOK.format(extras=list(EXTRAS)))}", tmp_path)
    check(shell, tmp_path)


def test_the_image_is_one_of_these_releases() -> None:
    (image,) = re.findall(r"^FROM apache/airflow:(\S+)$", DOCKERFILE, re.MULTILINE)
    assert image in RELEASES
