"""The files that ``docker compose up`` reads are complete, and fit this package and its example."""

from __future__ import annotations

import json
import os
import pkgutil
import re
import subprocess
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml
from airflow.cli import cli_parser
from airflow.configuration import conf
from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.sdk import Connection

from airflow_checkpoint_provider.get_provider_info import get_provider_info
from tests.support.airflow.config import REPOSITORY

FILES = ["docker-compose.yaml", "tests/docker-compose.yaml"]
OWN_IMAGE = "airflow-checkpoint-provider:local"
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:\?[^}]+|:-[^}]+)?\}")
SECRET = re.compile(r"PASSWORD|SECRET|FERNET_KEY|CONN")


def environment() -> Iterator[tuple[str, str]]:
    for service in SERVICES.values():
        yield from service.get("environment", {}).items()


@pytest.mark.parametrize("name", FILES)
def test_it_is_what_the_compose_specification_says(name: str) -> None:
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(yaml.safe_load((REPOSITORY / name).read_text()), json.loads(schema.read_text()))


def test_every_file_is_there() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source, target, *_ = volume.split(":")
            assert (REPOSITORY / source).exists() if source.startswith("./") else source in COMPOSE["volumes"]
            assert target.startswith("/")
    ignored = (REPOSITORY / ".dockerignore").read_text().split()
    copied = re.findall(r"^COPY --chown=\S+ (.+) \S+$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    for name in " ".join(copied).split():
        assert (REPOSITORY / name).exists()
        assert f"!{name}" in ignored
    assert "pip install" in (REPOSITORY / "Dockerfile").read_text()


def test_images_are_pinned() -> None:
    services = [
        one for name in FILES for one in yaml.safe_load((REPOSITORY / name).read_text())["services"].values()
    ]
    images = {service["image"] for service in services} - {OWN_IMAGE}
    images |= set(re.findall(r"^FROM (\S+)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE))
    assert len(images) > 3
    assert all(re.fullmatch(r"[\w./-]+:\d+\.\d[\w.-]*", image) for image in images), images
    pinned = re.search(r"^apache-airflow==(\S+) ", (REPOSITORY / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned
    assert f"apache/airflow:{pinned[1]}" in images


def test_the_image_is_built_once_and_never_looked_for_elsewhere() -> None:
    """Services that build the same image would build it at the same time, and conflict."""
    own = {
        name: service["pull_policy"] for name, service in SERVICES.items() if service["image"] == OWN_IMAGE
    }
    assert own.pop("init") == "build"
    assert set(own.values()) == {"never"}
    assert [name for name, service in SERVICES.items() if "build" in service] == ["init"]


def test_settings_are_ones_that_airflow_has() -> None:
    known = {**conf.configuration_description, **get_provider_info()["config"]}
    names = {name for name, _ in environment() if name.startswith("AIRFLOW__")}
    assert len(names) > 8
    for _, section, option in (name.lower().split("__") for name in names):
        assert option in known[section]["options"], f"[{section}] {option}"
    (manager,) = {value for name, value in environment() if name == "AIRFLOW__CORE__AUTH_MANAGER"}
    assert callable(pkgutil.resolve_name(manager))


def test_services_are_waited_for_until_they_are_healthy() -> None:
    for name, service in SERVICES.items():
        assert name == "init" or service["healthcheck"]["test"][0].startswith("CMD")
        for other, how in service.get("depends_on", {}).items():
            ended = how["condition"] == "service_completed_successfully"
            assert ended if other == "init" else "healthcheck" in SERVICES[other]
    for port in (port for service in SERVICES.values() for port in service.get("ports", [])):
        assert port.startswith("127.0.0.1:")


def test_no_secret_is_written_here_and_each_one_is_asked_for() -> None:
    used = set()
    for name, value in environment():
        found = VARIABLE.findall(value)
        used |= {variable for variable, _ in found}
        if SECRET.search(name) and not name.endswith(("CONN_IDS", "USERS")):
            assert found, name
            assert all(rest.startswith(":?") for _, rest in found), name
    example = dict(re.findall(r"^(\w+)=(.*)$", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))
    assert used | {"AIRFLOW_PORT"} == set(example)
    assert {name: value for name, value in example.items() if value} == {"AIRFLOW_PORT": "8080"}
    assert ".env" in (REPOSITORY / ".gitignore").read_text().split()


@pytest.mark.parametrize("conn_id", ["sales_oracle", "warehouse"])
def test_a_connection_is_one_that_its_hook_takes(conn_id: str) -> None:
    (uri,) = {value for name, value in environment() if name == f"AIRFLOW_CONN_{conn_id.upper()}"}
    connection = Connection.from_uri(VARIABLE.sub("secret1", uri), conn_id=conn_id)
    assert isinstance(connection.get_hook(), DbApiHook)
    server = SERVICES[str(connection.host)]
    wanted = {"APP_USER", "POSTGRES_USER"} & server["environment"].keys()
    assert {server["environment"][name] for name in wanted} == {connection.login}
    (asked,) = {variable for variable, _ in VARIABLE.findall(uri)}
    assert any(asked in value for name, value in server["environment"].items() if "PASSWORD" in name)


def test_the_metadata_database_is_that_of_its_service() -> None:
    (uri,) = {value for name, value in environment() if name == "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"}
    url = urlsplit(VARIABLE.sub("secret1", uri))
    assert SERVICES[str(url.hostname)]["environment"]["POSTGRES_USER"] == url.username == url.path[1:]


# The health checks of the compose file in Airflow's documentation.
HEALTH = {
    "api-server": ["CMD", "curl", "--fail", "--silent", "http://localhost:8080/api/v2/version"],
    "scheduler": ["CMD", "curl", "--fail", "--silent", "http://localhost:8974/health"],
    "dag-processor": [
        "CMD-SHELL",
        'airflow jobs check --job-type DagProcessorJob --hostname "$${HOSTNAME}"',
    ],
    "triggerer": ["CMD-SHELL", 'airflow jobs check --job-type TriggererJob --hostname "$${HOSTNAME}"'],
}
PATIENCE = {"interval": "30s", "timeout": "10s", "retries": 5, "start_period": "30s"}


@pytest.mark.parametrize("name", HEALTH)
def test_airflow_is_asked_as_its_own_compose_file_does(name: str) -> None:
    assert SERVICES[name]["healthcheck"] == {"test": HEALTH[name], **PATIENCE}


@pytest.mark.parametrize("job", ["DagProcessorJob", "TriggererJob"])
def test_a_job_is_one_that_airflow_can_check(job: str) -> None:
    args = cli_parser.get_parser().parse_args(["jobs", "check", "--job-type", job, "--hostname", "here"])
    assert (args.job_type, args.hostname) == (job, "here")


def test_the_health_server_of_the_scheduler_is_on() -> None:
    (on,) = {value for name, value in environment() if name == "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK"}
    assert (on, conf.get("scheduler", "scheduler_health_check_server_port")) == ("true", "8974")


@pytest.mark.parametrize("name", ["metadata", "warehouse"])
def test_postgres_is_asked_for_the_user_and_database_that_it_has(name: str, tmp_path: Path) -> None:
    service = SERVICES[name]
    kind, command = service["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    (tmp_path / "pg_isready").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "pg_isready").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    run = ["sh", "-c", command.replace("$$", "$")]
    asked = subprocess.check_output(run, text=True, env={**service["environment"], "PATH": path})
    user = service["environment"]["POSTGRES_USER"]
    assert asked == f"--host=127.0.0.1 --username={user} --dbname={user}\n"


SQLPLUS = """#!/bin/bash
# Answers as SQL*Plus would whose database is the folder $DATABASE; a file that is named there fails.
asked=$(cat)
echo "$*" >> "$DATABASE/connected"
case "$asked" in
  *"FROM user_tables"*) printf '%10s\\n' "$(ls "$DATABASE" | grep -c '^table$')" ;;
  *"@/opt/seed/table.sql"*) test -e "$DATABASE/table" && exit 1; touch "$DATABASE/table" ;;
  *"@/opt/seed/rows.sql"*) test -e "$DATABASE/table" || exit 1; test -e "$DATABASE/full" && exit 1
    touch "$DATABASE/rows" ;;
  *) exit 1 ;;
esac
"""


@pytest.fixture
def seed(tmp_path: Path) -> Callable[[], int]:
    """Run the seed script as the image does, with a folder for the database; return its exit code."""
    (tmp_path / "sqlplus").write_text(SQLPLUS)
    (tmp_path / "sqlplus").chmod(0o755)
    script = (REPOSITORY / "docker/oracle/10-seed.sh").read_text()
    (tmp_path / "10-seed.sh").write_text(script.replace("/tmp/seeded", str(tmp_path / "seeded")))
    (tmp_path / "10-seed.sh").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "DATABASE": str(tmp_path),
        "APP_USER": "sales",
        "APP_USER_PASSWORD": "secret",
    }
    return lambda: subprocess.run([tmp_path / "10-seed.sh"], env=environment).returncode


def test_the_seed_is_run_once_more_at_each_start(seed: Callable[[], int], tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "seeded").unlink(missing_ok=True)
        assert seed() == 0
        assert {"table", "rows", "seeded"} <= {file.name for file in tmp_path.iterdir()}
    connected = set((tmp_path / "connected").read_text().splitlines())
    assert connected == {"-s -L sales/secret@//localhost/FREEPDB1"}


def test_a_seed_that_failed_is_run_again(seed: Callable[[], int], tmp_path: Path) -> None:
    (tmp_path / "full").touch()  # no room for the rows
    assert seed() == 1
    assert (tmp_path / "table").exists()
    assert not (tmp_path / "seeded").exists()
    (tmp_path / "full").unlink()
    assert seed() == 0
    assert (tmp_path / "rows").exists()
    assert (tmp_path / "seeded").exists()


def test_the_image_finds_the_seed_at_each_start() -> None:
    targets = dict(volume.split(":")[:2] for volume in SERVICES["oracle"]["volumes"])
    script = REPOSITORY / "docker/oracle/10-seed.sh"
    assert os.access(script, os.X_OK)  # else the image would source it
    assert targets["./docker/oracle/10-seed.sh"].startswith("/container-entrypoint-startdb.d/")
    folder = targets["./docker/oracle/seed"]
    named = re.findall(rf"@{folder}/(\S+)\"", script.read_text())
    assert sorted(named) == sorted(file.name for file in (REPOSITORY / "docker/oracle/seed").iterdir())
    (mark,) = re.findall(r"^touch (\S+)", script.read_text(), re.MULTILINE)
    assert SERVICES["oracle"]["healthcheck"]["test"][-1].endswith(f"&& test -e {mark}")
    assert {"APP_USER", "APP_USER_PASSWORD"} <= SERVICES["oracle"]["environment"].keys()
