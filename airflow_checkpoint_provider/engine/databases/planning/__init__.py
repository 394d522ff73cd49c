"""What only a plan of a load asks about a server."""
