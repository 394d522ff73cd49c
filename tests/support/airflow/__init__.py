"""A real Airflow for tests and for the demo: started, driven, hurt and stopped from Python."""
