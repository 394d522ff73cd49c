"""A real Airflow for tests and for the demo: started, driven, disturbed and stopped from Python."""
