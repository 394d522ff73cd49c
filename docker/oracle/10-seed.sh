#!/bin/bash
# Run by the image at each start of the database, also after one that ended in the middle of this.
set -euo pipefail

ask() {
  sqlplus -s -L "$APP_USER/$APP_USER_PASSWORD@//localhost/FREEPDB1" <<SQL
WHENEVER OSERROR EXIT FAILURE ROLLBACK
WHENEVER SQLERROR EXIT FAILURE ROLLBACK
SET HEADING OFF FEEDBACK OFF PAGESIZE 0
$1
SQL
}

# CREATE TABLE commits by itself: an earlier start may have left the table without its rows.
tables=$(ask "SELECT count(*) FROM user_tables WHERE table_name = 'SALES';")
if ((tables == 0)); then
  ask "@/opt/seed/table.sql"
fi
ask "@/opt/seed/rows.sql"
touch /tmp/seeded  # what the health check waits for
