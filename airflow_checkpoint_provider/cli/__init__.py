"""The commands of ``airflow checkpoint``."""
