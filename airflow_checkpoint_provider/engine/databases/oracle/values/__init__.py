"""Oracle's types, as the driver reads and writes them."""
