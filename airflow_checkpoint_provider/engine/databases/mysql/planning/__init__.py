"""What only a plan of a load asks MySQL and MariaDB."""
