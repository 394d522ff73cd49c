"""The files for GitHub are well-formed, and name existing files and targets."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.airflow.config import REPOSITORY

GITHUB = REPOSITORY / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").iterdir())
FORMS = sorted(set((GITHUB / "ISSUE_TEMPLATE").iterdir()) - {GITHUB / "ISSUE_TEMPLATE/config.yml"})
SCHEMAS = {
    **dict.fromkeys(WORKFLOWS, "github-workflows"),
    **dict.fromkeys(FORMS, "github-issue-forms"),
    GITHUB / "ISSUE_TEMPLATE/config.yml": "github-issue-config",
    GITHUB / "dependabot.yml": "dependabot",
}
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def read(path: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key "on" as a boolean.
    return {"on" if key is True else key: value for key, value in yaml.safe_load(path.read_text()).items()}


def steps() -> Iterator[dict[str, Any]]:
    for workflow in WORKFLOWS:
        for job in read(workflow)["jobs"].values():
            yield from job.get("steps", [])


@pytest.mark.parametrize(("path", "schema"), SCHEMAS.items(), ids=lambda one: getattr(one, "name", one))
def test_it_is_what_github_takes(path: Path, schema: str) -> None:
    vendored = files("check_jsonschema") / "builtin_schemas" / "vendor" / f"{schema}.json"
    rules = json.loads(vendored.read_text())
    jsonschema.validators.validator_for(rules)(rules).validate(read(path))


def test_every_file_is_checked() -> None:
    assert {path for path in GITHUB.rglob("*") if path.is_file()} == set(SCHEMAS)
    assert len(WORKFLOWS) == len(FORMS) == 2


def test_actions_are_pinned_to_a_commit_and_say_which_version_it_is() -> None:
    used = re.findall(r"uses: (.+)", "".join(workflow.read_text() for workflow in WORKFLOWS))
    ours = [name for name in used if name.startswith("./")]
    for name in ours:
        assert (REPOSITORY / name).is_file()
    assert len(used) > len(ours) + 5
    for name in set(used) - set(ours):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", name), name


def test_what_they_run_is_there() -> None:
    rules = (REPOSITORY / "Makefile").read_text()
    matrix = read(GITHUB / "workflows/checks.yml")["jobs"]["more"]["strategy"]["matrix"]["target"]
    commands = "\n".join(step["run"] for step in steps() if "run" in step)
    targets = {*re.findall(r"^make ([\w-]+)", commands, re.MULTILINE), *matrix}
    assert {"lint", "test", "audit", "package", "demo"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", rules, re.MULTILINE), target


def test_what_pre_commit_runs_needs_nothing_that_a_fresh_clone_has_not() -> None:
    """The rules in the Makefile create the virtual environment first."""
    rules = (REPOSITORY / "Makefile").read_text()
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert hooks
    for hook in hooks:
        command, target = hook["entry"].split()
        assert (hook["language"], command) == ("system", "make")
        assert re.search(rf"^{target}: \$\(READY\)", rules, re.MULTILINE)


def test_the_matrix_is_what_is_supported() -> None:
    matrix = read(GITHUB / "workflows/checks.yml")["jobs"]["test"]["strategy"]["matrix"]
    supported = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert matrix["python"] == supported
    assert {one["airflow"] for one in matrix["include"]} == set(matrix["airflow"])
    for one in matrix["include"]:
        pins = (REPOSITORY / one["constraints"]).read_text()
        assert re.search(rf"^apache-airflow=={re.escape(one['airflow'])}\.\d+(b\d+)? ", pins, re.MULTILINE)


def test_nothing_is_allowed_but_what_is_needed() -> None:
    for workflow in WORKFLOWS:
        assert read(workflow)["permissions"] == {"contents": "read"}
        for name, job in read(workflow)["jobs"].items():
            allowed = {"id-token": "write"} if name == "publish" else None
            assert job.get("permissions") == allowed
    assert not re.search(
        r"secrets\.|github\.token|password:", "".join(path.read_text() for path in WORKFLOWS)
    )
    assert all(
        not step["with"]["persist-credentials"] for step in steps() if "checkout" in step.get("uses", "")
    )


def test_a_release_needs_its_version_in_the_tag_and_in_the_changelog(tmp_path: Path) -> None:
    """Run the step itself, on a temporary package and changelog."""
    (script,) = (step["run"] for step in steps() if "GITHUB_REF_NAME" in step.get("run", ""))
    package = tmp_path / "airflow_checkpoint_provider"
    package.mkdir()
    real = (REPOSITORY / package.name / "__init__.py").read_text()
    (package / "__init__.py").write_text(re.sub('__version__ = ".*"', '__version__ = "1.2.3"', real))
    for tag, changelog, code in (
        ("v1.2.3", "## 1.2.3, 2027-01-01\n", 0),
        ("v1.2.4", "## 1.2.3, 2027-01-01\n", 1),
        ("v1.2.3", "## Unreleased\n", 1),
    ):
        (tmp_path / "CHANGELOG.md").write_text(changelog)
        run = subprocess.run(["sh", "-e", "-c", script], cwd=tmp_path, env={"GITHUB_REF_NAME": tag})
        assert run.returncode == code
