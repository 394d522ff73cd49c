"""How rows travel from Oracle, other than as values of the driver."""
