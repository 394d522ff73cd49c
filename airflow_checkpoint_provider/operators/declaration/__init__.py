"""A declaration of many tables: what it may contain, and the tasks that are made of it."""
