from __future__ import annotations

import os
import tempfile

# Before Airflow is imported: its own home, and no example DAGs.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow_checkpoint_home_"))
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"

pytest_plugins = ["tests.fix_databases", "tests.fix_postgres"]
