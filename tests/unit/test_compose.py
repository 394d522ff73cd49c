"""What ``docker compose up`` reads is complete, and fits what this package and its example need."""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml
from airflow.configuration import conf
from airflow.providers.common.sql.hooks.sql import DbApiHook
from airflow.sdk import Connection

from airflow_checkpoint_provider.get_provider_info import get_provider_info
from tests.live.config import REPOSITORY

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
    pinned = re.search(r"^apache-airflow==(\S+)$", (REPOSITORY / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned
    assert f"apache/airflow:{pinned[1]}" in images


def test_the_image_is_built_once_and_never_looked_for_elsewhere() -> None:
    """Services that build the same image do so at the same time, and get in each other's way."""
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


def test_the_seed_script_runs_the_seed() -> None:
    script = (REPOSITORY / "docker/oracle/10-seed.sh").read_text()
    targets = dict(volume.split(":")[:2] for volume in SERVICES["oracle"]["volumes"])
    assert f"@{targets['./docker/oracle/seed.sql']}" in script
    assert targets["./docker/oracle/10-seed.sh"].startswith("/container-entrypoint-initdb.d/")
    (mark,) = re.findall(r"^touch (\S+)", script, re.MULTILINE)
    assert SERVICES["oracle"]["healthcheck"]["test"][-1].endswith(f"&& test -e {mark}")
    assert {"APP_USER", "APP_USER_PASSWORD"} <= SERVICES["oracle"]["environment"].keys()
