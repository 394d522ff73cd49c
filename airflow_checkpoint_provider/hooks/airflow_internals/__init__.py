"""Airflow's own tables, read here alone."""
