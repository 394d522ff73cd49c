"""What Airflow asks every provider for. Imports nothing."""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_checkpoint_provider"
_INTEGRATION = "Checkpoint"


def get_provider_info() -> dict[str, Any]:
    """Describe the provider in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-checkpoint-provider",
        "name": "Checkpoint",
        "description": (
            "Copies rows from one SQL database to another in committed batches; a retry goes on after the last "
            "one, with every row exactly once.\n"
        ),
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://pypi.org/project/airflow-checkpoint-provider/",
                "tags": ["software"],
            }
        ],
        "operators": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": [
                    f"{_PACKAGE}.operators.transfer",
                    f"{_PACKAGE}.operators.partition",
                    f"{_PACKAGE}.operators.publish",
                    f"{_PACKAGE}.operators.moment",
                    f"{_PACKAGE}.operators.holding",
                    f"{_PACKAGE}.operators.group",
                    f"{_PACKAGE}.operators.tables",
                ],
            },
        ],
        "sensors": [
            {"integration-name": _INTEGRATION, "python-modules": [f"{_PACKAGE}.sensors.checkpoint"]},
        ],
        "triggers": [
            {"integration-name": _INTEGRATION, "python-modules": [f"{_PACKAGE}.triggers.checkpoint"]},
        ],
        "hooks": [{"integration-name": _INTEGRATION, "python-modules": [f"{_PACKAGE}.hooks.checkpoint"]}],
        "notifications": [f"{_PACKAGE}.notifications.checkpoint.CheckpointNotifier"],
        "cli": [f"{_PACKAGE}.cli.definition.get_checkpoint_cli_commands"],
        "extra-links": [f"{_PACKAGE}.links.checkpoint.CheckpointLink"],
        "config": {
            "checkpoint": {
                "description": "Where and how checkpoints of transfers are kept.",
                "options": {
                    "auto_create": {
                        "description": (
                            "Create the metadata table on first use. Set it to False where a DBA creates tables; "
                            "CheckpointHook.ddl() returns the script.\n"
                        ),
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": None,
                        "default": "True",
                    },
                    "discover": {
                        "description": (
                            "Find out from the DAGs and from what their tasks were run with where checkpoints are "
                            "kept, for the view in the UI. Set it to False to look in conn_ids only.\n"
                        ),
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": None,
                        "default": "True",
                    },
                    "conn_ids": {
                        "description": (
                            "Connections to the databases in which there are checkpoints, separated by commas, and "
                            "conn_id=table where the metadata table has another name than airflow_checkpoint. The "
                            "commands of ``airflow checkpoint`` look there, and the view in the UI there, too.\n"
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "warehouse, erp=ops.airflow_checkpoint",
                        "default": "",
                    },
                    "stalled_after": {
                        "description": (
                            "Seconds after which a running load that has committed nothing is shown as stalled.\n"
                        ),
                        "version_added": "0.1.0",
                        "type": "integer",
                        "example": None,
                        "default": "300",
                    },
                },
            },
        },
    }
