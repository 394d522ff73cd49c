"""Facts about destination tables, from the checkpoints of their loads and from Airflow."""
