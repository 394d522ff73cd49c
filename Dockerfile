# Airflow with this provider, installed from the checkout.
FROM apache/airflow:3.3.2
COPY --chown=airflow:root pyproject.toml README.md LICENSE /opt/provider/
COPY --chown=airflow:root airflow_checkpoint_provider /opt/provider/airflow_checkpoint_provider
# With Airflow's own version, so that pip cannot choose another one.
RUN pip install --no-cache-dir "apache-airflow==${AIRFLOW_VERSION}" "/opt/provider[oracle,postgres]"
RUN python -c "from airflow_checkpoint_provider.operators.transfer import CheckpointedTransferOperator"
