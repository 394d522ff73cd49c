"""The vocabulary of the engine: values that need no database."""
