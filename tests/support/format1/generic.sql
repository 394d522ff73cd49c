CREATE TABLE airflow_checkpoint (
	dag_id VARCHAR(250) NOT NULL, 
	task_id VARCHAR(250) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	map_index INTEGER NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	strategy VARCHAR(20) NOT NULL, 
	key_columns TEXT, 
	position TEXT, 
	lower_bound TEXT, 
	upper_bound TEXT, 
	start_position TEXT, 
	rows_read BIGINT NOT NULL, 
	rows_written BIGINT NOT NULL, 
	batches BIGINT NOT NULL, 
	row_digest VARCHAR(64), 
	nulls_done INTEGER NOT NULL, 
	fence BIGINT NOT NULL, 
	restarting INTEGER NOT NULL, 
	forced INTEGER NOT NULL, 
	request_seen BIGINT NOT NULL, 
	current_run_id VARCHAR(250) NOT NULL, 
	current_run_after VARCHAR(32), 
	try_number INTEGER NOT NULL, 
	max_tries INTEGER NOT NULL, 
	task_retries INTEGER NOT NULL, 
	clear_number INTEGER NOT NULL, 
	owner VARCHAR(400) NOT NULL, 
	fingerprint TEXT NOT NULL, 
	source_conn_id VARCHAR(250) NOT NULL, 
	destination_conn_id VARCHAR(250) NOT NULL, 
	destination_table VARCHAR(400) NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	started_at VARCHAR(32) NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	completed_at VARCHAR(32), 
	last_error TEXT, 
	format_version INTEGER NOT NULL, 
	PRIMARY KEY (dag_id, task_id, run_id, map_index)
);

CREATE INDEX airflow_checkpoint_dag ON airflow_checkpoint (dag_id, updated_at);

CREATE INDEX airflow_checkpoint_dag_status ON airflow_checkpoint (dag_id, status, updated_at);

CREATE INDEX airflow_checkpoint_status ON airflow_checkpoint (status, updated_at);

CREATE INDEX airflow_checkpoint_updated ON airflow_checkpoint (updated_at);

CREATE TABLE airflow_checkpoint_event (
	id BIGINT NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	task_id VARCHAR(250) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	map_index INTEGER NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	recorded_at VARCHAR(32) NOT NULL, 
	who VARCHAR(400) NOT NULL, 
	try_number INTEGER, 
	rows_written BIGINT, 
	position TEXT, 
	detail TEXT, 
	PRIMARY KEY (id)
);

CREATE INDEX airflow_checkpoint_event_identity ON airflow_checkpoint_event (dag_id, task_id, run_id, map_index);

CREATE INDEX airflow_checkpoint_event_kind ON airflow_checkpoint_event (kind);

CREATE TABLE airflow_checkpoint_reject (
	id BIGINT NOT NULL, 
	dag_id VARCHAR(250) NOT NULL, 
	task_id VARCHAR(250) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	map_index INTEGER NOT NULL, 
	current_run_id VARCHAR(250) NOT NULL, 
	row_no BIGINT NOT NULL, 
	row_data TEXT NOT NULL, 
	error TEXT NOT NULL, 
	try_number INTEGER NOT NULL, 
	who VARCHAR(400) NOT NULL, 
	recorded_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
);

CREATE INDEX airflow_checkpoint_reject_identity ON airflow_checkpoint_reject (dag_id, task_id, run_id, map_index);
