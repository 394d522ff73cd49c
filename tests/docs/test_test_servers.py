"""The servers for the tests are those in the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "tests/docker-compose.yaml").read_text())["services"]


@pytest.mark.parametrize("name", ["oracle", "postgres", "mariadb"])
def test_a_service_says_when_it_is_ready_and_is_for_this_machine_only(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[\w./-]+:[\w.-]+", service["image"])
    assert service["healthcheck"]["test"][0] == "CMD"
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize("place", ["docs/oracle.md", "tests/docker-compose.yaml"])
def test_the_documented_dsn_is_that_of_the_service(place: str) -> None:
    found = re.findall(r"CHECKPOINT_TEST_ORACLE_DSN=(\S+)", (ROOT / place).read_text())
    service = SERVICES["oracle"]
    host, port, inside = service["ports"][0].split(":")
    assert inside == "1521"
    password = service["environment"]["ORACLE_PASSWORD"]
    assert found == [f"system/{password}@{host}:{port}/FREEPDB1"]


def test_the_password_needs_no_quotes() -> None:
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            assert "PASSWORD" in name
            assert re.fullmatch(r"[A-Za-z]\w+", value)
