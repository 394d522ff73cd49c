"""How rows travel from and to MySQL and MariaDB, other than as values of a statement."""
