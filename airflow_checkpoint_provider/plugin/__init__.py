"""The view of checkpoints in Airflow's UI."""
