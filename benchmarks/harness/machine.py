"""The machine and the versions with which the figures were measured."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from importlib import metadata
from pathlib import Path

from benchmarks.harness.server import Server
from benchmarks.peers.sling import find_sling

_PACKAGES = (
    "apache-airflow",
    "apache-airflow-providers-common-sql",
    "apache-airflow-providers-postgres",
    "apache-airflow-providers-sqlite",
    "psycopg",
    "sqlalchemy",
    "dlt",
    "connectorx",
)


def describe_machine() -> dict[str, str | int | float]:
    """Return the hardware, its system and its load."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": cores,
        "cpu": _cpu(),
        "memory_gb": round(memory, 1),
        "os": _system(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def describe_versions(server: Server) -> dict[str, str]:
    """Return the versions of all software that takes part."""
    from airflow_checkpoint_provider import __version__

    versions = {
        "airflow-checkpoint-provider": __version__,
        "python": platform.python_version(),
        "postgres": server.version(),
        "psql": _version(server.psql),
        "sqlite": sqlite3.sqlite_version,
    }
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    if tool := find_sling():
        versions["sling"] = _version(tool)
    return versions


def _version(program: str) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _system() -> str:
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.system()} {platform.release()}"
    except OSError:
        return platform.platform(terse=True)
