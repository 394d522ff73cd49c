"""Values as columns keep them, whatever the database."""
