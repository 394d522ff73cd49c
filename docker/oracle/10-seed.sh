#!/bin/bash
# Run once by the image, when it has made the database and its user.
set -euo pipefail
sqlplus -s -L "$APP_USER/$APP_USER_PASSWORD@//localhost/FREEPDB1" <<SQL
WHENEVER OSERROR EXIT FAILURE ROLLBACK
WHENEVER SQLERROR EXIT FAILURE ROLLBACK
@/opt/seed/seed.sql
SQL
touch /tmp/seeded  # what the health check waits for
