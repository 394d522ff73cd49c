"""Operations on checkpoints, for people and Airflow: list, search, reload, resume, seed, purge, wait."""
