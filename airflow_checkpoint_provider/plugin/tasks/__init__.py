"""Which transfers there are, as Airflow knows them."""
