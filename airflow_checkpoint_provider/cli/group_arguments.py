"""Arguments of the commands of ``airflow checkpoint`` about groups of tables."""

from __future__ import annotations

from airflow_checkpoint_provider.cli.arguments import arg

IMPORT = (
    arg("mapping_conn_id", metavar="CONN_ID", help="Connection to the database with the mapping table"),
    arg("table_name", metavar="TABLE", help="The mapping table, a row for each load: TABLE or SCHEMA.TABLE"),
    arg(
        "--columns",
        nargs="+",
        required=True,
        metavar="NAME=COLUMN",
        help=(
            "The column of each argument of a table, such as source_table=SRC strategy=CHKPNTSTRATEGY; of enabled,\n"
            "the flag that leaves a table out; and of load, its name in the log (default: that of source_table)"
        ),
    ),
    arg("--group-id", required=True, help="The id of the group"),
    arg("--source-conn-id", required=True, help="Connection to read from"),
    arg("--destination-conn-id", required=True, help="Connection to write to"),
    arg("--defaults", metavar="JSON", help="Arguments of all tables"),
    arg("--log-table", metavar="TABLE", help="The log of positions, beside the mapping table"),
    arg(
        "--log-columns",
        nargs="+",
        metavar="NAME=COLUMN",
        help=(
            "Its columns: of load and position, and of newest, by which the last row of a load is found, such as\n"
            "load=MAPREF position=PARAM1 newest=PRCID"
        ),
    ),
    arg(
        "--seed",
        metavar="DAG_ID",
        help="Seed the positions, for the group in this dag (default: only show them)",
    ),
    arg("--run-id", metavar="RUN_ID", help="The id of the dag run, for tables with scope='run'"),
)

EXPORT = (
    arg(
        "--group",
        metavar="GROUP_ID",
        help="The group of tasks (default: the only one, or those in none)",
    ),
)
