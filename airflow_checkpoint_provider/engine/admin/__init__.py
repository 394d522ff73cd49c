"""What people and Airflow ask of checkpoints: list, search, reload, resume, seed, purge, wait."""
