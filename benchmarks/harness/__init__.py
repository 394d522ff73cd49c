"""The parts that all contests share: the server, the data, the workers, the report."""
