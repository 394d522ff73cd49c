"""The package as Airflow loads it before any task runs."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import airflow
import jsonschema

import airflow_checkpoint_provider
from airflow_checkpoint_provider.get_provider_info import get_provider_info
from tests.support.imports import heavy

PACKAGE = Path(airflow_checkpoint_provider.__file__).parent
MODULES = sorted(
    ".".join(["airflow_checkpoint_provider", *path.relative_to(PACKAGE).with_suffix("").parts])
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py"
)


def test_provider_info_is_what_airflow_expects() -> None:
    schema = Path(airflow.__path__[0]) / "provider_info.schema.json"
    jsonschema.validate(get_provider_info(), json.loads(schema.read_text()))


def test_airflow_finds_the_provider() -> None:
    points = entry_points(group="apache_airflow_provider")
    assert get_provider_info in [point.load() for point in points if "checkpoint" in point.value]


def test_modules_named_in_the_provider_info_exist() -> None:
    info = get_provider_info()
    named = [
        module
        for part in ("operators", "sensors", "triggers", "hooks")
        for entry in info[part]
        for module in entry["python-modules"]
    ]
    named += [link.rpartition(".")[0] for link in info["extra-links"]]
    assert set(named) <= set(MODULES)


def test_what_airflow_imports_for_each_of_its_commands_is_light() -> None:
    (function,) = get_provider_info()["cli"]
    module, _, name = function.rpartition(".")
    script = (
        "import importlib, sys, airflow.cli.cli_config\n"
        "before = set(sys.modules)\n"
        f"importlib.import_module({module!r}).{name}()\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert all(name.startswith("airflow_checkpoint_provider") for name in loaded), loaded
    words = {
        f"airflow_checkpoint_provider.{name}"
        for name in ("engine", "engine.model", "engine.model.history_kind", "engine.model.status")
    }
    assert not [name for name in set(loaded) - words if ".engine" in name or ".hooks" in name]


def test_importing_opens_no_connection() -> None:
    script = (
        "import importlib, sys\n"
        "def refuse(event, args):\n"
        "    if event in ('socket.connect', 'sqlite3.connect'): raise SystemExit(f'{event}: {args}')\n"
        "import airflow.providers.common.sql.hooks.sql\n"
        "sys.addaudithook(refuse)\n"
        f"for module in {MODULES!r}: importlib.import_module(module)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_importing_the_operator_loads_little() -> None:
    """DAG files are parsed often, so the modules that only a running task needs are not imported."""
    script = (
        "import sys, airflow.sdk, airflow.providers.common.sql.hooks.sql\n"
        "from airflow.sdk import BaseOperator, BaseOperatorLink\n"
        "before = set(sys.modules)\n"
        "import airflow_checkpoint_provider.operators.transfer\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    others = [name for name in loaded if not name.startswith("airflow_checkpoint_provider")]
    assert len(loaded) - len(others) < 35
    assert all(name.startswith("airflow.sdk.") for name in others), others
    assert heavy(loaded) == []
