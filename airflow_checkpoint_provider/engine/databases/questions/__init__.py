"""The questions about a server by subject, each with an answer that is safe for an unknown one."""
