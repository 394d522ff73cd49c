"""What a page says, without reading anything."""
