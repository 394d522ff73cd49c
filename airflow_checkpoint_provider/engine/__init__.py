"""The transfer engine: source -> engine -> destination. It knows no Airflow."""
