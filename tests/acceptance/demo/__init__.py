"""The demo: a load that is killed, retried and cleared on a real Airflow."""
