"""What a type is for the driver, read and written."""
