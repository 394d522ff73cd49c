"""The plan of a load: what an attempt would do, found out without changing anything."""
